/** k-fold cross-validation: every auction is judged by weights that were fitted without it. */
import { drawNumber } from "../draw.ts";
import type { Weights } from "../policy.ts";
import { evaluate, sumTallies, type Tally } from "./evaluate.ts";
import type { TrainingAuction } from "./training-auction.ts";

export const FOLDS = 5;

export interface CrossValidation {
  /** Over all auctions, each held out once. */
  readonly tally: Tally;
  /** Folds without weights of their own, judged by the fallback. */
  readonly unfitted: number;
}

export interface CrossValidationInput {
  readonly auctions: readonly TrainingAuction[];
  readonly folds?: number;
  /** Weights fitted to these auctions; null where there are none. */
  readonly fit: (training: readonly TrainingAuction[]) => Promise<Weights | null>;
  /** What holds where a fold has none: the weights that are in force. */
  readonly fallback: Weights;
}

export async function crossValidate(input: CrossValidationInput): Promise<CrossValidation> {
  const folds = splitFolds(input.auctions, input.folds ?? FOLDS);
  const tallies: Tally[] = [];
  let unfitted = 0;
  for (const held of folds) {
    const weights = await input.fit(folds.filter((fold) => fold !== held).flat());
    if (weights === null) unfitted++;
    tallies.push(evaluate(weights ?? input.fallback, held));
  }
  return { tally: sumTallies(tallies), unfitted };
}

/** Folds of equal size (within one), dealt in the order of the auction ids' hashes: the same auctions, the same folds. */
export function splitFolds(auctions: readonly TrainingAuction[], folds: number): TrainingAuction[][] {
  const hashed = auctions.map((auction) => ({
    auction,
    hash: drawNumber(0, `fit-fold/${auction.auctionId}`),
  }));
  const order = hashed.toSorted(
    (a, b) => a.hash - b.hash || (a.auction.auctionId < b.auction.auctionId ? -1 : 1),
  );
  return Array.from({ length: folds }, (_, fold) =>
    order.filter((_entry, at) => at % folds === fold).map(({ auction }) => auction),
  ).filter((fold) => fold.length > 0);
}
