/**
 * The next assistant turn of a trace, derived from the conversation so far.
 *
 * The script is the same at every call (same seed, task, model and strategy); the number of the model's own turns
 * says where it stands, and what the tools answered may cut it short.
 */
import { PATIENCE } from "../constants.ts";
import { drawsFor } from "../draws.ts";
import type { TaskView } from "../known-tasks.ts";
import { codeScript } from "./code-script.ts";
import type { Turn } from "./progress.ts";
import { questionScript } from "./question-script.ts";
import type { Step } from "./step.ts";
import type { Toolbox } from "./toolbox.ts";

export interface TraceState {
  readonly seed: number;
  readonly modelId: string;
  readonly task: TaskView;
  readonly succeeds: boolean;
  readonly turns: readonly Turn[];
  readonly tools: Toolbox;
}

/** URLs that a task names, without punctuation behind them. */
function urlsIn(text: string): string[] {
  const found = text.match(/https?:\/\/[^\s<>"')]+/g) ?? [];
  return [...new Set(found.map((url) => url.replace(/[.,;:!?]+$/, "")))];
}

/** What a house model says to a task that is not in the workload. It never pretends. */
function unknownTaskText(modelId: string): string {
  return `I am an emulated model (${modelId}). I stand in for a real one in tests and demonstrations and can only carry out tasks of the built-in workload. This task is not one of them, so I have no answer to it.`;
}

function unknownTaskScript({ task, tools, modelId }: TraceState): Step[] {
  const submit: Step = { kind: "submit", say: "", result: unknownTaskText(modelId) };
  const url = urlsIn(task.text)[0];
  if (url !== undefined && tools.read !== null) {
    return [
      {
        kind: "read",
        say: "This task is unknown to me, an emulated model; I only fetch what it names.",
        urls: [url],
        expectsError: false,
      },
      submit,
    ];
  }
  if (/\b(?:function|javascript|code|compute|calculate)\b/i.test(task.text) && tools.run !== null) {
    const code = tools.logs ? 'console.log("no attempt: emulated model");' : '"no attempt: emulated model";';
    return [
      {
        kind: "run",
        say: "This task is unknown to me, an emulated model; I only show that the sandbox answers.",
        code,
        expectsError: false,
      },
      submit,
    ];
  }
  return [submit];
}

function scriptOf(state: TraceState): Step[] {
  const { seed, modelId, task, succeeds, tools } = state;
  if (task.known === null) return unknownTaskScript(state);
  const order = {
    task: task.known,
    succeeds,
    draws: drawsFor(seed, task.key, modelId, "trace"),
    logs: tools.logs,
    canRun: tools.run !== null,
  };
  if (task.known.kind === "code") return codeScript(order);
  const urls = urlsIn(task.text);
  return questionScript({ ...order, urls, canRead: tools.read !== null && urls.length > 0 });
}

/** Unplanned failures so far; answers to planned mistakes do not count. */
function failures(script: readonly Step[], turns: readonly Turn[]): number {
  return turns.filter((turn, index) => {
    const step = script[index];
    const planned = step !== undefined && step.kind !== "submit" && step.expectsError;
    return !planned && turn.answers.some((answer) => answer.failed);
  }).length;
}

/** Documents of the task that no call has brought back. */
function unread(state: TraceState): string[] {
  const answers = state.turns
    .flatMap((turn) => turn.answers)
    .filter((answer) => !answer.failed && answer.text !== "");
  return urlsIn(state.task.text).filter(
    (url) => !answers.some((answer) => answer.arguments.includes(`"${url}"`)),
  );
}

/** The submission, honest where the documents could not be read. */
function submission(state: TraceState, planned: Step): Step {
  if (state.task.known?.kind !== "question") return planned;
  const missing = unread(state);
  if (missing.length === 0) return planned;
  return { kind: "submit", say: "", result: `I could not read ${missing.join(", ")}, so I have no answer.` };
}

/** The turn to take now. After the last one it submits again, since an earlier submission seems not to have counted. */
export function nextStep(state: TraceState): Step {
  const script = scriptOf(state);
  const last = script[script.length - 1] as Step;
  const planned = failures(script, state.turns) >= PATIENCE ? last : (script[state.turns.length] ?? last);
  const step = planned.kind === "submit" ? submission(state, planned) : planned;
  const stumbled = state.turns.at(-1)?.answers.find((answer) => answer.failed);
  const expected = script[state.turns.length - 1];
  const surprise =
    stumbled !== undefined &&
    !(expected !== undefined && expected.kind !== "submit" && expected.expectsError);
  return surprise
    ? {
        ...step,
        say: `\`${stumbled.toolName}\` answered with an error; I go on without repeating the call. ${step.say}`.trim(),
      }
    : step;
}

/** The submission at once, whatever was planned: an attempt that is not through hands in what it has, which is not right. */
export function lastStep(state: TraceState): Step {
  const next = nextStep(state);
  if (next.kind === "submit") return next;
  const { task, seed, modelId } = state;
  const result =
    task.known === null
      ? unknownTaskText(modelId)
      : drawsFor(seed, task.key, modelId, "wrap-up").pick(task.known.solutions.wrong).result;
  return submission(state, { kind: "submit", say: "", result });
}
