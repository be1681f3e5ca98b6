/** The turns of a trace that answers a question: read the documents, do the arithmetic, look again, submit. */
import { PAIRED_READ_CHANCE, STEPS, TOOL_ERROR_CHANCE } from "../constants.ts";
import type { Draws } from "../draws.ts";
import type { ScriptOrder } from "./code-script.ts";
import type { Step } from "./step.ts";

export interface QuestionOrder extends ScriptOrder {
  /** The documents that the prompt names, in order. */
  readonly urls: readonly string[];
  readonly canRead: boolean;
}

const SUM_NOTES = [
  "Now the arithmetic, one part at a time.",
  "The next part of the sum:",
  "Working this out instead of guessing:",
  "Carrying on with the figures from the documents:",
];
const AGAIN_NOTES = [
  "I read the rule once more, since it has an exception.",
  "Back to the document: does the exception apply here?",
  "One figure should be compared with its source again.",
  "Reading the notes at the end of the document again.",
];

const nameOf = (url: string) => url.slice(url.lastIndexOf("/") + 1);

function reads(urls: readonly string[], turns: number, draws: Draws): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < urls.length;) {
    const must = urls.length - at > turns - steps.length;
    const take = must || draws.uniform() < PAIRED_READ_CHANCE ? Math.min(2, urls.length - at) : 1;
    const group = urls.slice(at, at + take);
    steps.push({
      kind: "read",
      say: `Reading ${group.map(nameOf).join(" and ")}.`,
      urls: group,
      expectsError: false,
    });
    at += take;
  }
  return steps;
}

/** A slip of the pen in a URL: a real request that the server refuses. */
function misspelt(url: string): Step {
  const wrong = url.replace(/\.md$/, "").concat("-2031.md");
  return { kind: "read", say: `Reading ${nameOf(wrong)}.`, urls: [wrong], expectsError: true };
}

const printed = (expression: string, logs: boolean) =>
  logs ? `console.log(JSON.stringify(${expression}));` : `JSON.stringify(${expression});`;

/** Turns that fill the trace: the sums that fit in, and a second look at a document where there is room left. */
function workingSteps(order: QuestionOrder, room: number): Step[] {
  const { task, succeeds, draws, logs, canRun, canRead, urls } = order;
  // A trace that goes wrong goes wrong in its sums too: it never reaches the last one.
  const sums = succeeds ? task.working : task.working.slice(0, -1);
  const steps: Step[] = (canRun && room > 0 ? sums.slice(-room) : []).map((sum) => ({
    kind: "run",
    say: draws.pick(SUM_NOTES),
    code: printed(sum, logs),
    expectsError: false,
  }));
  const again = canRead ? Math.max(0, room - steps.length) : 0;
  for (let i = 0; i < again; i += 1) {
    const look: Step = {
      kind: "read",
      say: draws.pick(AGAIN_NOTES),
      urls: [draws.pick(urls)],
      expectsError: false,
    };
    steps.splice(draws.int(0, steps.length), 0, look);
  }
  return steps;
}

/** All turns of the trace, the submission last. */
export function questionScript(order: QuestionOrder): Step[] {
  const { task, succeeds, draws, canRead, urls } = order;
  const wrong = draws.pick(task.solutions.wrong).result;
  const submit: Step = { kind: "submit", say: "", result: succeeds ? task.solutions.right : wrong };
  const [least, most] = STEPS[task.bin];
  const room = draws.int(least, most) - 1;
  const slips = draws.uniform() < TOOL_ERROR_CHANCE;
  const reading = canRead ? reads(urls, Math.max(1, room - 1), draws) : [];
  if (slips && canRead && room > reading.length) reading.unshift(misspelt(urls[0] as string));
  return [...reading, ...workingSteps(order, room - reading.length), submit];
}
