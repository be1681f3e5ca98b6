/** One fit of a tenant's auctions: what can be used, the weights, and what they would have changed. No I/O. */
import { crossValidate, type CrossValidation } from "../../src/market/fit/cross-validate.ts";
import { choosePriced, evaluate, tallyOf, type Tally } from "../../src/market/fit/evaluate.ts";
import type { FitOptions } from "../../src/market/fit/fit-program.ts";
import type { TrainingAuction } from "../../src/market/fit/training-auction.ts";
import { LEAST_USABLE, usable, type UsableAuctions } from "../../src/market/fit/usable.ts";
import { usdToMicros } from "../../src/market/money.ts";
import { defaultWeights, type Weights } from "../../src/market/policy.ts";
import { fitWeights, type Fit } from "./fit-weights.ts";
import type { Solver } from "./solve.ts";

export interface FitRun {
  readonly usable: UsableAuctions;
  /** How many usable auctions are missing; 0: the fit was made. */
  readonly missing: number;
  readonly fitted: FittedRun | null;
}

export interface FittedRun {
  readonly fit: Fit;
  readonly options: FitOptions;
  readonly before: {
    readonly source: "in force" | "default";
    readonly weights: Weights;
    readonly tally: Tally;
  };
  /** Each auction judged by weights that were fitted without it. */
  readonly after: CrossValidation;
  /** The auctions that the weights were fitted to: flatters them. */
  readonly inSample: Tally | null;
  /** Every task to the dearest bidder, and to the cheapest. */
  readonly dearest: Tally;
  readonly cheapest: Tally;
}

export interface FitRunInput {
  readonly auctions: readonly TrainingAuction[];
  /** The weights in force; null: the default ones of the prices that were bid. */
  readonly current: Weights | null;
  readonly options: FitOptions;
  readonly timeLimitS: number;
}

export async function runFit(solver: Solver, input: FitRunInput): Promise<FitRun> {
  const found = usable(input.auctions);
  const missing = Math.max(0, LEAST_USABLE - found.auctions.length);
  if (missing > 0) return { usable: found, missing, fitted: null };
  const current = input.current ?? bidDefaults(found);
  const request = { options: input.options, timeLimitS: input.timeLimitS, current };
  const fit = fitWeights(solver, { ...request, auctions: found.auctions });
  const after = await crossValidate({
    auctions: found.auctions,
    fit: async (auctions) => fitWeights(solver, { ...request, auctions }).weights,
    fallback: current,
  });
  return {
    usable: found,
    missing,
    fitted: {
      fit,
      options: input.options,
      before: {
        source: input.current === null ? "default" : "in force",
        weights: current,
        tally: evaluate(current, found.auctions),
      },
      after,
      inSample: fit.weights === null ? null : evaluate(fit.weights, found.auctions),
      dearest: tallyOf(found.auctions, choosePriced("dearest")),
      cheapest: tallyOf(found.auctions, choosePriced("cheapest")),
    },
  };
}

/** Default weights for the jury as a pool, at the last prices that its agents bid. */
function bidDefaults({ auctions, jury }: UsableAuctions): Weights {
  const prices = new Map(
    auctions.flatMap(({ bids }) => bids.map(({ agentId, price }) => [agentId, price] as const)),
  );
  return defaultWeights(
    jury.map((id) => {
      const price = usdToMicros(prices.get(id) ?? 0);
      return {
        id,
        prices: {
          inputMicrosPerMtok: price,
          cachedInputMicrosPerMtok: price,
          cacheWriteMicrosPerMtok: price,
          outputMicrosPerMtok: price,
        },
      };
    }),
  );
}
