/**
 * The memory's texts and its recent window (auction.md, step 8): tables and statements only.
 *
 * The index outside is eventually consistent, so an entry stays in the window, with its vector, until the index shows
 * its newest version: an auction sees every auction of its tenant that cleared before it.
 */
import type { AuctionId, TaskId } from "../market/ids.ts";
import type { MemoryEntry, RecalledEntry } from "../market/memory.ts";
import { cosine } from "../market/similarity.ts";
import type { VerdictOutcome } from "../market/verifier-spec.ts";
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

  put(entry: MemoryEntry, vector: readonly number[]): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO memory (auction_id, task_id, version, body, vector, recent) VALUES (?, ?, ?, ?, ?, 1)",
      entry.auctionId,
      entry.taskId,
      entry.version,
      JSON.stringify(entry),
      Float32Array.from(vector).buffer,
    );
  }

  /** The outcome of the task's winner: a new version of its entry. */
  settle(taskId: TaskId, outcome: VerdictOutcome): void {
    const rows = this.#sql
      .exec<MemoryRow>("SELECT body, vector FROM memory WHERE task_id = ?", taskId)
      .toArray();
    for (const row of rows) {
      const entry = JSON.parse(row.body) as MemoryEntry;
      this.put({ ...entry, version: entry.version + 1, outcome }, [...new Float32Array(row.vector)]);
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
      if (row !== undefined) found.set(id, { entry: JSON.parse(row.body) as MemoryEntry, similarity });
    }
    for (const row of this.#sql.exec<MemoryRow>("SELECT body, vector FROM memory WHERE recent = 1")) {
      const entry = JSON.parse(row.body) as MemoryEntry;
      found.set(entry.auctionId, { entry, similarity: cosine(vector, new Float32Array(row.vector)) });
    }
    return [...found.values()]
      .toSorted((a, b) => b.similarity - a.similarity || (a.entry.auctionId < b.entry.auctionId ? -1 : 1))
      .slice(0, topK);
  }
}
