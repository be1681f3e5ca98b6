/**
 * Consumers that were handed rows of the history and have not reported: they may still write them.
 *
 * Only remembered, not stored: what it is asked for happens once in a tenant's life, and handing out is not to be a write.
 */

/** Rows are carried in two batches of D1, which ends a query after 30 s: after this long a consumer has given up. */
export const FINISHED_CARRYING_MS = 60_000;

interface Carrier {
  /** Newest row that it carries; null: unknown. */
  readonly newest: number | null;
  readonly untilMs: number;
}

export class Carriers {
  #carriers: Carrier[] = [];

  handedOut(ids: readonly number[], nowMs: number): void {
    const newest = ids.at(-1) ?? null;
    this.#carriers = [...this.#under(nowMs), { newest, untilMs: nowMs + FINISHED_CARRYING_MS }];
  }

  /** One of those that were handed these rows is through. */
  reported(ids: readonly number[]): void {
    const newest = Math.max(...ids);
    const at = this.#carriers.findIndex((carrier) => carrier.newest === newest);
    if (at >= 0) this.#carriers = this.#carriers.toSpliced(at, 1);
  }

  count(nowMs: number): number {
    this.#carriers = this.#under(nowMs);
    return this.#carriers.length;
  }

  #under(nowMs: number): Carrier[] {
    return this.#carriers.filter(({ untilMs }) => untilMs > nowMs);
  }
}
