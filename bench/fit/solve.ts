/**
 * HiGHS (WebAssembly, one thread) on a program of `market/fit`. A solve blocks the thread up to its time limit.
 *
 * Whatever ends a solve, the best assignment found so far comes back with its gap: on large programs the proof takes
 * far longer than the answer.
 */
import loadHighs, { type Highs } from "highs";
import { lpText } from "../../src/market/fit/lp-format.ts";
import { violationOf, type Assignment, type Program } from "../../src/market/fit/program.ts";

export interface SolveOptions {
  readonly timeLimitS: number;
  /** Nodes of the search: unlike a time, it ends at the same place on every machine. */
  readonly nodeLimit?: number;
  /** A feasible assignment to start from. */
  readonly start?: Assignment;
}

export type SolveStatus = "optimal" | "time_limit" | "node_limit" | "infeasible" | "failed";

export interface Solution {
  readonly status: SolveStatus;
  /** The best feasible assignment; null: none was found. */
  readonly incumbent: Assignment | null;
  /** Of the incumbent; null without one. */
  readonly objective: number | null;
  /** No feasible assignment is below it, as far as the solver has proven; null: nothing is proven. */
  readonly bound: number | null;
  /** (objective − bound) / |objective|; null without an incumbent or a bound. Large where the objective is near 0. */
  readonly gap: number | null;
  readonly seconds: number;
}

export interface Solver {
  solve(program: Program, options: SolveOptions): Solution;
}

/** What a solver's rounding may break rows and bounds by. */
const TOLERANCE = 1e-5;

export async function loadSolver(): Promise<Solver> {
  const highs = await loadHighs();
  return { solve: (program, options) => solveWith(highs, program, options) };
}

function solveWith(highs: Highs, program: Program, { timeLimitS, nodeLimit, start }: SolveOptions): Solution {
  return highs.withModel({ format: "lp", data: lpText(program) }, (model) => {
    model.options.set({ output_flag: false, time_limit: timeLimitS, random_seed: 0 });
    if (nodeLimit !== undefined) model.options.set({ mip_max_nodes: nodeLimit });
    // The reader orders columns as it meets them.
    const columns = program.variables.map(({ name }) => ({ name, column: model.getColByName(name) }));
    if (start !== undefined) {
      const colValue = new Float64Array(columns.length);
      for (const { name, column } of columns) colValue[column] = start[name] ?? 0;
      model.setSolution({ colValue });
    }
    model.run();
    const status = statusName(highs, model.getModelStatus());
    const { colValue } = model.getSolution();
    const found: Assignment = Object.fromEntries(
      columns.map(({ name, column }) => [name, colValue[column] ?? Number.NaN]),
    );
    // An array of values is there even where nothing feasible was found.
    const feasible = colValue.length > 0 && violationOf(program, found) <= TOLERANCE;
    const gap = Number(model.info.get("mip_gap"));
    const bound = Number(model.info.get("mip_dual_bound"));
    return {
      status,
      incumbent: feasible ? found : null,
      objective: feasible ? model.getObjectiveValue() : null,
      bound: Number.isFinite(bound) ? bound : null,
      gap: feasible && Number.isFinite(gap) ? gap : null,
      seconds: model.getRunTime(),
    };
  });
}

function statusName({ constants }: Highs, code: number): SolveStatus {
  const { optimal, timeLimit, solutionLimit, infeasible } = constants.modelStatus;
  if (code === optimal) return "optimal";
  if (code === timeLimit) return "time_limit";
  // HiGHS reports its limit of nodes as one of solutions.
  if (code === solutionLimit) return "node_limit";
  return code === infeasible ? "infeasible" : "failed";
}
