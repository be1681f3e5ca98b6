/** The synthetic trial of auction.md ("MIP"): what the fit recovers from 40 auctions, and that 120 are solved. */
import { beforeAll, describe, expect, test } from "vitest";
import { fitWeights } from "../../../bench/fit/fit-weights.ts";
import { loadSolver, type Solver } from "../../../bench/fit/solve.ts";
import { choosePriced, evaluate, meanCostMicros, tallyOf } from "../../../src/market/fit/evaluate.ts";
import type { FitOptions } from "../../../src/market/fit/fit-program.ts";
import type { TrainingAuction } from "../../../src/market/fit/training-auction.ts";
import { usable } from "../../../src/market/fit/usable.ts";
import { NARROW_POOL, trialAuctions, WIDE_POOL, type TrialAgent } from "./synthetic-trial.ts";

const TIME_LIMIT_S = 30;
const MARGIN: FitOptions = { kind: "margin", aggregation: "max" };

let solver: Solver;
beforeAll(async () => {
  solver = await loadSolver();
});

/** Usable auctions of a pool, whatever share of all auctions they are. */
function training(pool: readonly TrialAgent[], count: number, seed: number): readonly TrainingAuction[] {
  const { auctions } = usable(trialAuctions({ pool, count: 3 * count, seed }));
  expect(auctions.length).toBeGreaterThanOrEqual(count);
  return auctions.slice(0, count);
}

function equalWeights(pool: readonly TrialAgent[]) {
  return { cost: 0, entropy: 0, jurors: Object.fromEntries(pool.map(({ id }) => [id, 0.05])) };
}

describe("40 auctions", () => {
  test.each([
    { name: "0.05 to 0.36", pool: NARROW_POOL, costAtMost: 0.75 },
    { name: "0.05 to 25", pool: WIDE_POOL, costAtMost: 0.65 },
  ])("pool $name: on fresh tasks more passes than the largest alone, at a saving", ({ pool, costAtMost }) => {
    const fresh = trialAuctions({ pool, count: 600, seed: 77 });
    const current = equalWeights(pool);
    const { status, weights } = fitWeights(solver, {
      auctions: training(pool, 40, 1),
      options: MARGIN,
      timeLimitS: TIME_LIMIT_S,
      current,
    });
    expect(status).toBe("optimal");
    const largest = tallyOf(fresh, choosePriced("dearest"));
    const fitted = evaluate(weights ?? current, fresh);
    expect(fitted.toPass).toBeGreaterThan(largest.toPass);
    // A juror that hardly sees what it judges weighs less than the others after the fit.
    expect(fitted.toPass).toBeGreaterThan(evaluate(current, fresh).toPass);
    expect(meanCostMicros(fitted)).toBeLessThan(costAtMost * (meanCostMicros(largest) ?? 0));
  });
});

test.each([NARROW_POOL, WIDE_POOL])("120 auctions of four agents are solved to optimality", (...pool) => {
  const fit = fitWeights(solver, {
    auctions: training(pool, 120, 2),
    options: MARGIN,
    timeLimitS: TIME_LIMIT_S,
    current: equalWeights(pool),
  });
  expect(fit.status).toBe("optimal");
  expect(fit.gap).toBeLessThanOrEqual(1e-4);
});

test("far more auctions than can be proven: the incumbent and its gap", () => {
  const fit = fitWeights(solver, {
    auctions: training(NARROW_POOL, 400, 3),
    options: MARGIN,
    timeLimitS: 0.5,
    current: equalWeights(NARROW_POOL),
  });
  expect(fit.status).toBe("time_limit");
  expect(fit.weights).not.toBeNull();
  expect(fit.objective).toEqual(expect.any(Number));
});
