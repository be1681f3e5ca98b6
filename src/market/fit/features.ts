/**
 * Features of bids: f = (π·|s|, −H, −γ_j …), so that the score is w · f and lower is better.
 *
 * Only differences inside an auction decide who wins. So the fit sees each feature minus its auction's mean, divided
 * by the pooled within-auction standard deviation √(Σ_t Σ_i d² / Σ_t (n_t − 1)): prices in other units, or a juror
 * that is generous to everybody, change nothing.
 */
import type { AgentId } from "../ids.ts";
import type { Weights } from "../policy.ts";
import type { TrainingAuction, TrainingBid } from "./training-auction.ts";

export type Feature =
  | { readonly kind: "cost" }
  | { readonly kind: "entropy" }
  | { readonly kind: "juror"; readonly jurorId: AgentId };

export interface FeatureRow {
  readonly agentId: AgentId;
  /** One value per feature. */
  readonly values: readonly number[];
}

export interface FeatureTable {
  readonly features: readonly Feature[];
  /** What each feature was divided by; 0: it never differs inside an auction, and its weight is 0. */
  readonly scales: readonly number[];
  /** Auctions by id, bids by agent id: the order in which they came does not reach the program. */
  readonly auctions: readonly {
    readonly auction: TrainingAuction;
    readonly bids: readonly FeatureRow[];
  }[];
}

/** Spread below this share of the largest value is rounding, not spread. */
const ROUNDING = 1e-12;

/** Values as they are, every scale 1: for the paper's bare min–max. Auctions must be usable together. */
export function rawFeatures(auctions: readonly TrainingAuction[]): FeatureTable {
  const features = featuresOf(auctions);
  return {
    features,
    scales: features.map(() => 1),
    auctions: auctions
      .toSorted((a, b) => (a.auctionId < b.auctionId ? -1 : 1))
      .map((auction) => ({
        auction,
        bids: auction.bids
          .toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1))
          .map((bid) => ({
            agentId: bid.agentId,
            values: features.map((feature) => rawValue(bid, feature)),
          })),
      })),
  };
}

/** Values minus their auction's mean, in pooled within-auction standard deviations. */
export function standardizedFeatures(auctions: readonly TrainingAuction[]): FeatureTable {
  const raw = rawFeatures(auctions);
  const centred = raw.auctions.map(({ auction, bids }) => ({ auction, bids: centre(bids) }));
  const freedom = centred.reduce((sum, { bids }) => sum + bids.length - 1, 0);
  const scales = raw.features.map((_, at) => {
    const squares = sumOf(centred, ({ bids }) => sumOf(bids, ({ values }) => (values[at] ?? 0) ** 2));
    const largest = Math.max(
      ...raw.auctions.flatMap(({ bids }) => bids.map(({ values }) => Math.abs(values[at] ?? 0))),
    );
    const deviation = freedom > 0 ? Math.sqrt(squares / freedom) : 0;
    return deviation > ROUNDING * largest ? deviation : 0;
  });
  const divide = (value: number, at: number) => {
    const scale = scales[at] ?? 0;
    return scale === 0 ? 0 : value / scale;
  };
  return {
    features: raw.features,
    scales,
    auctions: centred.map(({ auction, bids }) => ({
      auction,
      bids: bids.map(({ agentId, values }) => ({ agentId, values: values.map(divide) })),
    })),
  };
}

/** Weights of the score from weights of the features: w_f / scale_f, 0 where the scale is. */
export function scoreWeights(table: FeatureTable, weights: readonly number[]): Weights {
  let cost = 0;
  let entropy = 0;
  const jurors: Record<AgentId, number> = {};
  for (const [at, feature] of table.features.entries()) {
    const scale = table.scales[at] ?? 0;
    const weight = scale === 0 ? 0 : (weights[at] ?? 0) / scale;
    if (feature.kind === "cost") cost = weight;
    else if (feature.kind === "entropy") entropy = weight;
    else jurors[feature.jurorId] = weight;
  }
  return { cost, entropy, jurors };
}

/** The reverse: weights of the features, summing to 1, that rank as these weights do. Null where all would be 0. */
export function featureWeights(table: FeatureTable, weights: Weights): readonly number[] | null {
  const scaled = table.features.map((feature, at) => weightOf(weights, feature) * (table.scales[at] ?? 0));
  const sum = sumOf(scaled, (weight) => weight);
  return sum > 0 ? scaled.map((weight) => weight / sum) : null;
}

function weightOf(weights: Weights, feature: Feature): number {
  switch (feature.kind) {
    case "cost":
      return weights.cost;
    case "entropy":
      return weights.entropy;
    case "juror":
      return weights.jurors[feature.jurorId] ?? 0;
  }
}

function featuresOf(auctions: readonly TrainingAuction[]): Feature[] {
  const jurors = (auctions[0]?.jurors ?? []).toSorted();
  return [
    { kind: "cost" },
    { kind: "entropy" },
    ...jurors.map((jurorId): Feature => ({ kind: "juror", jurorId })),
  ];
}

/** @throws Error where the auction lacks the value: `usable` has left such auctions out */
function rawValue(bid: TrainingBid, feature: Feature): number {
  if (feature.kind === "cost") return bid.price * bid.tokens;
  const value = feature.kind === "entropy" ? bid.entropy : (bid.scores[feature.jurorId] ?? null);
  if (value === null)
    throw new Error(`the bid of ${bid.agentId} has no ${feature.kind}: not a usable auction`);
  return -value;
}

function centre(bids: readonly FeatureRow[]): FeatureRow[] {
  const means = (bids[0]?.values ?? []).map(
    (_, at) => sumOf(bids, ({ values }) => values[at] ?? 0) / bids.length,
  );
  return bids.map(({ agentId, values }) => ({
    agentId,
    values: values.map((value, at) => value - (means[at] ?? 0)),
  }));
}

function sumOf<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((sum, item) => sum + value(item), 0);
}
