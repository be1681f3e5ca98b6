/**
 * A quote: an auction whose bids are shown and none of which is awarded, until the tenant accepts one of them.
 *
 * A quote and the task that it may become have the same number behind their prefixes: either leads to the same room.
 */
import type { AuctionCommit } from "../auction-commit.ts";
import type { Clearing } from "../clear.ts";
import type { QuoteId, TaskId } from "../ids.ts";
import type { Micros } from "../money.ts";
import type { Forecast } from "./forecast.ts";
import type { Obstacle, Standing } from "./sale.ts";

/** What makes an admission a quote. */
export interface QuoteOrder {
  /** How long its bids stand, in seconds from the moment the auction cleared. */
  readonly expiresInS: number;
}

/** A bid that may be accepted, unless something stands against it. */
export interface Offer extends Standing {
  readonly forecast: Forecast;
  /** Most that its trace may cost once it is accepted. */
  readonly capMicros: Micros;
  readonly obstacles: readonly Obstacle[];
}

/** What the market room tells the task's room once the auction of a quote has cleared. */
export interface QuotedAuction {
  readonly clearing: Clearing;
  /** Best first. */
  readonly offers: readonly Offer[];
  readonly clearedAtMs: number;
  readonly expiresAtMs: number;
  /** As an award's. */
  readonly tail: AuctionCommit | null;
}

export function quoteOf(taskId: TaskId): QuoteId {
  return `quo_${taskId.slice("tsk_".length)}` as QuoteId;
}

export function taskOf(quoteId: QuoteId): TaskId {
  return `tsk_${quoteId.slice("quo_".length)}` as TaskId;
}
