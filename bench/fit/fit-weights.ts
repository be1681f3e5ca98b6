/** From training auctions to weights: the program, the solver, the figures of both. */
import { featureWeights } from "../../src/market/fit/features.ts";
import {
  fitProgram,
  fittedWeights,
  startingPoint,
  type FitOptions,
} from "../../src/market/fit/fit-program.ts";
import type { TrainingAuction } from "../../src/market/fit/training-auction.ts";
import type { Weights } from "../../src/market/policy.ts";
import type { Solution, Solver } from "./solve.ts";

export interface FitRequest {
  readonly auctions: readonly TrainingAuction[];
  readonly options: FitOptions;
  readonly timeLimitS: number;
  readonly nodeLimit?: number;
  /** The weights in force: the search begins with them, and out of time it is never worse, as the program counts. */
  readonly current: Weights;
}

export interface Fit extends Pick<Solution, "objective" | "bound" | "gap" | "seconds"> {
  /** `no_spread`: the bids of no auction differ in anything. */
  readonly status: Solution["status"] | "no_spread";
  /** Null: no feasible weights were found. */
  readonly weights: Weights | null;
}

export function fitWeights(solver: Solver, request: FitRequest): Fit {
  const made = fitProgram(request.auctions, request.options);
  if (!made.ok) {
    return {
      status: made.failure.reason,
      weights: null,
      objective: null,
      bound: null,
      gap: null,
      seconds: 0,
    };
  }
  const fit = made.value;
  const start = featureWeights(fit.table, request.current);
  const { incumbent, ...figures } = solver.solve(fit.program, {
    timeLimitS: request.timeLimitS,
    ...(request.nodeLimit !== undefined && { nodeLimit: request.nodeLimit }),
    ...(start !== null && { start: startingPoint(fit, start) }),
  });
  return { ...figures, weights: incumbent === null ? null : fittedWeights(fit, incumbent) };
}
