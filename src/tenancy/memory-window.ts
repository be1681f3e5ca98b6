/**
 * The memory's recent window: entries that the index may not show yet, with their vectors and their passage into it.
 *
 * The index is eventually consistent, and its replicas may differ: what one of them showed a moment ago, another may not
 * show now. So an entry is found here until some time after the index was first seen to show its newest version. That
 * covers a retrieval that asked the index before and comes here after, too. A search reads every vector of the window:
 * its size is auctions per second times the seconds that the index needs, plus that time (a thousand: 3 MB, a few ms).
 */
import type { AuctionId } from "../market/ids.ts";
import {
  claimPassage,
  dueAt,
  endClaim,
  openPassage,
  passageStep,
  type Passage,
  type PassageReport,
} from "../market/passage.ts";
import { cosine } from "../market/similarity.ts";
import type { PendingVector } from "./market-room-api.ts";

/**
 * How long an entry is found here after the index showed it. Far longer than an auction's question to the index may
 * take (5 s) and its way here; the rest is for replicas that lag.
 */
export const GRACE_MS = 120_000;

export const WINDOW_SCHEMA = `
CREATE TABLE memory_window (
  auction_id TEXT PRIMARY KEY, version INTEGER NOT NULL, written INTEGER NOT NULL, written_at_ms INTEGER NOT NULL,
  claim INTEGER NOT NULL, held_until_ms INTEGER NOT NULL, due_at_ms INTEGER NOT NULL, tries INTEGER NOT NULL,
  next_at_ms INTEGER, shown_at_ms INTEGER, vector BLOB NOT NULL
);
CREATE INDEX memory_window_next ON memory_window (next_at_ms) WHERE next_at_ms IS NOT NULL;
CREATE INDEX memory_window_shown ON memory_window (shown_at_ms) WHERE shown_at_ms IS NOT NULL;
`;

interface PassageRow extends Record<string, SqlStorageValue> {
  auction_id: string;
  version: number;
  written: number;
  written_at_ms: number;
  claim: number;
  held_until_ms: number;
  due_at_ms: number;
  tries: number;
  shown_at_ms: number | null;
}
type VectorRow = { auction_id: string; vector: ArrayBuffer };

const PASSAGE =
  "auction_id, version, written, written_at_ms, claim, held_until_ms, due_at_ms, tries, shown_at_ms";

export class MemoryWindow {
  readonly #sql: SqlStorage;
  /** When the next entry is due; undefined: to be read. Every transaction asks. */
  #dueAtMs: number | null | undefined = undefined;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** The entry's newest version, on its way into the index from now on. */
  put(
    entry: { readonly id: AuctionId; readonly version: number; readonly vector: Float32Array },
    nowMs: number,
  ): void {
    const passage = openPassage(this.#passage(entry.id), entry.version, nowMs);
    this.#sql.exec(
      `INSERT INTO memory_window (${PASSAGE}, next_at_ms, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (auction_id) DO NOTHING`,
      entry.id,
      ...columns(passage),
      dueAt(passage),
      entry.vector.buffer,
    );
    this.#keep(entry.id, passage);
    this.#forgetShown(nowMs);
  }

  /** When the next entry is due; null: the index shows all of them. */
  dueAtMs(): number | null {
    const query = "SELECT min(next_at_ms) AS due FROM memory_window";
    if (this.#dueAtMs === undefined) {
      this.#dueAtMs = this.#sql.exec<{ due: number | null }>(query).one().due;
    }
    return this.#dueAtMs;
  }

  /** What was remembered in a transaction that did not stand. */
  forget(): void {
    this.#dueAtMs = undefined;
  }

  /** Hands out entries that are due, longest due first, each to this caller alone. */
  claim(limit: number, nowMs: number): PendingVector[] {
    this.#forgetShown(nowMs);
    const query = `SELECT ${PASSAGE} FROM memory_window WHERE next_at_ms <= ? ORDER BY next_at_ms, auction_id LIMIT ?`;
    return this.#sql
      .exec<PassageRow>(query, nowMs, limit)
      .toArray()
      .map((row): PendingVector => {
        const id = row.auction_id as AuctionId;
        const passage = claimPassage(passageOf(row), nowMs);
        this.#keep(id, passage);
        const { version, claim } = passage;
        const step = passageStep(passage, nowMs);
        return step === "look"
          ? { id, version, claim, step }
          : { id, version, claim, step, vector: this.#vector(id), alone: passage.tries > 0 };
      });
  }

  report(id: AuctionId, report: PassageReport, nowMs: number): void {
    const passage = this.#passage(id);
    if (passage !== null) this.#keep(id, endClaim(passage, report, nowMs));
  }

  /** Cosine similarity of each entry to a vector. */
  similarities(asked: Float32Array, nowMs: number): { readonly id: string; readonly similarity: number }[] {
    const query = "SELECT auction_id, vector FROM memory_window WHERE shown_at_ms IS NULL OR shown_at_ms > ?";
    return Array.from(this.#sql.exec<VectorRow>(query, nowMs - GRACE_MS), ({ auction_id: id, vector }) => ({
      id,
      similarity: cosine(asked, new Float32Array(vector)),
    }));
  }

  #passage(id: AuctionId): Passage | null {
    const query = `SELECT ${PASSAGE} FROM memory_window WHERE auction_id = ?`;
    const row = this.#sql.exec<PassageRow>(query, id).toArray()[0];
    return row === undefined ? null : passageOf(row);
  }

  #vector(id: AuctionId): Float32Array {
    const query = "SELECT auction_id, vector FROM memory_window WHERE auction_id = ?";
    return new Float32Array(this.#sql.exec<VectorRow>(query, id).one().vector);
  }

  #keep(id: AuctionId, passage: Passage): void {
    this.#dueAtMs = undefined;
    this.#sql.exec(
      `UPDATE memory_window SET version = ?, written = ?, written_at_ms = ?, claim = ?, held_until_ms = ?,
       due_at_ms = ?, tries = ?, shown_at_ms = ?, next_at_ms = ? WHERE auction_id = ?`,
      ...columns(passage),
      dueAt(passage),
      id,
    );
  }

  /** What the index has shown for long enough leaves. */
  #forgetShown(nowMs: number): void {
    this.#dueAtMs = undefined;
    this.#sql.exec("DELETE FROM memory_window WHERE shown_at_ms <= ?", nowMs - GRACE_MS);
  }
}

function columns(passage: Passage) {
  const { version, written, writtenAtMs, claim, heldUntilMs, dueAtMs, tries, shownAtMs } = passage;
  return [version, written, writtenAtMs, claim, heldUntilMs, dueAtMs, tries, shownAtMs] as const;
}

function passageOf(row: PassageRow): Passage {
  return {
    version: row.version,
    written: row.written,
    writtenAtMs: row.written_at_ms,
    claim: row.claim,
    heldUntilMs: row.held_until_ms,
    dueAtMs: row.due_at_ms,
    tries: row.tries,
    shownAtMs: row.shown_at_ms,
  };
}
