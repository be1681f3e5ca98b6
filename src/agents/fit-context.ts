/**
 * Fits a trace's conversation into its agent's window: over it, tools' answers are shortened by this rule, and never cut
 * without a word (`shorten-answers.ts`). Pure: whoever holds the trace sends the same, by what is committed and the agent.
 *
 * The rule is gone through from the first step on, as each was asked for, and what is shortened stays so: between two times
 * that something is shortened the conversation only grows, and the provider's prompt cache stays warm. When it would not
 * fit, the oldest answers are shortened until half of the window is free again, but for those of the latest steps; those
 * only where it does not fit even so, the latest of all last. What the model wrote itself always stays.
 */
import type { Agent } from "../market/agent.ts";
import type { Step } from "../market/step.ts";
import { MOST_BYTES_PER_TOKEN } from "../market/takeover.ts";
import { utf8Bytes } from "../market/utf8.ts";
import type { StepRequest } from "./model-port.ts";
import { stepOutputTokens } from "./output-limits.ts";
import { tracePrompt } from "./prompts/trace-prompt.ts";
import { atLevel, bytesOf, leftOut, type Level } from "./step-sizes.ts";

/** Ours: answers of so many latest steps stay whole as long as anything else can be shortened. */
const LATEST_STEPS = 3;
/** Ours: of the window, so much is used at most once it was too small. */
const REFILL_SHARE = 0.5;

/**
 * Ours, in tokens for each byte. What a provider counted for the step before is known; what came since is counted a quarter
 * denser than that, and where nothing is known, `UNKNOWN`: two bytes to a token. No text has less than `LEAST`.
 */
const UNKNOWN = 0.5;
const LEAST = 1 / MOST_BYTES_PER_TOKEN;
const MARGIN = 1.25;

export interface FittedContext {
  readonly request: StepRequest;
  /** What was left out of tools' answers: of how many, and how many UTF-16 units. */
  readonly leftOut: { readonly outputs: number; readonly characters: number };
  /** What the request comes to at the least, in tokens: an agent whose window has less would refuse it. */
  readonly leastTokens: number;
}

export function fitContext(agent: Agent, request: StepRequest): FittedContext {
  const { maxOutputTokens, history } = request;
  // The same for a wrap-up, so that it goes on from the same conversation.
  const roomTokens = agent.contextTokens - stepOutputTokens(agent, { maxOutputTokens });
  const conversation = new Conversation(frameBytes(request), {
    roomTokens,
    refillTokens: Math.min(roomTokens, REFILL_SHARE * agent.contextTokens),
  });
  for (const step of history) conversation.add(step);
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

/** Tokens for each byte: as they are counted, and at the least. */
interface Density {
  readonly likely: number;
  readonly least: number;
}

class Conversation {
  /** How far each step's answers are shortened; it never becomes less. */
  readonly levels: Level[] = [];
  readonly #steps: Step[] = [];
  readonly #window: Window;
  #bytes: number;
  #likelyTokens: number;
  leastTokens: number;

  constructor(bytes: number, window: Window) {
    this.#window = window;
    this.#bytes = bytes;
    this.#likelyTokens = UNKNOWN * bytes;
    this.leastTokens = LEAST * bytes;
  }

  /** The step, as the next one is asked behind it. */
  add(step: Step): void {
    const { words, frame, answers } = bytesOf(step);
    const { inputTokens, outputTokens, reasoningTokens } = step.usage;
    const askedBytes = this.#bytes;
    this.#bytes += words + frame + answers;
    this.#steps.push(step);
    this.levels.push(0);
    if (inputTokens === 0) {
      this.#likelyTokens = UNKNOWN * this.#bytes;
      this.leastTokens = LEAST * this.#bytes;
      this.#shorten({ likely: UNKNOWN, least: LEAST }, { likely: UNKNOWN, least: LEAST });
      return;
    }
    const density = Math.min(1, Math.max(LEAST, inputTokens / askedBytes));
    // Another agent counted with tokens of its own.
    const trust = step.writtenBy === undefined ? 1 : MARGIN;
    const latest = { likely: Math.min(1, MARGIN * density), least: trust === 1 ? density : LEAST };
    this.#likelyTokens = trust * (inputTokens + outputTokens) + latest.likely * (frame + answers);
    this.leastTokens = (inputTokens + outputTokens - reasoningTokens) / trust ** 2 + latest.least * answers;
    this.#shorten({ likely: density, least: density }, latest);
  }

  /** @param asked how dense what was asked before is, and how the latest answers are */
  #shorten(asked: Density, answers: Density): void {
    const { roomTokens, refillTokens } = this.#window;
    if (this.#likelyTokens <= roomTokens) return;
    const latest = this.#steps.length - 1;
    for (let at = 0; at <= latest - LATEST_STEPS && this.#likelyTokens > refillTokens; at += 1)
      this.#raise(at, 2, asked);
    for (let at = 0; at < latest && this.#likelyTokens > roomTokens; at += 1) this.#raise(at, 2, asked);
    for (const level of [1, 2] as const)
      if (this.#likelyTokens > roomTokens) this.#raise(latest, level, answers);
  }

  #raise(at: number, level: Level, { likely, least }: Density): void {
    const step = this.#steps[at];
    const before = this.levels[at] ?? 0;
    if (step === undefined || before >= level) return;
    const saved = bytesOf(atLevel(step, before)).answers - bytesOf(atLevel(step, level)).answers;
    this.levels[at] = level;
    this.#bytes -= saved;
    this.#likelyTokens -= likely * saved;
    this.leastTokens -= least * saved;
  }
}
