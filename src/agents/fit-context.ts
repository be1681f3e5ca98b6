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
import type { StepRequest } from "./model-port.ts";
import { stepOutputTokens } from "./output-limits.ts";
import { tracePrompt } from "./prompts/trace-prompt.ts";
import { atLevel, bytesOf, leftOut, type Level, type StepBytes } from "./step-sizes.ts";
import { likelyTokens } from "./text-tokens.ts";

/** Ours: answers of so many latest steps stay whole as long as anything else can be shortened. */
const LATEST_STEPS = 3;
/** Ours: of the window, so much is used at most once it was too small. */
const REFILL_SHARE = 0.5;

/**
 * Ours, in tokens for each byte. What a provider counted for the step before is known; what came since is counted a quarter
 * denser than that, and where nothing is known, `UNKNOWN`: two bytes to a token. What is denser by what stands in it is
 * counted so (`text-tokens.ts`). No text has less than `LEAST`; of a byte-level vocabulary, none has more than `MOST`.
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
  for (const step of history) {
    conversation.add(step);
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

class Conversation {
  /** How far each step's answers are shortened; it never becomes less. */
  readonly levels: Level[] = [];
  readonly #steps: Step[] = [];
  readonly #window: Window;
  #bytes: number;
  #likelyTokens: number;
  /** The same where no provider has counted anything. */
  #unknownTokens: number;
  leastTokens: number;
  /** What was asked before. */
  #asked: Count = UNKNOWN_ANSWERS;
  /** The latest answers. */
  #latest: Count = UNKNOWN_ANSWERS;

  constructor(bytes: number, window: Window) {
    this.#window = window;
    this.#bytes = bytes;
    this.#unknownTokens = UNKNOWN * bytes;
    this.#likelyTokens = this.#unknownTokens;
    this.leastTokens = LEAST * bytes;
  }

  /** The step, as the next one is asked behind it. */
  add(step: Step): void {
    const size = bytesOf(step);
    const { words, frame, answers } = size;
    const { inputTokens, outputTokens, reasoningTokens } = step.usage;
    const askedBytes = this.#bytes;
    this.#bytes += words + frame + answers;
    this.#unknownTokens += UNKNOWN * (words + frame) + UNKNOWN_ANSWERS.likely(size);
    this.#steps.push(step);
    this.levels.push(0);
    if (inputTokens === 0) {
      this.#asked = UNKNOWN_ANSWERS;
      this.#latest = UNKNOWN_ANSWERS;
      this.#likelyTokens = this.#unknownTokens;
      this.leastTokens = LEAST * this.#bytes;
      this.#shorten();
      return;
    }
    const density = Math.min(MOST, Math.max(LEAST, inputTokens / askedBytes));
    // Another agent counted with tokens of its own.
    const trust = step.writtenBy === undefined ? 1 : MARGIN;
    this.#asked = evenly(density);
    const margined = Math.min(MOST, MARGIN * density);
    this.#latest = byKind(margined, trust === 1 ? density : LEAST);
    this.#likelyTokens = trust * (inputTokens + outputTokens) + margined * frame + this.#latest.likely(size);
    this.leastTokens =
      (inputTokens + outputTokens - reasoningTokens) / trust ** 2 + this.#latest.least * answers;
    this.#shorten();
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
    this.#shorten();
    if (times > 1) for (let older = 0; older <= at; older += 1) this.#raise(older, 2);
  }

  #shorten(): void {
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
    const saved = before.answers - after.answers;
    this.levels[at] = level;
    this.#bytes -= saved;
    this.#likelyTokens -= likely(before) - likely(after);
    this.#unknownTokens -= UNKNOWN_ANSWERS.likely(before) - UNKNOWN_ANSWERS.likely(after);
    this.leastTokens -= least * saved;
  }
}
