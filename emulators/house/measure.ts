/** Measures the house models against the shape that they are meant to have. Read by the report and by the tests. */
import { workload } from "../workload/index.ts";
import { writeStrategy } from "./bid/write-strategy.ts";
import { type Bin, BINS, HOUSE_SIZES, type HouseSize } from "./constants.ts";
import { judge } from "./jury/judge.ts";
import { type TaskView, viewTask } from "./known-tasks.ts";
import { drawQuality } from "./quality.ts";
import { drawSuccess } from "./success.ts";
import { countTokens } from "./tokens.ts";
import { traceRun } from "./trace/run.ts";

const TOOLS = ["run_javascript", "http"];

export const mean = (values: readonly number[]) =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Pearson's correlation; for two columns of 0 and 1 it is phi. */
export function correlation(a: readonly number[], b: readonly number[]): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  const products = a.map((value, i) => (value - meanA) * ((b[i] as number) - meanB));
  const variance = (values: readonly number[], centre: number) =>
    mean(values.map((value) => (value - centre) ** 2));
  return mean(products) / Math.sqrt(variance(a, meanA) * variance(b, meanB));
}

/** Chance that a passing case scores above a failing one, ties counted half; null without both kinds. */
function areaUnderCurve(passing: readonly number[], failing: readonly number[]): number | null {
  if (passing.length === 0 || failing.length === 0) return null;
  const wins = passing.map((p) => mean(failing.map((f) => (p > f ? 1 : p === f ? 0.5 : 0))));
  return mean(wins);
}

const tasksIn = (bin: Bin): TaskView[] =>
  workload.filter((task) => task.bin === bin).map((task) => viewTask(task.prompt));

interface Cell {
  readonly size: HouseSize;
  readonly bin: Bin;
  readonly seeds: number;
  readonly informativeness: number;
}

/** 1 for a pass, 0 for a fail, over all tasks of the bin and the seeds from 0. Equal order for all sizes. */
export function outcomes({ size, bin, seeds, informativeness }: Cell): number[] {
  return tasksIn(bin).flatMap((task) =>
    Array.from({ length: seeds }, (_, seed) => {
      const key = { seed, taskKey: task.key, size, bin };
      return drawSuccess({ ...key, quality: drawQuality(key), informativeness }) ? 1 : 0;
    }),
  );
}

/** Added to a bid's seed where every call carries a seed of its own. */
const OTHER_SEED = 1_000_000;

/** As `outcomes`, for a client that sends another seed with the trace than with the bid (trace/run.ts). */
export function outcomesWithOtherSeeds({ size, bin, seeds, informativeness }: Cell): number[] {
  return tasksIn(bin).flatMap((task) =>
    Array.from({ length: seeds }, (_, seed) => {
      const quality = drawQuality({ seed, taskKey: task.key, size, bin });
      const strategy = writeStrategy({ seed, task, size, quality, tools: TOOLS, maxTokens: 300 });
      const run = traceRun({ seed: seed + OTHER_SEED, task, strategy, size, tools: TOOLS });
      return drawSuccess({ ...run, taskKey: task.key, size, bin, informativeness }) ? 1 : 0;
    }),
  );
}

/** Correlation of failures between the two largest over all bins. */
export function failureCorrelation(seeds: number, informativeness: number, measured = outcomes): number {
  const [a, b] = HOUSE_SIZES.slice(-2).map((size) =>
    BINS.flatMap((bin) => measured({ size, bin, seeds, informativeness })),
  );
  return correlation(a as number[], b as number[]);
}

export interface JudgedBid {
  readonly size: HouseSize;
  readonly bin: Bin;
  readonly quality: number;
  readonly tokens: number;
  readonly passed: boolean;
  /** Scores by juror, in the order of `HOUSE_SIZES`. */
  readonly scores: readonly number[];
}

/** Bids of all sizes on all tasks, judged by all sizes. */
export function judgedBids(seeds: number, informativeness: number): JudgedBid[] {
  const bids: JudgedBid[] = [];
  for (const task of workload.map((known) => viewTask(known.prompt))) {
    for (const size of HOUSE_SIZES) {
      for (let seed = 0; seed < seeds; seed += 1) {
        const key = { seed, taskKey: task.key, size, bin: task.bin };
        const quality = drawQuality(key);
        const strategy = writeStrategy({ seed, task, size, quality, tools: TOOLS, maxTokens: 300 });
        const hearing = { seed, taskKey: task.key, task: task.text, bin: task.bin, strategy };
        bids.push({
          size,
          bin: task.bin,
          quality,
          tokens: countTokens(strategy),
          passed: drawSuccess({ ...key, quality, informativeness }),
          scores: HOUSE_SIZES.map((juror) => judge({ ...hearing, juror })),
        });
      }
    }
  }
  return bids;
}

/** AUC of a score against success among bids of the same agent and bin, weighted by pairs. */
export function withinCellAuc(bids: readonly JudgedBid[], score: (bid: JudgedBid) => number): number {
  let wins = 0;
  let pairs = 0;
  for (const size of HOUSE_SIZES) {
    for (const bin of BINS) {
      const cell = bids.filter((bid) => bid.size === size && bid.bin === bin);
      const passing = cell.filter((bid) => bid.passed).map(score);
      const failing = cell.filter((bid) => !bid.passed).map(score);
      const auc = areaUnderCurve(passing, failing);
      if (auc === null) continue;
      wins += auc * passing.length * failing.length;
      pairs += passing.length * failing.length;
    }
  }
  return wins / pairs;
}

/** What a juror gives its own strategies above what the other jurors give them, net of how it scores everybody else's. */
export function selfPreference(bids: readonly JudgedBid[]): number {
  const differences = HOUSE_SIZES.map((size, index) => {
    const gap = (bid: JudgedBid) =>
      (bid.scores[index] as number) - mean(bid.scores.filter((_, i) => i !== index));
    const own = mean(bids.filter((bid) => bid.size === size).map(gap));
    // Each rival's strategies carry the rival's own liking once, among the three other jurors: taken out by comparing
    // with jurors that are neither the author nor this one.
    const others = bids
      .filter((bid) => bid.size !== size)
      .map((bid) => {
        const author = HOUSE_SIZES.indexOf(bid.size);
        return (bid.scores[index] as number) - mean(bid.scores.filter((_, i) => i !== index && i !== author));
      });
    return own - mean(others);
  });
  return mean(differences);
}
