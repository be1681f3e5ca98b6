/** Programs small enough to solve by hand, and what their solver must find. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { loadSolver, type Solver } from "../../../bench/fit/solve.ts";
import { evaluate } from "../../../src/market/fit/evaluate.ts";
import {
  fitProgram,
  fittedWeights,
  startingPoint,
  type FitOptions,
  type FitProgram,
} from "../../../src/market/fit/fit-program.ts";
import { lpText } from "../../../src/market/fit/lp-format.ts";
import { violationOf, type Assignment, type Program } from "../../../src/market/fit/program.ts";
import type { TrainingAuction } from "../../../src/market/fit/training-auction.ts";
import { asMicros } from "../../../src/market/money.ts";
import { usable } from "../../../src/market/fit/usable.ts";
import { NARROW_POOL, trialAuctions } from "./synthetic-trial.ts";
import { A, aTrainingAuction, aTrainingBid, B, C } from "./support.ts";

const MARGIN: FitOptions = { kind: "margin", aggregation: "max" };
const MEAN: FitOptions = { kind: "margin", aggregation: "mean" };
const LITERAL: FitOptions = { kind: "literal", aggregation: "max" };
const HALF = Math.SQRT1_2;

let solver: Solver;
beforeAll(async () => {
  solver = await loadSolver();
});

function programOf(auctions: readonly TrainingAuction[], options: FitOptions): FitProgram {
  const made = fitProgram(auctions, options);
  if (!made.ok) throw new Error(made.failure.reason);
  return made.value;
}

/** What the assignment costs. */
function objectiveOf(program: Program, assignment: Assignment): number {
  return program.variables.reduce((sum, { name, cost }) => sum + cost * (assignment[name] ?? 0), 0);
}

function solved(auctions: readonly TrainingAuction[], options: FitOptions) {
  const fit = programOf(auctions, options);
  const solution = solver.solve(fit.program, { timeLimitS: 20 });
  expect(solution.status).toBe("optimal");
  const incumbent = solution.incumbent ?? {};
  expect(violationOf(fit.program, incumbent)).toBeLessThan(1e-6);
  expect(objectiveOf(fit.program, incumbent)).toBeCloseTo(solution.objective ?? Number.NaN, 6);
  return { ...solution, incumbent, weights: fittedWeights(fit, incumbent) };
}

/** The juror gives 2 to the cheap agent and 4 to the dear one, which alone passes. */
const jurorIsRight = (n: number) =>
  aTrainingAuction(n, {
    bids: [
      aTrainingBid({ agentId: A, price: 1, scores: { [A]: 2 } }),
      aTrainingBid({ agentId: B, price: 2, scores: { [A]: 4 } }),
    ],
    outcomes: { [A]: "fail", [B]: "pass" },
  });
/** The same bids, but the cheap agent passes. */
const priceIsRight = (n: number) =>
  ({ ...jurorIsRight(n), outcomes: { [A]: "pass", [B]: "fail" } }) satisfies TrainingAuction;

describe("the margin program, by hand", () => {
  test("cost and juror agree: Q = −√½ under any weights, no miss, κ = 10/40", () => {
    expect(solved([aTrainingAuction(1)], MARGIN).objective).toBeCloseTo(-HALF + 0.25);
  });

  test("only the juror is right: all weight on it, deployed as 1/sd = 1/√2", () => {
    const { objective, weights } = solved([jurorIsRight(1)], MARGIN);
    // w·f_b = √½ (w_c − w_j), least at w_j = 1; b is the dearest of its auction, κ = 1.
    expect(objective).toBeCloseTo(1 - HALF);
    expect(weights.cost).toBeCloseTo(0);
    expect(weights.entropy).toBe(0);
    expect(weights.jurors[A]).toBeCloseTo(HALF);
  });

  test("each is right once: the weights balance, both miss the margin by δ", () => {
    // With v = √½ (w_j − w_c): |v| + (10/2)(max(0, 2v + 0.1) + max(0, 0.1 − 2v)) is least at v = 0.
    const { objective, incumbent } = solved([jurorIsRight(1), priceIsRight(2)], MARGIN);
    expect(objective).toBeCloseTo(1 + (1 + 0.25) / 2);
    expect(incumbent["w_0"]).toBeCloseTo(0.5);
    expect(incumbent["w_2"]).toBeCloseTo(0.5);
    expect(incumbent["miss_0"]).toBeCloseTo(0.1);
  });

  test("of two that pass, the cheaper trace is chosen where the scores leave it open", () => {
    // The third is known to fail; the juror tells it from the others, and nothing tells those two apart.
    const auction = aTrainingAuction(1, {
      bids: [A, B, C].map((id) => aTrainingBid({ agentId: id, scores: { [A]: id === C ? 1 : 4 } })),
      outcomes: { [A]: "pass", [B]: "pass", [C]: "fail" },
      traceCostMicros: { [A]: asMicros(30), [B]: asMicros(20) },
    });
    const { incumbent } = solved([auction], MARGIN);
    expect([incumbent["x_0_0"], incumbent["x_0_1"]].map((x) => Math.round(x ?? 0))).toEqual([0, 1]);
  });

  test("the mean has a level of its own for every task", () => {
    // Levels v and −v cancel; what remains is the misses, 5 · 0.2 for |v| ≤ 0.05, and κ.
    const { objective } = solved([jurorIsRight(1), priceIsRight(2)], MEAN);
    expect(objective).toBeCloseTo(1 + (1 + 0.25) / 2);
    const two = solved([aTrainingAuction(1), jurorIsRight(2), jurorIsRight(3)], MEAN);
    const worst = solved([aTrainingAuction(1), jurorIsRight(2), jurorIsRight(3)], MARGIN);
    expect(two.objective).toBeLessThanOrEqual((worst.objective ?? 0) + 1e-6);
  });

  test("bids that differ in nothing make no program", () => {
    const alike = aTrainingAuction(1, { bids: [aTrainingBid(), aTrainingBid({ agentId: B })] });
    expect(fitProgram([alike], MARGIN)).toMatchObject({ ok: false, failure: { reason: "no_spread" } });
  });
});

describe("the literal min–max is degenerate", () => {
  // `agt_a` knows who passes; `agt_b` gives everybody 5. Only the dear agent passes.
  const auctions = [1, 2, 3].map((n) =>
    aTrainingAuction(n, {
      bids: [
        aTrainingBid({ agentId: A, price: 1, scores: { [A]: 1, [B]: 5 } }),
        aTrainingBid({ agentId: B, price: 2, scores: { [A]: 4, [B]: 5 } }),
      ],
      outcomes: { [A]: "fail", [B]: "pass" },
      jurors: [A, B],
    }),
  );

  test("weight 1 on the constant juror, every task to the cheapest", () => {
    const { objective, weights } = solved(auctions, LITERAL);
    expect(objective).toBeCloseTo(-5);
    expect(weights.jurors[B]).toBeCloseTo(1);
    expect(weights.jurors[A]).toBeCloseTo(0);
    expect(evaluate({ cost: 0, entropy: 0, jurors: { [A]: 0, [B]: 1 } }, auctions)).toMatchObject({
      toPass: 0,
      toFail: 3,
    });
  });

  test("the margin fit gives the constant juror nothing, and every task to the one that passes", () => {
    const { weights } = solved(auctions, MARGIN);
    expect(weights.jurors[B]).toBe(0);
    expect(evaluate(weights, auctions)).toMatchObject({ toPass: 3, toFail: 0 });
  });
});

describe("the program of any auctions", () => {
  const auctions = usable(trialAuctions({ pool: NARROW_POOL, count: 30, seed: 5 })).auctions;

  test("does not depend on the order of auctions, bids or jurors", () => {
    const plain = lpText(programOf(auctions, MARGIN).program);
    const shuffledOf = <T>(items: readonly T[]) =>
      fc.shuffledSubarray([...items], { minLength: items.length });
    const shuffled = shuffledOf(auctions).chain((order) =>
      fc.tuple(
        ...order.map((auction) =>
          fc.record({ bids: shuffledOf(auction.bids), jurors: shuffledOf(auction.jurors) }).map((parts) => ({
            ...auction,
            ...parts,
          })),
        ),
      ),
    );
    fc.assert(
      fc.property(shuffled, (other) => lpText(programOf(other, MARGIN).program) === plain),
      { numRuns: 20 },
    );
  });

  test.each([MARGIN, MEAN])(
    "starting points are feasible, and the solver never ends above one: %o",
    (options) => {
      const fit = programOf(auctions, options);
      const start = startingPoint(
        fit,
        fit.table.features.map((_, __, all) => 1 / all.length),
      );
      expect(violationOf(fit.program, start)).toBeLessThan(1e-9);
      const atStart = objectiveOf(fit.program, start);
      const unhurried = solver.solve(fit.program, { timeLimitS: 0.5, start });
      expect(unhurried.objective).toBeLessThanOrEqual(atStart + 1e-9);
      // No time at all: the start itself, or something better.
      const hurried = solver.solve(fit.program, { timeLimitS: 1e-9, start });
      expect(hurried.status).toBe("time_limit");
      expect(hurried.incumbent).not.toBeNull();
      expect(hurried.objective).toBeLessThanOrEqual(atStart + 1e-6);
    },
  );
});
