/**
 * A quote: an auction whose bids are shown and none of which is awarded, until the tenant accepts one of them.
 *
 * A quote and the task that it may become have the same number behind their prefixes: either leads to the same room.
 */
import type { AuctionCommit } from "../auction-commit.ts";
import type { Clearing } from "../clear.ts";
import type { QuoteId, TaskId } from "../ids.ts";
import { asMicros, usdToMicros, type Micros } from "../money.ts";
import type { Forecast } from "./forecast.ts";
import { costNeeded, type Obstacle, type Standing } from "./sale.ts";

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

/**
 * The offers by what their auction has cost as it is booked: the clearing knew of confirmed bills alone. A trace may never
 * cost more than the task's own limit leaves.
 */
export function withAuctionCost(
  offers: readonly Offer[],
  { maxCostUsd, spentMicros }: { readonly maxCostUsd: number | null; readonly spentMicros: Micros },
): Offer[] {
  const leftMicros = maxCostUsd === null ? Infinity : Math.max(0, usdToMicros(maxCostUsd) - spentMicros);
  return offers.map((offer) => {
    const capMicros = asMicros(Math.min(offer.forecast.capMicros, leftMicros));
    const others = offer.obstacles.filter(({ limit }) => limit !== "maxCostUsd");
    const needs = costNeeded(offer.forecast, spentMicros);
    if (maxCostUsd === null || needs <= maxCostUsd) return { ...offer, capMicros, obstacles: others };
    return { ...offer, capMicros, obstacles: [{ limit: "maxCostUsd", is: maxCostUsd, needs }, ...others] };
  });
}

export function quoteOf(taskId: TaskId): QuoteId {
  return `quo_${taskId.slice("tsk_".length)}` as QuoteId;
}

export function taskOf(quoteId: QuoteId): TaskId {
  return `tsk_${quoteId.slice("quo_".length)}` as TaskId;
}
