/**
 * What a model knows of a task from its text alone: a workload task if it recognises one, and a guess at its difficulty.
 *
 * White space and URLs are ignored, so that neither the emulator's port nor a fence that broke up a nonce matters.
 */
import { type Bin, workload, type WorkloadTask } from "../workload/index.ts";
import { BIN_WEIGHTS, CHARS_PER_WEIGHT, CONDITIONS_PER_WEIGHT } from "./constants.ts";
import { hash32 } from "./draws.ts";

export interface TaskView {
  /** The task's text as it stood in the prompt. */
  readonly text: string;
  /** Equal for equal tasks, whatever the base URL of their documents. Part of every draw's key. */
  readonly key: string;
  readonly bin: Bin;
  /** null: a task that no house model can solve. */
  readonly known: WorkloadTask | null;
}

const URLS = /(?:\{\{docs\}\}|https?:\/\/)\S*/g;

function normalized(text: string): string {
  return text.replace(URLS, "").replace(/\s+/g, "").toLowerCase();
}

const byFingerprint = new Map(workload.map((task) => [normalized(task.prompt), task]));

/** Recognises a task by its text, also inside a longer one (a conversation that carries it). */
export function viewTask(text: string): TaskView {
  const print = normalized(text);
  const exact = byFingerprint.get(print);
  const known = exact ?? [...byFingerprint].find(([prompt]) => print.includes(prompt))?.[1] ?? null;
  return {
    text,
    key: known === null ? `text-${hash32(print) >>> 0}` : known.id,
    bin: known === null ? guessBin(text) : known.bin,
    known,
  };
}

/** A stranger's task: longer texts with more conditions are taken for harder. */
function guessBin(text: string): Bin {
  const conditions =
    text.match(/\b(?:if|unless|except|only|never|must|each|every|otherwise)\b/gi)?.length ?? 0;
  const weight = text.length / CHARS_PER_WEIGHT + conditions / CONDITIONS_PER_WEIGHT;
  return (1 + BIN_WEIGHTS.filter((least) => weight >= least).length) as Bin;
}
