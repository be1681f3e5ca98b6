/**
 * The program whose solution is the weights (auction.md, "MIP"; SALE, section 3.2).
 *
 *   min Q + (ρ/T)·Σ ξ_t + (λ/T)·Σ κ_{t,i}·x_{t,i}
 *   Σ w = 1,  Σ_{i∈P_t} x_{t,i} = 1,  w ≥ 0,  ξ ≥ 0,  −10 ≤ Q ≤ 10,  x binary
 *   level:   w·f_{t,i} ≤ Q + (max(0, max f_{t,i}) + 10)·(1 − x_{t,i})
 *   margin:  w·(f_{t,i} − f_{t,k}) + δ ≤ ξ_t + (max(0, max(f_{t,i} − f_{t,k})) + δ)·(1 − x_{t,i})   for k ∈ F_t
 *
 * P_t and F_t are the bidders known to pass and to fail; unknown ones are not constrained. As Σ w = 1 and w ≥ 0,
 * w·f is at most the largest f, so that the big M switches a row off exactly.
 */
import type { AgentId } from "../ids.ts";
import type { Weights } from "../policy.ts";
import { fail, ok, type Result } from "../result.ts";
import {
  rawFeatures,
  scoreWeights,
  standardizedFeatures,
  type FeatureRow,
  type FeatureTable,
} from "./features.ts";
import type { Assignment, Program, Row, Term, Variable } from "./program.ts";
import type { TrainingAuction } from "./training-auction.ts";
import { bidders } from "./usable.ts";

/** ρ: what a passing agent that does not beat a failing one by the margin costs, against the level Q. */
const MISS_COST = 10;
/** δ, in standard deviations of the score's features. */
const MARGIN = 0.1;
/** λ: what the dearest trace of an auction costs, against the level Q. */
const TRACE_COST = 1;
/** Bound of Q. */
const LEVEL_BOUND = 10;

export interface FitOptions {
  /**
   * `margin`: the program above. `literal`: the paper's bare min–max over raw features and all bidders, min Q alone.
   * It is degenerate: Q is a level, the winner depends on differences. A juror that scores everybody 5 takes all
   * weight, all scores are equal, and the tie sends every task to the cheapest. Kept to show that.
   */
  readonly kind: "margin" | "literal";
  /** `max`: the worst task's level Q. `mean`: the mean of the tasks' levels instead (ablation `sale-mean`). */
  readonly aggregation: "max" | "mean";
}

export interface FitProgram {
  readonly program: Program;
  readonly table: FeatureTable;
  readonly tasks: readonly FitTask[];
}

/** An auction's part of the program, with the names of its variables. */
export interface FitTask {
  readonly level: string;
  /** ξ_t; null in the literal fit. */
  readonly miss: string | null;
  readonly choices: readonly {
    readonly variable: string;
    readonly row: FeatureRow;
    /** κ, 0 to 1. */
    readonly traceShare: number;
  }[];
  /** F_t; nobody in the literal fit. */
  readonly failed: readonly FeatureRow[];
}

/** No feature differs inside any auction: there is nothing that weights could tell apart. */
export type NoProgram = { readonly reason: "no_spread" };

/** The program for auctions that are usable together. */
export function fitProgram(
  auctions: readonly TrainingAuction[],
  options: FitOptions,
): Result<FitProgram, NoProgram> {
  const table = options.kind === "literal" ? rawFeatures(auctions) : standardizedFeatures(auctions);
  if (auctions.length === 0 || table.scales.every((scale) => scale === 0))
    return fail({ reason: "no_spread" });
  const tasks = table.auctions.map(({ auction, bids }, at) =>
    options.kind === "literal" ? literalTask(bids, at, options) : marginTask(auction, { bids, at, options }),
  );
  const rows = [
    { name: "simplex", terms: weightTerms(table.features.map(() => 1)), comparison: "=" as const, right: 1 },
    ...tasks.flatMap(taskRows),
  ];
  return ok({ program: { variables: variablesOf(table, tasks, options), rows }, table, tasks });
}

/** The weights to deploy: w_f / sd_f. Rounding of the solver below zero is zero. */
export function fittedWeights({ table }: Pick<FitProgram, "table">, assignment: Assignment): Weights {
  return scoreWeights(
    table,
    table.features.map((_, at) => Math.max(0, assignment[weightName(at)] ?? 0)),
  );
}

/**
 * A feasible assignment with the given weights of the features: a solver that starts from the current weights and
 * runs out of time never returns worse ones, as the program counts.
 */
export function startingPoint({ program, table, tasks }: FitProgram, weights: readonly number[]): Assignment {
  const assignment: Record<string, number> = Object.fromEntries(
    program.variables.map(({ name, lower }) => [name, lower]),
  );
  for (const at of table.features.keys()) assignment[weightName(at)] = weights[at] ?? 0;
  for (const task of tasks) {
    const options = task.choices.map((choice) => {
      const level = dot(weights, choice.row.values);
      const rivals = task.failed.map((rival) => level - dot(weights, rival.values) + MARGIN);
      const missed = Math.max(0, ...rivals);
      return { choice, level, missed, cost: MISS_COST * missed + TRACE_COST * choice.traceShare };
    });
    const best = options.toSorted((a, b) => a.cost - b.cost || a.level - b.level)[0];
    if (best === undefined) continue;
    assignment[best.choice.variable] = 1;
    assignment[task.level] = Math.max(assignment[task.level] ?? -LEVEL_BOUND, best.level);
    if (task.miss !== null) assignment[task.miss] = best.missed;
  }
  return assignment;
}

function marginTask(
  auction: TrainingAuction,
  { bids, at, options }: { bids: readonly FeatureRow[]; at: number; options: FitOptions },
): FitTask {
  const passed = bidders(auction, "pass");
  const failed = bidders(auction, "fail");
  const shares = traceShares(auction);
  return {
    level: levelName(at, options),
    miss: `miss_${at}`,
    choices: bids
      .filter(({ agentId }) => passed.includes(agentId))
      .map((row, choice) => ({ variable: `x_${at}_${choice}`, row, traceShare: shares(row.agentId) })),
    failed: bids.filter(({ agentId }) => failed.includes(agentId)),
  };
}

function literalTask(bids: readonly FeatureRow[], at: number, options: FitOptions): FitTask {
  return {
    level: levelName(at, options),
    miss: null,
    choices: bids.map((row, choice) => ({ variable: `x_${at}_${choice}`, row, traceShare: 0 })),
    failed: [],
  };
}

/** κ: a bidder's trace cost over the dearest known one of the auction. */
function traceShares(auction: TrainingAuction): (agentId: AgentId) => number {
  const known = auction.bids.flatMap(({ agentId }) => auction.traceCostMicros[agentId] ?? []);
  const dearest = Math.max(0, ...known);
  return (agentId) => (dearest === 0 ? 0 : (auction.traceCostMicros[agentId] ?? dearest) / dearest);
}

function variablesOf(table: FeatureTable, tasks: readonly FitTask[], options: FitOptions): Variable[] {
  const perTask = 1 / tasks.length;
  const weights = table.scales.map((scale, at) => ({
    name: weightName(at),
    lower: 0,
    upper: scale === 0 ? 0 : 1,
    binary: false,
    cost: 0,
  }));
  const levels = [...new Set(tasks.map(({ level }) => level))].map((name) => ({
    name,
    lower: -LEVEL_BOUND,
    upper: LEVEL_BOUND,
    binary: false,
    cost: options.aggregation === "mean" ? perTask : 1,
  }));
  const misses = tasks.flatMap(({ miss }) =>
    miss === null
      ? []
      : [
          {
            name: miss,
            lower: 0,
            upper: Number.POSITIVE_INFINITY,
            binary: false,
            cost: MISS_COST * perTask,
          },
        ],
  );
  const choices = tasks.flatMap((task) =>
    task.choices.map(({ variable, traceShare }) => ({
      name: variable,
      lower: 0,
      upper: 1,
      binary: true,
      cost: TRACE_COST * perTask * traceShare,
    })),
  );
  return [...weights, ...levels, ...misses, ...choices];
}

function taskRows(task: FitTask, at: number): Row[] {
  const one: Row = {
    name: `one_${at}`,
    terms: task.choices.map(({ variable }) => ({ coefficient: 1, variable })),
    comparison: "=",
    right: 1,
  };
  const rows = task.choices.flatMap((choice, index) => [
    levelRow(task, choice, `level_${at}_${index}`),
    ...task.failed.map((rival, other) =>
      marginRow(task, { choice, rival, name: `margin_${at}_${index}_${other}` }),
    ),
  ]);
  return [one, ...rows];
}

type Choice = FitTask["choices"][number];

/** w·f − Q + M·x ≤ M */
function levelRow(task: FitTask, { row, variable }: Choice, name: string): Row {
  const bigM = Math.max(0, ...row.values) + LEVEL_BOUND;
  return {
    name,
    terms: [
      ...weightTerms(row.values),
      { coefficient: -1, variable: task.level },
      { coefficient: bigM, variable },
    ],
    comparison: "<=",
    right: bigM,
  };
}

/** w·(f_i − f_k) − ξ + M·x ≤ M − δ */
function marginRow(
  task: FitTask,
  { choice, rival, name }: { choice: Choice; rival: FeatureRow; name: string },
): Row {
  const difference = choice.row.values.map((value, at) => value - (rival.values[at] ?? 0));
  const bigM = Math.max(0, ...difference) + MARGIN;
  const miss = task.miss === null ? [] : [{ coefficient: -1, variable: task.miss }];
  return {
    name,
    terms: [...weightTerms(difference), ...miss, { coefficient: bigM, variable: choice.variable }],
    comparison: "<=",
    right: bigM - MARGIN,
  };
}

function weightTerms(coefficients: readonly number[]): Term[] {
  return coefficients
    .map((coefficient, at) => ({ coefficient, variable: weightName(at) }))
    .filter(({ coefficient }) => coefficient !== 0);
}

const weightName = (feature: number) => `w_${feature}`;
const levelName = (task: number, { aggregation }: FitOptions) => (aggregation === "mean" ? `z_${task}` : "q");

function dot(weights: readonly number[], values: readonly number[]): number {
  return values.reduce((sum, value, at) => sum + value * (weights[at] ?? 0), 0);
}
