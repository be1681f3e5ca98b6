/** Quotes as the API shows them: bids best first, money in USD, times as ISO 8601 and in seconds. */
import { microsToUsd } from "../market/money.ts";
import { isFinal } from "../market/task.ts";
import type { OfferView, QuoteView } from "../taskroom/task-room-api.ts";

/** Share of traces that are expected to end within a cost range. */
const RANGE_SHARE = 0.8;

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

export function quoteJson(quote: QuoteView) {
  const { task, limits, offers, auctionMicros } = quote;
  return {
    object: "quote",
    id: task.quote?.id,
    taskId: task.id,
    state: stateOf(quote),
    expiresAt: iso(task.quote?.expiresAtMs ?? null),
    expiresInS: quote.expiresInS,
    acceptedAt: iso(task.quote?.acceptedAtMs ?? null),
    acceptedAgentId: task.agentId,
    limits: {
      maxCostUsd: limits.maxCostUsd,
      /** Counted from the acceptance. */
      deadlineS: limits.deadlineS,
      maxSteps: limits.maxSteps,
    },
    /** What asking has cost; a trace comes on top. */
    auctionCostUsd: microsToUsd(auctionMicros),
    bids:
      offers?.map((offer, place) => offerJson(offer, { rank: place + 1, deadlineS: limits.deadlineS })) ?? [],
    noSale: task.noSale,
    failureReason: task.failureReason,
    createdAt: iso(task.admittedAtMs),
  };
}

/** `bidding`: not cleared yet; `closed`: it failed or was cancelled before a bid was accepted. */
function stateOf({ task, offers }: QuoteView) {
  if (task.agentId !== null) return "accepted";
  if (task.noSale !== null) return task.noSale.reason === "quote_expired" ? "expired" : "no_sale";
  if (isFinal(task.state)) return "closed";
  return offers === null ? "bidding" : "open";
}

function offerJson(
  offer: OfferView,
  { rank, deadlineS }: { readonly rank: number; readonly deadlineS: number },
) {
  const { agentId, name, model, emulated, round, scored, plan, forecast, capMicros, obstacles } = offer;
  const { costMicros, lowMicros, medianMicros, highMicros, medianMs, medianSteps, passChance } = forecast;
  return {
    rank,
    agentId,
    name,
    model,
    emulated,
    round,
    score: scored?.score ?? null,
    plan,
    expectedCostUsd: microsToUsd(costMicros),
    costRangeUsd: {
      low: microsToUsd(lowMicros),
      median: microsToUsd(medianMicros),
      high: microsToUsd(highMicros),
      share: RANGE_SHARE,
    },
    /** Most that its trace may cost once it is accepted. */
    capUsd: microsToUsd(capMicros),
    passChance,
    expectedS: medianMs === null ? null : Math.ceil(medianMs / 1_000),
    expectedSteps: medianSteps,
    deadlineS,
    /** What the forecast rests on: the tenant's own traces of the agent, and those of them that were verified. */
    basedOn: { traces: forecast.traces, verified: forecast.verified },
    acceptable: obstacles.length === 0,
    obstacles,
  };
}
