/** Most output that a call asks for, and how many answers it may owe: shared by the calls and their upper bounds. */
import type { Agent } from "../market/agent.ts";
import { WRAP_UP_OUTPUT_TOKENS } from "../market/wrap-up.ts";
import type { StepRequest } from "./model-port.ts";
import type { JuryPromptInput } from "./prompts/jury-prompt.ts";

/**
 * Room for reasoning beside a bid or a verdict, in tokens. Models that reason before a short answer spend one to three
 * thousand; without room their answer comes out empty. Models that do not reason never use it.
 */
export const REASONING_ROOM_TOKENS = 4_096;

/** A verdict is about five tokens of JSON; pretty-printed, as a list and with a remark, well below this. */
const TOKENS_PER_VERDICT = 48;
const VERDICTS_BASE_TOKENS = 128;

/** A sentence and a word in JSON, and room for more than one sentence. */
const RULING_TOKENS = 512;

/**
 * Answers that one call may be billed for: a bid twice, for its over-length retry; a juror twice, since losing a juror
 * over a cut connection flips winners, and so a judge of a panel; a step once, because its bound is large: its caller may make a new call.
 */
export const ANSWERS = { bid: 2, jury: 2, trace: 1, judge: 2 } as const;

type OutputLimit = Pick<Agent, "maxOutputTokens" | "contextTokens">;

/**
 * Ours: most of a window that an answer may take. A pool may say of an agent that it writes as much as its window holds, as
 * its provider's own page does: asked for all of that, it could be asked nothing.
 */
const ANSWER_SHARE = 0.5;

function mostOutputTokens({ maxOutputTokens, contextTokens }: OutputLimit): number {
  return Math.min(maxOutputTokens, Math.floor(ANSWER_SHARE * contextTokens));
}

export function bidOutputTokens(agent: OutputLimit, input: { readonly maxTokens: number }): number {
  return Math.min(mostOutputTokens(agent), input.maxTokens + REASONING_ROOM_TOKENS);
}

export function juryOutputTokens(agent: OutputLimit, input: Pick<JuryPromptInput, "bids">): number {
  const verdicts = VERDICTS_BASE_TOKENS + TOKENS_PER_VERDICT * input.bids.length;
  return Math.min(mostOutputTokens(agent), verdicts + REASONING_ROOM_TOKENS);
}

export function rulingOutputTokens(agent: OutputLimit): number {
  return Math.min(mostOutputTokens(agent), RULING_TOKENS + REASONING_ROOM_TOKENS);
}

/** Of a step; a wrap-up's is smaller, so that little need be kept back for it. */
export function stepOutputTokens(
  agent: OutputLimit,
  request: Pick<StepRequest, "maxOutputTokens" | "wrapUp">,
): number {
  const most = request.wrapUp === undefined ? Infinity : WRAP_UP_OUTPUT_TOKENS;
  return Math.min(mostOutputTokens(agent), request.maxOutputTokens, most);
}
