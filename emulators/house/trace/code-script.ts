/** The turns of a coding trace: drafts, checks, perhaps a real error and its repair, then the submission. */
import { STEPS, TOOL_ERROR_CHANCE } from "../constants.ts";
import type { Draws } from "../draws.ts";
import type { WorkloadTask } from "../../workload/index.ts";
import type { Step } from "./step.ts";

export interface ScriptOrder {
  readonly task: WorkloadTask;
  readonly succeeds: boolean;
  readonly draws: Draws;
  /** Code must print with `console.log`; otherwise its last expression is its output. */
  readonly logs: boolean;
  readonly canRun: boolean;
}

const DRAFT_NOTES = [
  "A first draft, to see how the simplest cases behave.",
  "This draft leaves out the exceptions; they come next.",
  "Let me test the part of the plan that I trust least.",
  "Another variant of the core, run on the same cases.",
  "I run the next sub-goal of the strategy by itself.",
  "One more case from the task before I go on.",
];
const REVISION_NOTES = [
  "One of these does not agree with the wording of the task. I change that part and run it again.",
  "The output shows a case that the draft misses; the next version handles it.",
  "Going through the task again, one condition is not covered yet. Revised:",
];
const FINAL_NOTES = [
  "All the cases together, as the strategy asks for before submitting.",
  "A last run over the examples and the edge cases.",
  "The complete version with its checks:",
];

/** Source plus an expression for what the named cases give. */
function checked(source: string, cases: readonly string[], logs: boolean): string {
  const list = `[${cases.map((call) => `() => ${call}`).join(", ")}]`;
  // Numbered, so that an error which a case is meant to throw does not read as an error of the tool.
  const run = `${list}.map((call, i) => { try { return i + 1 + ": " + JSON.stringify(call()); } catch (error) { return i + 1 + ": threw " + error; } }).join("\\n")`;
  return logs ? `${source}\nconsole.log(${run});` : `${source}\n${run};`;
}

/** A mistake that the sandbox really reports: an unclosed call, or a function under a wrong name. */
function mistake(source: string, call: string, draws: Draws): string {
  if (draws.uniform() < 0.5) return `${source}\n[${call}`;
  return `${source}\n${call.replace(/^[^a-zA-Z]*([a-zA-Z]+)/, (name) => `${name}Result`)};`;
}

function runStep(say: string, code: string, expectsError = false): Step {
  return { kind: "run", say, code, expectsError };
}

/** Drafts on the way: versions with a flaw, the first one with a mistake to repair if the trace slips. */
function drafts(order: ScriptOrder, flawed: readonly string[], count: number): Step[] {
  const { task, draws, logs } = order;
  const slips = draws.uniform() < TOOL_ERROR_CHANCE;
  return Array.from({ length: count }, (_, i) => {
    const source = flawed[i % flawed.length] as string;
    const call = task.working[i % task.working.length] as string;
    if (slips && i === 0) {
      return runStep(
        "I start with the core of the function and one call.",
        mistake(source, call, draws),
        true,
      );
    }
    if (slips && i === 1) {
      return runStep(
        "The error is in my own call, not in the idea. Repaired:",
        checked(source, [call], logs),
      );
    }
    const note = draws.pick(i % 2 === 0 ? DRAFT_NOTES : REVISION_NOTES);
    return runStep(note, checked(source, task.working.slice(0, 1 + (i % task.working.length)), logs));
  });
}

/** All turns of the trace, the submission last. */
export function codeScript(order: ScriptOrder): Step[] {
  const { task, succeeds, draws, logs, canRun } = order;
  const wrong = draws.shuffled(task.solutions.wrong.map((solution) => solution.result));
  const final = succeeds ? task.solutions.right : (wrong[0] as string);
  const submit: Step = { kind: "submit", say: "", result: final };
  if (!canRun) return [submit];
  const [least, most] = STEPS[task.bin];
  const length = draws.int(least, most);
  // Reversed, so that the version which is submitted is not among the first drafts.
  const before = drafts(order, wrong.toReversed(), length - 2);
  return [...before, runStep(draws.pick(FINAL_NOTES), checked(final, task.working, logs)), submit];
}
