/**
 * Who had the tenant's latest awards: what caps on shares are held against.
 *
 * One row, written with the award's transaction, and remembered until one does not stand.
 */
import type { AgentId } from "../market/ids.ts";

export const SHARES_SCHEMA = `
CREATE TABLE award_shares (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL);
`;

/** So many awards count. */
export const COUNTED_AWARDS = 100;

export class AwardShares {
  readonly #sql: SqlStorage;
  /** Oldest first; undefined: to be read. */
  #latest: readonly AgentId[] | undefined = undefined;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#latest = undefined;
  }

  /** One more award; with it the oldest that counted goes. */
  record(agentId: AgentId): void {
    const latest = [...this.#read(), agentId].slice(-COUNTED_AWARDS);
    const put = "INSERT OR REPLACE INTO award_shares (id, body) VALUES (1, ?)";
    this.#sql.exec(put, JSON.stringify(latest));
    this.#latest = latest;
  }

  /** The agent's share of the awards that would count with one more to it, in (0, 1]: of so many, however few there were. */
  shareWithNext(agentId: AgentId): number {
    const before = this.#read().slice(1 - COUNTED_AWARDS);
    return (before.filter((id) => id === agentId).length + 1) / COUNTED_AWARDS;
  }

  #read(): readonly AgentId[] {
    if (this.#latest !== undefined) return this.#latest;
    const row = this.#sql.exec<{ body: string }>("SELECT body FROM award_shares").toArray()[0];
    this.#latest = row === undefined ? [] : (JSON.parse(row.body) as AgentId[]);
    return this.#latest;
  }
}
