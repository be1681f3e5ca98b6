/**
 * Models whose every answer a test has scripted. A call that nobody scripted fails loudly.
 *
 * Bills are small fixed usages, so that money can be checked by hand.
 */
import type {
  Answer,
  BidAnswer,
  JuryAnswer,
  ModelPort,
  RulingAnswer,
  StepAnswer,
} from "../../src/agents/model-port.ts";
import type { StrategyPromptInput } from "../../src/agents/prompts/strategy-prompt.ts";
import type { CallFailure, CallFailureReason } from "../../src/market/call.ts";
import type { Agent } from "../../src/market/agent.ts";
import { asMicros, callCost, ZERO_MICROS, type TokenUsage } from "../../src/market/money.ts";
import type { VerdictOutcome } from "../../src/market/verifier-spec.ts";
import type { FinishReason, JsonValue } from "../../src/market/step.ts";

export const USAGE: TokenUsage = {
  inputTokens: 1_000,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 200,
  reasoningTokens: 0,
};

/** Bound of every scripted call, in micro-USD. */
export const BOUND = asMicros(5_000);

export class WorkerDied extends Error {}

interface Script {
  /** Strategy by agent id, or the `CallFailureReason` for which the agent does not bid. */
  readonly bids?: Readonly<Record<string, string>>;
  /** Refined strategy by agent id, or why there is none: the answer where the agent is shown pairs. */
  readonly refinedBids?: Readonly<Record<string, string>>;
  /** Scores by juror id as a function of the strategies shown, or why the juror leaves. */
  readonly verdicts?: Readonly<Record<string, ((strategy: string) => number) | CallFailureReason>>;
  /** What each judge of a panel says, or why it says nothing. */
  readonly rulings?: Readonly<Record<string, VerdictOutcome | CallFailureReason>>;
  /** Answers of a trace, one per step: a result, tool calls, or a failure; of several, one per call, the last for good. */
  readonly steps?: readonly (ScriptedStep | readonly ScriptedStep[])[];
  /** The Worker dies at this call (from 1), before it is answered, and with it every later one. */
  readonly diesAtCall?: number;
}

export type ScriptedStep =
  | { readonly text: string; readonly finish?: FinishReason }
  /** Several calls side by side. */
  | { readonly calls: readonly { readonly tool: string; readonly input: JsonValue }[] }
  | { readonly tool: string; readonly input: JsonValue }
  | { readonly fails: CallFailureReason; readonly retryAfterMs?: number };

const FAILURES = new Set<string>([
  "timeout",
  "cancelled",
  "rate_limited",
  "context_refused",
  "provider_error",
  "unreachable",
  "misconfigured",
  "empty",
  "too_long",
  "malformed",
  "circuit_open",
]);

function isFailure(value: unknown): value is CallFailureReason {
  return typeof value === "string" && FAILURES.has(value);
}

export class ScriptedModels implements ModelPort {
  /** Every call in the order made: `bid agt_a`, `refine agt_a`, `jury agt_b`, `step agt_a 2`. */
  readonly asked: string[] = [];
  readonly #script: Script;
  readonly #calls = new Map<number, number>();

  constructor(script: Script) {
    this.#script = script;
  }

  async bid(
    agent: Agent,
    { refinement }: Pick<StrategyPromptInput, "refinement"> = { refinement: null },
  ): Promise<Answer<BidAnswer>> {
    const kind = refinement === null ? "bid" : "refine";
    this.#ask(`${kind} ${agent.id}`);
    const scripts = refinement === null ? this.#script.bids : this.#script.refinedBids;
    const script = scripts?.[agent.id];
    if (script === undefined) throw new Error(`no ${kind} scripted for ${agent.id}`);
    if (isFailure(script)) return failed(agent, script);
    return answered(agent, {
      strategy: script,
      visibleTokens: USAGE.outputTokens,
      topLogprobs: [[Math.log(0.5), Math.log(0.5)]],
    });
  }

  async judge(
    agent: Agent,
    input: { readonly bids: readonly { readonly label: string; readonly strategy: string }[] },
  ): Promise<Answer<JuryAnswer>> {
    this.#ask(`jury ${agent.id}`);
    const script = this.#script.verdicts?.[agent.id];
    if (script === undefined) throw new Error(`no verdict scripted for ${agent.id}`);
    if (isFailure(script)) return failed(agent, script);
    return answered(agent, {
      scores: Object.fromEntries(input.bids.map(({ label, strategy }) => [label, script(strategy)])),
    });
  }

  async step(agent: Agent, request: { readonly history: readonly unknown[] }): Promise<Answer<StepAnswer>> {
    const step = request.history.length + 1;
    this.#ask(`step ${agent.id} ${step}`);
    const scripts = [this.#script.steps?.[step - 1] ?? []].flat();
    const before = this.#calls.get(step) ?? 0;
    this.#calls.set(step, before + 1);
    const script = scripts[Math.min(before, scripts.length - 1)];
    if (script === undefined) throw new Error(`no step ${step} scripted`);
    if ("fails" in script) return failed(agent, script.fails, script.retryAfterMs);
    const toolCalls = callsOf(script).map(({ tool, input }, at) => ({
      id: at === 0 ? `call-${step}` : `call-${step}-${at}`,
      name: tool,
      input,
    }));
    const text = "text" in script ? script.text : "";
    return answered(agent, {
      text,
      toolCalls,
      finishReason: finishOf(script) ?? (toolCalls.length > 0 ? "tool-calls" : "stop"),
      assistant: { scripted: step },
    });
  }

  async rule(agent: Agent): Promise<Answer<RulingAnswer>> {
    this.#ask(`judge ${agent.id}`);
    const script = this.#script.rulings?.[agent.id];
    if (script === undefined) throw new Error(`no ruling scripted for ${agent.id}`);
    if (isFailure(script)) return failed(agent, script);
    return answered(agent, { verdict: script, reason: `${agent.id} says so` });
  }

  rulingBound = () => BOUND;
  bidBound = () => BOUND;
  juryBound = () => BOUND;
  stepBound = () => BOUND;
  /** Nothing is kept back unless a test is about that: then money is simple to work out. */
  wrapUpBound = () => ZERO_MICROS;

  /** The Worker has died in a call. */
  get died(): boolean {
    return this.asked.length >= (this.#script.diesAtCall ?? Infinity);
  }

  #ask(call: string): void {
    this.asked.push(call);
    if (this.died) {
      throw new WorkerDied(call);
    }
  }
}

function callsOf(script: ScriptedStep): readonly { readonly tool: string; readonly input: JsonValue }[] {
  if ("calls" in script) return script.calls;
  return "tool" in script ? [script] : [];
}

function finishOf(script: ScriptedStep): FinishReason | undefined {
  return "text" in script ? script.finish : undefined;
}

function answered<T>(agent: Agent, value: T): Answer<T> {
  const costMicros = callCost(USAGE, agent.prices);
  return { ok: true, value, bill: { status: "billed", usage: USAGE, costMicros }, ms: 10, requests: 1 };
}

/** Timeouts stay unconfirmed, bad answers are billed, the rest is refused: as real providers do. */
function failed<T>(agent: Agent, reason: CallFailureReason, retryAfterMs?: number): Answer<T> {
  const later = retryAfterMs === undefined ? {} : { retryAfterMs };
  const failure: CallFailure = { reason, message: `scripted ${reason}`, ...later };
  const billed = reason === "empty" || reason === "too_long" || reason === "malformed";
  const bill = billed
    ? ({ status: "billed", usage: USAGE, costMicros: callCost(USAGE, agent.prices) } as const)
    : ({ status: reason === "timeout" || reason === "cancelled" ? "unconfirmed" : "refused" } as const);
  return { ok: false, failure, bill, ms: 10, requests: 1 };
}
