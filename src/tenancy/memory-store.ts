/**
 * The memory's texts and its recent window (auction.md, step 8): tables and statements only.
 *
 * The index outside is eventually consistent, so an entry stays in the window, with its vector, until the index shows
 * its newest version: an auction sees every auction of its tenant that cleared before it.
 */
import type { AuctionId } from "../market/ids.ts";
import type { MemoryEntry, RecalledEntry } from "../market/memory.ts";
import { settledEntry, storedEntry, traceOutcome } from "../market/remember.ts";
import type { EndReport } from "../market/report.ts";
import { cosine } from "../market/similarity.ts";
import type { PendingVector, RecallQuery } from "./market-room-api.ts";

interface MemoryRow extends Record<string, SqlStorageValue> {
  body: string;
  vector: ArrayBuffer;
}

export class MemoryStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** @param vector null: the embedding failed; the entry is kept, and retrieval cannot find it */
  put(entry: MemoryEntry, vector: readonly number[] | null): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO memory (auction_id, task_id, version, body, vector, recent) VALUES (?, ?, ?, ?, ?, ?)",
      entry.auctionId,
      entry.taskId,
      entry.version,
      JSON.stringify(entry),
      Float32Array.from(vector ?? []).buffer,
      vector === null ? 0 : 1,
    );
  }

  /** What the winner's trace did: a new version of its entry. Told again, nothing changes. */
  settle(report: EndReport): void {
    const outcome = traceOutcome(report);
    if (outcome === null) return;
    const query = "SELECT body, vector FROM memory WHERE task_id = ?";
    for (const row of this.#sql.exec<MemoryRow>(query, report.taskId).toArray()) {
      const entry = settledEntry(storedEntry(row.body), outcome);
      const vector = row.vector.byteLength === 0 ? null : [...new Float32Array(row.vector)];
      if (entry !== null) this.put(entry, vector);
    }
  }

  hasRecent(): boolean {
    return this.#sql.exec("SELECT 1 FROM memory WHERE recent = 1 LIMIT 1").toArray().length > 0;
  }

  recent(limit: number): PendingVector[] {
    return this.#sql
      .exec<MemoryRow & { auction_id: string; version: number }>(
        "SELECT auction_id, version, body, vector FROM memory WHERE recent = 1 ORDER BY auction_id LIMIT ?",
        limit,
      )
      .toArray()
      .map((row) => ({
        id: row.auction_id as AuctionId,
        version: row.version,
        vector: [...new Float32Array(row.vector)],
      }));
  }

  /** The entry leaves the window if this is its newest version. */
  visible(id: AuctionId, version: number): void {
    this.#sql.exec("UPDATE memory SET recent = 0 WHERE auction_id = ? AND version <= ?", id, version);
  }

  /** The index's hits and the window, each entry once, best first. A hit that this room does not hold is nobody's. */
  recall({ vector, hits, topK }: RecallQuery): RecalledEntry[] {
    const found = new Map<string, RecalledEntry>();
    for (const { id, similarity } of hits) {
      const row = this.#sql
        .exec<MemoryRow>("SELECT body, vector FROM memory WHERE auction_id = ?", id)
        .toArray()[0];
      if (row !== undefined) found.set(id, { entry: storedEntry(row.body), similarity });
    }
    for (const row of this.#sql.exec<MemoryRow>("SELECT body, vector FROM memory WHERE recent = 1")) {
      const entry = storedEntry(row.body);
      found.set(entry.auctionId, { entry, similarity: cosine(vector, new Float32Array(row.vector)) });
    }
    return [...found.values()]
      .toSorted((a, b) => b.similarity - a.similarity || (a.entry.auctionId < b.entry.auctionId ? -1 : 1))
      .slice(0, topK);
  }
}
