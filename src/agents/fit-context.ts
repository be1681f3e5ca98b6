/**
 * Fits a trace's conversation into its agent's window: over it, tools' answers are shortened by this rule, and never cut
 * without a word (`shorten-answers.ts`). Pure: whoever holds the trace sends the same, by what is committed and the agent.
 *
 * The rule is gone through from the first step on, as each was asked for, and what is shortened stays so: between two times
 * that something is shortened the conversation only grows, and the provider's prompt cache stays warm. When it would not
 * fit, the oldest answers are shortened until half of the window is free again, but for those of the latest steps; those
 * only where it does not fit even so, the latest of all last. What the model wrote itself always stays.
 *
 * Where the provider refuses the request as too long all the same, the step is asked for again with less: the first time
 * with the latest answers counted as densely as any text can be, then with all shortened that may be.
 */
import type { Agent } from "../market/agent.ts";
import type { Step } from "../market/step.ts";
import { MOST_BYTES_PER_TOKEN } from "../market/takeover.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { CountedElsewhere } from "./counted-elsewhere.ts";
import type { StepRequest } from "./model-port.ts";
import { stepOutputTokens } from "./output-limits.ts";
import { tracePrompt } from "./prompts/trace-prompt.ts";
import { atLevel, bytesOf, leftOut, type Level, type StepBytes } from "./step-sizes.ts";
import { addBytes, allBytes, lessBytes, likelyTokens, NO_BYTES, type TextBytes } from "./text-tokens.ts";

/** Ours: answers of so many latest steps stay whole as long as anything else can be shortened. */
const LATEST_STEPS = 3;
/** Ours: of the window, so much is used at most once it was too small. */
const REFILL_SHARE = 0.5;

/**
 * Ours, in tokens for each byte. What a provider counted for the step before is known; what came since is counted a quarter
 * denser than that, and where nothing is known, `UNKNOWN`: two bytes to a token. What is denser by what stands in it is
 * counted so (`text-tokens.ts`). No text has less than `LEAST`; of a byte-level vocabulary, none has more than `MOST`.
 *
 * What another agent's provider counted is about what that one was sent. Of it only the density is taken
 * (`counted-elsewhere.ts`), and all is counted a quarter denser, since its tokens were of its own.
 */
const UNKNOWN = 0.5;
const LEAST = 1 / MOST_BYTES_PER_TOKEN;
const MOST = 1;
const MARGIN = 1.25;

export interface FittedContext {
  readonly request: StepRequest;
  /** What was left out of tools' answers: of how many, and how many UTF-16 units. */
  readonly leftOut: { readonly outputs: number; readonly characters: number };
  /** What the request comes to at the least, in tokens: an agent whose window has less would refuse it. */
  readonly leastTokens: number;
}

/**
 * @param refused steps from 1, each as often as the agent's provider refused a call for it as too long; in any order
 */
export function fitContext(
  agent: Agent,
  request: StepRequest,
  refused: readonly number[] = [],
): FittedContext {
  const { maxOutputTokens, history } = request;
  // The same for a wrap-up, so that it goes on from the same conversation.
  const roomTokens = agent.contextTokens - stepOutputTokens(agent, { maxOutputTokens });
  const conversation = new Conversation(frameBytes(request), {
    roomTokens,
    refillTokens: Math.min(roomTokens, REFILL_SHARE * agent.contextTokens),
  });
  for (const [at, step] of history.entries()) {
    conversation.add(step);
    // Between two steps of other agents, this one was asked for nothing.
    if (isOwn(step) || isOwn(history[at + 1])) conversation.shorten();
    conversation.refuse(refused.filter((due) => due === step.step + 1).length);
  }
  const cut = history.map((step, at) => leftOut(step, conversation.levels[at] ?? 0));
  return {
    request: { ...request, history: history.map((step, at) => atLevel(step, conversation.levels[at] ?? 0)) },
    leftOut: {
      outputs: cut.reduce((sum, { outputs }) => sum + outputs, 0),
      characters: cut.reduce((sum, { characters }) => sum + characters, 0),
    },
    leastTokens: conversation.leastTokens,
  };
}

/** Or what is asked for now. */
function isOwn(step: Step | undefined): boolean {
  return step?.writtenBy === undefined;
}

/** What stands before the steps. */
function frameBytes({ prompt, tools }: StepRequest): number {
  const { system, user } = tracePrompt(prompt);
  return utf8Bytes(system) + utf8Bytes(user) + utf8Bytes(JSON.stringify(tools));
}

interface Window {
  readonly roomTokens: number;
  readonly refillTokens: number;
}

/** How many tokens a step's answers have: as they are counted, and at the least. */
interface Count {
  readonly likely: (answers: StepBytes) => number;
  /** Tokens for each byte. */
  readonly least: number;
}

/** Of what a provider has counted already. */
function evenly(likely: number, least = likely): Count {
  return { likely: ({ answers }) => likely * answers, least };
}

/** Of what it has not. */
function byKind(likely: number, least: number): Count {
  return { likely: ({ kinds }) => likelyTokens(kinds, likely), least };
}

const UNKNOWN_ANSWERS = byKind(UNKNOWN, LEAST);

/** A density that a text can have. */
function within(density: number): number {
  return Math.min(MOST, Math.max(LEAST, density));
}

class Conversation {
  /** How far each step's answers are shortened; it never becomes less. */
  readonly levels: Level[] = [];
  readonly #steps: Step[] = [];
  readonly #window: Window;
  /** Bytes that stay: the prompt, what the model wrote, and what stands around it. */
  #stays: number;
  /** Of tools' answers, as far as they are shortened. */
  #answers: TextBytes = NO_BYTES;
  readonly #elsewhere: CountedElsewhere;
  #likelyTokens: number;
  leastTokens: number;
  /** What was asked before. */
  #asked: Count = UNKNOWN_ANSWERS;
  /** The latest answers. */
  #latest: Count = UNKNOWN_ANSWERS;

  constructor(bytes: number, window: Window) {
    this.#window = window;
    this.#stays = bytes;
    this.#elsewhere = new CountedElsewhere(bytes, LEAST);
    this.#likelyTokens = UNKNOWN * bytes;
    this.leastTokens = LEAST * bytes;
  }

  /** The step, as the next one is asked behind it. */
  add(step: Step): void {
    const { words, frame, kinds } = bytesOf(step);
    const askedBytes = this.#bytes;
    this.#stays += words + frame;
    this.#answers = addBytes(this.#answers, kinds);
    this.#elsewhere.add(step);
    this.#steps.push(step);
    this.levels.push(0);
    if (isOwn(step) && step.usage.inputTokens > 0) this.#goOnFrom(step, askedBytes);
    else this.#countAnew(isOwn(step) ? null : this.#elsewhere.density);
  }

  get #bytes(): number {
    return this.#stays + allBytes(this.#answers);
  }

  /** From what the agent's own provider counted of the request for this step. */
  #goOnFrom(step: Step, askedBytes: number): void {
    const size = bytesOf(step);
    const { inputTokens, outputTokens, reasoningTokens } = step.usage;
    const density = within(inputTokens / askedBytes);
    const margined = within(MARGIN * density);
    this.#asked = evenly(density);
    this.#latest = byKind(margined, density);
    this.#likelyTokens = inputTokens + outputTokens + margined * size.frame + this.#latest.likely(size);
    this.leastTokens = inputTokens + outputTokens - reasoningTokens + density * size.answers;
  }

  /** By its bytes alone. @param density in tokens of other agents; null: it is not known */
  #countAnew(density: number | null): void {
    const likely = density === null ? UNKNOWN : within(MARGIN * density);
    this.#asked = byKind(likely, LEAST);
    this.#latest = this.#asked;
    this.#likelyTokens = likely * this.#stays + likelyTokens(this.#answers, likely);
    this.leastTokens = LEAST * this.#bytes;
  }

  /** What is asked behind the latest step was refused as too long so often. */
  refuse(times: number): void {
    const at = this.#steps.length - 1;
    const step = this.#steps[at];
    if (step === undefined || times === 0) return;
    const size = bytesOf(atLevel(step, this.levels[at] ?? 0));
    const densest = evenly(MOST, this.#latest.least);
    const denser = this.#likelyTokens - this.#latest.likely(size) + densest.likely(size);
    this.#latest = densest;
    // Whatever it is that was counted too low, the window is passed.
    this.#likelyTokens = Math.max(denser, this.#window.roomTokens + 1);
    this.shorten();
    if (times > 1) for (let older = 0; older <= at; older += 1) this.#raise(older, 2);
  }

  /** So that what is asked behind the latest step fits. */
  shorten(): void {
    const { roomTokens, refillTokens } = this.#window;
    if (this.#likelyTokens <= roomTokens) return;
    const latest = this.#steps.length - 1;
    for (let at = 0; at <= latest - LATEST_STEPS && this.#likelyTokens > refillTokens; at += 1)
      this.#raise(at, 2);
    for (let at = 0; at < latest && this.#likelyTokens > roomTokens; at += 1) this.#raise(at, 2);
    for (const level of [1, 2] as const) if (this.#likelyTokens > roomTokens) this.#raise(latest, level);
  }

  #raise(at: number, level: Level): void {
    const step = this.#steps[at];
    const from = this.levels[at] ?? 0;
    if (step === undefined || from >= level) return;
    const [before, after] = [bytesOf(atLevel(step, from)), bytesOf(atLevel(step, level))];
    const { likely, least } = at === this.#steps.length - 1 ? this.#latest : this.#asked;
    this.levels[at] = level;
    this.#answers = addBytes(lessBytes(this.#answers, before.kinds), after.kinds);
    this.#likelyTokens -= likely(before) - likely(after);
    this.leastTokens -= least * (before.answers - after.answers);
  }
}
