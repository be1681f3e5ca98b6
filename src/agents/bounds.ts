/**
 * Upper bounds of calls, from the very prompts that they send (architecture, decision 5).
 *
 * Input: a byte-level BPE token stands for at least one byte, so tokens ≤ UTF-8 bytes of the text, plus what chat
 * templates and providers add around it. (A tokenizer that normalises text into a longer form could exceed this; none of the
 * pools' models is known to. The house's `overrun` account would take it.) Output: the largest that is asked for.
 */
import type { Agent } from "../market/agent.ts";
import { callCost, sumMicros, type Micros, type TokenUsage } from "../market/money.ts";
import { MAX_CALLS_PER_STEP, type Step } from "../market/step.ts";
import { READ_BACK_BYTES } from "../market/wrap-up.ts";
import type { StepRequest } from "./model-port.ts";
import { overLengthNote } from "./ask-bid.ts";
import {
  ANSWERS,
  bidOutputTokens,
  juryOutputTokens,
  rulingOutputTokens,
  stepOutputTokens,
} from "./output-limits.ts";
import { continueText, LONGEST_CONTINUE } from "./prompts/continue-prompt.ts";
import { strategyPrompt, type StrategyPromptInput } from "./prompts/strategy-prompt.ts";
import { SCHEMA_FACTOR, TOOL_OVERHEAD_TOKENS, toolTokens } from "../market/tools/tool-tokens.ts";
import { juryPrompt, type JuryPromptInput } from "./prompts/jury-prompt.ts";
import { stepAsSent } from "./neutral-step.ts";
import { PAUSE } from "./plain-conversation.ts";
import { rulingPrompt, type RulingPromptInput } from "./prompts/ruling-prompt.ts";
import { tracePrompt } from "./prompts/trace-prompt.ts";
import { LONGEST_WRAP_UP, wrapUpText } from "./prompts/wrap-up-prompt.ts";
import { RULING_JSON_SCHEMA } from "./read-ruling.ts";
import { verdictsJsonSchema } from "./read-verdicts.ts";
import { NOTE_BYTES } from "./shorten-answers.ts";
import { outcomeText } from "./trace-messages.ts";

/**
 * Once per request: preambles that providers put before ours. The largest known are Anthropic's tool-use prompt (346 to 700
 * tokens by model and tool choice) and gpt-oss's harmony preamble (about 100).
 */
const REQUEST_OVERHEAD_TOKENS = 1_024;
/** Role markers, separators, the leading-space token of SentencePiece. */
const MESSAGE_OVERHEAD_TOKENS = 16;

/** Most that one bid can cost, its over-length retry included. */
export function bidBound(agent: Agent, input: StrategyPromptInput): Micros {
  const outputTokens = bidOutputTokens(agent, input);
  return bound(agent, { inputTokens: bidInputTokens(input), outputTokens, answers: ANSWERS.bid });
}

type FirstBidInput = Omit<StrategyPromptInput, "refinement" | "nonce"> & { readonly nonceLength: number };

// The bidders of an auction are asked the same but for the nonce: by the menu of tools that they share.
const lastFirstBid = new WeakMap<StrategyPromptInput["tools"], FirstBidInput & { readonly tokens: number }>();

function bidInputTokens(input: StrategyPromptInput): number {
  const { task, tools, maxTokens, nonce, refinement } = input;
  const last = refinement === null ? lastFirstBid.get(tools) : undefined;
  if (last?.task === task && last.maxTokens === maxTokens && last.nonceLength === nonce.length)
    return last.tokens;
  const { system, user } = strategyPrompt(input);
  const note = overLengthNote({ tokens: Number.MAX_SAFE_INTEGER, maxTokens });
  const tokens = textTokens(system) + textTokens(`${user}${note}`) + REQUEST_OVERHEAD_TOKENS;
  if (refinement === null)
    lastFirstBid.set(tools, { task, tools, maxTokens, nonceLength: nonce.length, tokens });
  return tokens;
}

/** Most that one juror can cost, one repetition included. */
export function juryBound(agent: Agent, input: JuryPromptInput): Micros {
  const { system, user } = juryPrompt(input);
  const schema = verdictsJsonSchema(input.bids.map((bid) => bid.label));
  const inputTokens =
    textTokens(system) + textTokens(user) + SCHEMA_FACTOR * jsonBytes(schema) + REQUEST_OVERHEAD_TOKENS;
  return bound(agent, { inputTokens, outputTokens: juryOutputTokens(agent, input), answers: ANSWERS.jury });
}

/** Most that one judge of a panel can cost, one repetition included. */
export function rulingBound(agent: Agent, input: RulingPromptInput): Micros {
  const { system, user } = rulingPrompt(input);
  const inputTokens =
    textTokens(system) +
    textTokens(user) +
    SCHEMA_FACTOR * jsonBytes(RULING_JSON_SCHEMA) +
    REQUEST_OVERHEAD_TOKENS;
  return bound(agent, { inputTokens, outputTokens: rulingOutputTokens(agent), answers: ANSWERS.judge });
}

/** Most that one step can cost. */
export function stepBound(agent: Agent, request: StepRequest): Micros {
  return bound(agent, {
    inputTokens: traceTokens(request),
    outputTokens: stepOutputTokens(agent, request),
    answers: ANSWERS.trace,
  });
}

/**
 * Most that a wrap-up behind this step can cost. The step is counted with all the words that it may write, and with the
 * notes that stand for its tools' answers where those do not fit any more (`shorten-answers.ts`).
 */
export function wrapUpBound(agent: Agent, request: StepRequest): Micros {
  const words = READ_BACK_BYTES * stepOutputTokens(agent, request) + textTokens(LONGEST_CONTINUE);
  const answers = MAX_CALLS_PER_STEP * (NOTE_BYTES + TOOL_OVERHEAD_TOKENS);
  return bound(agent, {
    inputTokens: traceTokens(request) + words + answers + wrapUpTokens(LONGEST_WRAP_UP),
    outputTokens: stepOutputTokens(agent, { ...request, wrapUp: "cost_limit" }),
    answers: ANSWERS.trace,
  });
}

function traceTokens({ prompt, tools, history, wrapUp }: StepRequest): number {
  const { system, user } = tracePrompt(prompt);
  let tokens = textTokens(system) + textTokens(user) + REQUEST_OVERHEAD_TOKENS + toolTokens(tools);
  for (const step of history) tokens += stepTokens(step);
  return wrapUp === undefined ? tokens : tokens + wrapUpTokens(wrapUpText(wrapUp));
}

/** With what may have to stand before it (`plain-conversation.ts`). */
function wrapUpTokens(text: string): number {
  return textTokens(PAUSE) + textTokens(text);
}

/** A step read back: as JSON, since some templates escape it, and never less than what the model wrote. */
function stepTokens(committed: Step): number {
  const step = stepAsSent(committed);
  // Of a step that is told in neutral words no more is sent than what is shown here.
  const written = step === committed ? step.usage.outputTokens : 0;
  const assistant = Math.max(jsonBytes(step.assistant), written);
  let tokens = assistant + textTokens(continueText(step)) + MESSAGE_OVERHEAD_TOKENS;
  for (const call of step.toolCalls) {
    tokens += jsonBytes(outcomeText(call.outcome)) + bytes(call.id) + bytes(call.name) + TOOL_OVERHEAD_TOKENS;
  }
  return tokens;
}

function bound(
  agent: Agent,
  most: { readonly inputTokens: number; readonly outputTokens: number; readonly answers: number },
): Micros {
  const usage: TokenUsage = {
    inputTokens: most.inputTokens,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: most.outputTokens,
    reasoningTokens: 0,
  };
  const { inputMicrosPerMtok, cachedInputMicrosPerMtok, cacheWriteMicrosPerMtok } = agent.prices;
  const dearest = Math.max(inputMicrosPerMtok, cachedInputMicrosPerMtok, cacheWriteMicrosPerMtok);
  const cost = callCost(usage, { ...agent.prices, inputMicrosPerMtok: dearest });
  return sumMicros(Array.from({ length: most.answers }, () => cost));
}

function textTokens(text: string): number {
  return bytes(text) + MESSAGE_OVERHEAD_TOKENS;
}

function jsonBytes(value: unknown): number {
  return bytes(JSON.stringify(value));
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
