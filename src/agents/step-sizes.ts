/** A committed step as it is sent: with its tools' answers whole, or shortened by one of two measures. Pure. */
import type { Step } from "../market/step.ts";
import { cutOff } from "../market/submission.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { stepAsSent } from "./neutral-step.ts";
import { continueText } from "./prompts/continue-prompt.ts";
import { shortenAnswers } from "./shorten-answers.ts";
import { addBytes, allBytes, NO_BYTES, textBytes, type TextBytes } from "./text-tokens.ts";
import { outcomeText } from "./trace-messages.ts";

/** 0: whole; 1: as the latest step may be shortened; 2: as an older one is. */
export type Level = 0 | 1 | 2;

/** Ours: so much stays of the beginning of each answer, in UTF-16 units. */
const HEAD_CHARS = { 1: 4_000, 2: 400 } as const;

/** What messages put around their texts, once for a step and once for each answer: by itself it may fill a window, too. */
const STEP_FRAME_BYTES = 128;
const ANSWER_FRAME_BYTES = 128;

/** A step that stays the same object is looked at once; a trace sends each of its steps with every later one. */
const shortened = new WeakMap<Step, Partial<Record<Level, Step>>>();
const sizes = new WeakMap<Step, StepBytes>();

export interface StepBytes {
  readonly words: number;
  readonly frame: number;
  readonly answers: number;
  /** The same of the answers, by what they are. */
  readonly kinds: TextBytes;
}

export function atLevel(step: Step, level: Level): Step {
  if (level === 0) return step;
  const known = shortened.get(step) ?? {};
  shortened.set(step, known);
  return (known[level] ??= shortenAnswers(step, HEAD_CHARS[level]));
}

/** Bytes of UTF-8: of what the model wrote and of what stands around it, which stay, and of what its tools answered. */
export function bytesOf(step: Step): StepBytes {
  const known = sizes.get(step);
  if (known !== undefined) return known;
  const sent = stepAsSent(step);
  const kinds = step.toolCalls
    .map(({ outcome }) => textBytes(outcomeText(outcome)))
    .reduce(addBytes, NO_BYTES);
  const answers = allBytes(kinds);
  const said = cutOff(step) === null ? 0 : utf8Bytes(continueText(step));
  const frame = STEP_FRAME_BYTES + said + ANSWER_FRAME_BYTES * step.toolCalls.length;
  const size = { words: utf8Bytes(JSON.stringify(sent.assistant)), frame, answers, kinds };
  sizes.set(step, size);
  return size;
}

/** What is left out of the step at this level: of how many answers, and how many UTF-16 units. */
export function leftOut(step: Step, level: Level): { readonly outputs: number; readonly characters: number } {
  const short = atLevel(step, level);
  let [outputs, characters] = [0, 0];
  for (const [at, { outcome }] of step.toolCalls.entries()) {
    const after = short.toolCalls[at]?.outcome ?? outcome;
    if (after === outcome || level === 0) continue;
    outputs += 1;
    characters += textChars(outcome) - HEAD_CHARS[level];
  }
  return { outputs, characters };
}

function textChars(outcome: Step["toolCalls"][number]["outcome"]): number {
  return (outcome.ok ? outcome.output : outcome.error.message).length;
}
