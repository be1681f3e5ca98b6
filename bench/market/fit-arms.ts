/**
 * Weights of the fitted arms: production's program and solver (`npm run fit`) on the training set, once for each
 * informativeness and study. Solves end by a number of nodes, never by the clock, so that every machine finds the same.
 */
import type { FitOptions } from "../../src/market/fit/fit-program.ts";
import { LEAST_USABLE, usable } from "../../src/market/fit/usable.ts";
import { defaultWeights, type Weights } from "../../src/market/policy.ts";
import { fitWeights, type Fit } from "../fit/fit-weights.ts";
import type { Solver } from "../fit/solve.ts";
import type { FitName, FittedWeights } from "./arms.ts";
import { FIT_NODE_LIMIT, FIT_TIME_LIMIT_S } from "./constants.ts";
import { pool } from "./pool.ts";
import type { World } from "./run-order.ts";
import { trainingAuctions } from "./training.ts";

const FITS: Readonly<Record<FitName, FitOptions>> = {
  fitted: { kind: "margin", aggregation: "max" },
  mean: { kind: "margin", aggregation: "mean" },
  literal: { kind: "literal", aggregation: "max" },
};

/** A solve without its time, which no two runs share. */
export type FitFigures = Pick<Fit, "status" | "objective" | "bound" | "gap">;

export interface StudyFit {
  readonly informativeness: number;
  /** Of the training set: tasks on which agents are known to differ. */
  readonly usableAuctions: number;
  readonly weights: FittedWeights;
  readonly figures: Readonly<Record<FitName, FitFigures>>;
}

export interface FitLimits {
  readonly nodeLimit: number;
  readonly timeLimitS: number;
}

const LIMITS: FitLimits = { nodeLimit: FIT_NODE_LIMIT, timeLimitS: FIT_TIME_LIMIT_S };

/** @throws Error where a solve finds nothing, or its clock ran out: the study would not repeat */
export function fitArms(
  solver: Solver,
  world: World,
  informativeness: number,
  limits: FitLimits = LIMITS,
): StudyFit {
  const { auctions } = usable(trainingAuctions(world, informativeness));
  if (auctions.length < LEAST_USABLE) throw new Error(`only ${auctions.length} usable training auctions`);
  const weights: Partial<Record<FitName, Weights>> = {};
  const figures: Partial<Record<FitName, FitFigures>> = {};
  for (const name of Object.keys(FITS) as FitName[]) {
    const options = FITS[name];
    const fit = fitWeights(solver, { auctions, options, current: defaultWeights(pool), ...limits });
    if (fit.weights === null || fit.status === "time_limit") throw new Error(`${name}: ${fit.status}`);
    weights[name] = fit.weights;
    figures[name] = { status: fit.status, objective: fit.objective, bound: fit.bound, gap: fit.gap };
  }
  // SAFETY: every name of FITS was set.
  return { informativeness, usableAuctions: auctions.length, weights, figures } as StudyFit;
}
