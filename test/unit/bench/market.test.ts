/** What must hold of the study's harness, on one small order. */
import { beforeAll, describe, expect, it } from "vitest";
import { drawQuality } from "../../../emulators/house/quality.ts";
import { drawSuccess } from "../../../emulators/house/success.ts";
import { viewTask } from "../../../emulators/house/known-tasks.ts";
import { sharedWords } from "../../../emulators/house/refine/gain.ts";
import { LESSON_FLOOR } from "../../../emulators/house/constants.ts";
import { loadSolver } from "../../../bench/fit/solve.ts";
import {
  BUILDING_SEEDS,
  FIRST_REPORTED_SEED,
  MAX_PAIRS,
  QUICK_INFORMATIVENESS,
  TOP_K,
  TRAINING_SEED,
} from "../../../bench/market/constants.ts";
import { fitArms, type StudyFit } from "../../../bench/market/fit-arms.ts";
import { trainingAuctions, trainingWorld } from "../../../bench/market/training.ts";
import { defaultWeights } from "../../../src/market/policy.ts";
import { armPolicy, FITTED_ARMS, staticMix } from "../../../bench/market/arms.ts";
import { addCounts, aucOf } from "../../../bench/market/jury-auc.ts";
import { largest, pool, sizeOf, smallest } from "../../../bench/market/pool.ts";
import { runAuction } from "../../../bench/market/run-auction.ts";
import { makeWorld, passes, runOrder, type World } from "../../../bench/market/run-order.ts";
import { createStudyMemory } from "../../../bench/market/study-memory.ts";
import { drawTasks } from "../../../bench/market/tasks.ts";
import { measureTraceCosts } from "../../../bench/market/trace-costs.ts";
import { chartsOf } from "../../../bench/market/charts.ts";
import { findingsOf, summaryAt } from "../../../bench/market/findings.ts";
import { mean } from "../../../bench/market/statistics.ts";
import { runSeed } from "../../../bench/market/run-seed.ts";
import { summariseStudy } from "../../../bench/market/summarise.ts";
import { studyText } from "../../../bench/market/table.ts";
import { workload } from "../../../emulators/workload/index.ts";
import * as production from "../../../src/auction/auction-memory.ts";

const traceCost = measureTraceCosts();
const COUNT = 60;
let world: World;

it("agents are shown as much of the memory as in production", () => {
  expect({ MAX_PAIRS, TOP_K }).toEqual({ MAX_PAIRS: production.MAX_PAIRS, TOP_K: production.TOP_K });
});

beforeAll(() => {
  world = makeWorld({ seed: 4, count: COUNT, recurrence: 1 }, traceCost);
});

const run = (name: string, informativeness = 1, refinementGain = 0.06) =>
  runOrder(world, { policy: armPolicy(name), informativeness, refinementGain });

describe("tasks", () => {
  it("deal every task of the workload equally often, in an order of the seed's own", () => {
    const tasks = drawTasks({ seed: 1, count: COUNT, recurrence: 0.5 });
    for (const { id } of workload) expect(tasks.filter((task) => task.base.id === id)).toHaveLength(2);
    const again = drawTasks({ seed: 1, count: COUNT, recurrence: 0.5 });
    expect(again).toEqual(tasks);
    const other = drawTasks({ seed: 2, count: COUNT, recurrence: 0.5 });
    expect(other.map((task) => task.base.id)).not.toEqual(tasks.map((task) => task.base.id));
  });

  it("are known by the house for what they are, each with a seed of its own", () => {
    const tasks = drawTasks({ seed: 1, count: COUNT, recurrence: 0.5 });
    for (const task of tasks)
      expect(viewTask(task.prompt)).toMatchObject({ key: task.base.id, bin: task.bin });
    expect(new Set(tasks.map((task) => task.seed)).size).toBe(COUNT);
  });

  it.each([
    ["recur where they are meant to", 1, true],
    ["teach nothing where they are one-offs", 0, false],
  ])("%s", (_title, recurrence, similar) => {
    const tasks = drawTasks({ seed: 1, count: COUNT, recurrence });
    for (const task of tasks) {
      const kin = tasks.find((other) => other !== task && other.base === task.base);
      expect(sharedWords(task.prompt, kin?.prompt ?? "") > LESSON_FLOOR).toBe(similar);
    }
  });
});

describe("arms", () => {
  it("always:<largest> costs the largest's traces, and no auction", () => {
    const result = run(`always:${largest}`);
    const expected = world.tasks.reduce((sum, task) => sum + traceCost(task.base.id, largest).micros, 0);
    expect(result.traceMicros).toBeCloseTo(expected);
    expect(result).toMatchObject({ auctionMicros: 0, auctionTokens: 0, tasks: COUNT, smallerFirst: 0 });
    expect(result.wins[largest]).toBe(COUNT);
  });

  it("cheapest is always:<smallest>", () => {
    expect(run("cheapest")).toEqual(run(`always:${smallest}`));
  });

  it("share all draws: an agent's task passes in one arm as in the other", () => {
    const task = world.tasks[0] as World["tasks"][number];
    const auction = runAuction({
      task,
      policy: armPolicy("sale-no-memory"),
      calls: world.calls,
      refinementGain: 0,
      recall: () => [],
    });
    for (const { agentId, strategy } of auction.bids) {
      for (const informativeness of [0, 1, 3]) {
        const attempt = { task, winner: agentId, informativeness, refinementGain: 0 };
        expect(passes(world, { ...attempt, strategy })).toBe(passes(world, { ...attempt, strategy: "" }));
      }
    }
  });

  it("win as a mix of shares 0 and 1 what the agent wins alone", () => {
    const policy = staticMix({ [largest]: 1 });
    expect(runOrder(world, { policy, informativeness: 1, refinementGain: 0 })).toEqual(
      run(`always:${largest}`),
    );
  });

  it("decide the same winners at every b without memory, and pay the same", () => {
    const decided = (informativeness: number) => {
      const { passes: _, hardPasses: __, ...rest } = run("sale-no-memory", informativeness);
      return rest;
    };
    expect(decided(3)).toEqual(decided(0));
  });

  it("repeat exactly in a world of the same seed", () => {
    const again = makeWorld({ seed: 4, count: COUNT, recurrence: 1 }, traceCost);
    const arm = { policy: armPolicy("sale"), informativeness: 1, refinementGain: 0.12 };
    expect(runOrder(again, arm)).toEqual(runOrder(world, arm));
  });

  it("refine only with memory", () => {
    expect(run("sale-no-memory").refinedWins).toBe(0);
    expect(run("sale", 1, 0.12).refinedWins).toBeGreaterThan(0);
    expect(run("sale").auctionTokens).toBeGreaterThan(run("sale-no-memory").auctionTokens);
  });

  it("pass as the house draws it for the agent's own plan", () => {
    expect(pool).toHaveLength(4);
    const drawn = world.tasks.filter((task) => {
      const key = { seed: task.seed, taskKey: task.base.id, size: sizeOf(largest), bin: task.bin };
      return drawSuccess({ ...key, quality: drawQuality(key), informativeness: 2 });
    });
    expect(run(`always:${largest}`, 2).passes).toBe(drawn.length);
  });
});

describe("memory", () => {
  it("recalls only what cleared before, nearest first", () => {
    const memory = createStudyMemory([[], [0.2], [0.9, 0.4]]);
    const [first, second, third] = world.tasks as [World["tasks"][0], World["tasks"][0], World["tasks"][0]];
    expect(memory.recall(first)).toEqual([]);
    const what = { strategies: [], winner: largest, winnerRound: 1 as const, outcome: "pass" as const };
    memory.remember(first, what);
    memory.remember(second, what);
    expect(memory.recall(third).map(({ entry }) => entry.task)).toEqual([first.prompt, second.prompt]);
    expect(() => memory.remember(second, what)).toThrow("in their order");
  });
});

describe("area under the jury's curve", () => {
  it("counts pairs within a cell, ties half", () => {
    // By hand: passes at 2 and 1, fails at 1 and 0. Pairs: 2>1, 2>0, 1=1, 1>0: 3.5 of 4.
    const cell = { passed: [0, 1, 1], failed: [1, 1, 0] };
    expect(aucOf([cell])).toBeCloseTo(3.5 / 4);
    expect(aucOf(addCounts([[cell], [cell]]))).toBeCloseTo(3.5 / 4);
  });
});

/** As a fit that found the default weights. */
function aFit(informativeness: number): StudyFit {
  const weights = defaultWeights(pool);
  const figures = { status: "optimal", objective: 1, bound: 1, gap: 0 } as const;
  return {
    informativeness,
    usableAuctions: 30,
    weights: { fitted: weights, mean: weights, literal: weights },
    figures: { fitted: figures, mean: figures, literal: figures },
  };
}

describe("fitted arms", () => {
  it("are sale with other weights, and nothing else", () => {
    const { weights } = aFit(1);
    const other = { ...weights.fitted, cost: 0 };
    const policy = armPolicy("sale-fitted", { ...weights, fitted: other });
    expect(policy).toEqual({ ...armPolicy("sale"), name: "sale-fitted", weights: other });
    expect(armPolicy("sale-mean", { ...weights, mean: other }).weights).toBe(other);
    expect(armPolicy("sale-fitted-no-memory", weights).rules).toEqual(armPolicy("sale-no-memory").rules);
    expect(() => armPolicy("sale-fitted")).toThrow("needs fitted weights");
  });

  it("train on an order that is reported nowhere, on what the agents' traces would do", () => {
    const training = trainingWorld(30);
    const auctions = trainingAuctions(training, 1);
    expect([...BUILDING_SEEDS, FIRST_REPORTED_SEED]).not.toContain(TRAINING_SEED);
    expect(TRAINING_SEED).toBeLessThan(FIRST_REPORTED_SEED);
    for (const { id } of pool) {
      const alone = { policy: armPolicy(`always:${id}`), informativeness: 1, refinementGain: 0 };
      const passed = auctions.filter(({ outcomes }) => outcomes[id] === "pass").length;
      expect(passed, id).toBe(runOrder(training, alone).passes);
    }
    for (const { bids, jurors } of auctions) {
      expect(bids).toHaveLength(pool.length);
      for (const bid of bids) expect(Object.keys(bid.scores).toSorted()).toEqual(jurors.toSorted());
    }
  });

  it("get the same weights every time, however little the search may take", async () => {
    const training = trainingWorld(75);
    const limits = { nodeLimit: 1, timeLimitS: 600 };
    const [one, two] = [await loadSolver(), await loadSolver()].map((solver) =>
      fitArms(solver, training, 1, limits),
    );
    expect(two).toEqual(one);
    expect(one?.figures.mean.status).toBe("node_limit");
  });
});

describe("a study", () => {
  it("compares every setting with the mix at its cost, and says what it is", () => {
    const fits = QUICK_INFORMATIVENESS.map(aFit);
    const plan = { seeds: [4, 5], tasks: 30, quick: true, fits };
    const study = summariseStudy(plan.seeds.map((seed) => runSeed(plan, seed)));
    for (const summary of study.summaries) {
      for (const arm of ["always:agt_house-4b", `always:${largest}`]) {
        if (summary.arm === arm) expect(summary.real.mix.difference.mean).toBeCloseTo(0);
      }
      expect(Object.values(summary.shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
      expect(Object.values(summary.real.mix.shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
    }
    const findings = findingsOf(study);
    const text = studyText(study, findings, plan);
    expect(text).toContain("no evidence about any real model");
    for (const arm of [...FITTED_ARMS, "random", `always:${smallest}`]) expect(text).toContain(arm);
    expect(findings.directions.map(({ arm }) => arm)).toEqual(["sale", "sale-fitted"]);
    // At equal cost, by hand: each arm's pass rate less its own mix, seed by seed.
    const at = { informativeness: 1, refinementGain: 0.06, recurrence: 0.5 };
    const [sale, ablated] = ["sale", "sale-no-memory"].map(
      (arm) => summaryAt(study, { ...at, arm }).real.mix,
    );
    const surplus = [0, 1].map((i) => (ablated?.differenceBySeed[i] ?? 0) - (sale?.differenceBySeed[i] ?? 0));
    const found = findings.ablations.find(({ arm }) => arm === "sale-no-memory");
    expect(found?.atEqualCost.mean).toBeCloseTo(mean(surplus));
    for (const svg of Object.values(chartsOf(study))) {
      expect(svg).toContain("no evidence about real models");
      expect(svg).not.toContain("NaN");
    }
  });
});
