/**
 * The tenant's memory (auction.md, step 8): every cleared auction's texts and vector, for good, and retrieval over them.
 *
 * The index outside finds what it shows; the recent window beside it finds the rest, so that an auction sees every
 * auction of its tenant that cleared before it. Texts, and how near a task is, are always this room's own: what the index
 * names and this room does not hold is nobody's.
 *
 * Grows by an auction's texts and 3 KB of vector (768 numbers): some 15 to 25 KB with four agents, so that the 10 GB of
 * an object hold about half a million auctions.
 */
import type { MemoryEntry, RecalledEntry } from "../market/memory.ts";
import { settledEntry, storedEntry, traceOutcome } from "../market/remember.ts";
import type { EndReport } from "../market/report.ts";
import { cosine } from "../market/similarity.ts";
import type { PendingVector, RecallQuery, VectorReport } from "./market-room-api.ts";
import { MemoryWindow } from "./memory-window.ts";

interface MemoryRow extends Record<string, SqlStorageValue> {
  body: string;
  vector: ArrayBuffer;
}

export class MemoryStore {
  readonly #sql: SqlStorage;
  readonly #window: MemoryWindow;
  readonly #now: () => number;

  constructor(storage: DurableObjectStorage, now: () => number) {
    this.#sql = storage.sql;
    this.#window = new MemoryWindow(storage);
    this.#now = now;
  }

  /** @param vector null: the embedding failed; the entry is kept, and retrieval cannot find it */
  put(entry: MemoryEntry, vector: Float32Array | readonly number[] | null): void {
    const values = Float32Array.from(vector ?? []);
    this.#sql.exec(
      "INSERT OR REPLACE INTO memory (auction_id, task_id, version, body, vector) VALUES (?, ?, ?, ?, ?)",
      entry.auctionId,
      entry.taskId,
      entry.version,
      JSON.stringify(entry),
      values.buffer,
    );
    const { auctionId: id, version } = entry;
    if (vector !== null) this.#window.put({ id, version, vector: values }, this.#now());
  }

  /** What the winner's trace did: a new version of its entry. Told again, nothing changes. */
  settle(report: EndReport): void {
    const outcome = traceOutcome(report);
    if (outcome === null) return;
    const query = "SELECT body, vector FROM memory WHERE task_id = ?";
    for (const row of this.#sql.exec<MemoryRow>(query, report.taskId).toArray()) {
      const entry = settledEntry(storedEntry(row.body), outcome);
      if (entry !== null) this.put(entry, row.vector.byteLength === 0 ? null : new Float32Array(row.vector));
    }
  }

  /** When a vector is due to be carried to the index; null: the index shows all. */
  dueAtMs(): number | null {
    return this.#window.dueAtMs();
  }

  /** What was remembered in a transaction that did not stand. */
  forget(): void {
    this.#window.forget();
  }

  claim(limit: number): PendingVector[] {
    return this.#window.claim(limit, this.#now());
  }

  report(reports: readonly VectorReport[]): void {
    for (const { id, ...report } of reports) this.#window.report(id, report, this.#now());
  }

  /** The index's hits and the window, each entry once, best first. */
  recall({ vector, hits, topK }: RecallQuery): RecalledEntry[] {
    const asked = Float32Array.from(vector);
    const near = new Map<string, number>();
    for (const id of hits) {
      const row = this.#sql
        .exec<Pick<MemoryRow, "vector">>("SELECT vector FROM memory WHERE auction_id = ?", id)
        .toArray()[0];
      if (row !== undefined) near.set(id, cosine(asked, new Float32Array(row.vector)));
    }
    for (const { id, similarity } of this.#window.similarities(asked, this.#now())) near.set(id, similarity);
    return [...near]
      .map(([id, similarity]) => ({ id, similarity }))
      .toSorted((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1))
      .slice(0, topK)
      .map(({ id, similarity }) => ({ entry: this.#entry(id), similarity }));
  }

  #entry(id: string): MemoryEntry {
    const row = this.#sql
      .exec<Pick<MemoryRow, "body">>("SELECT body FROM memory WHERE auction_id = ?", id)
      .one();
    return storedEntry(row.body);
  }
}
