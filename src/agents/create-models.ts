/** Models of all providers behind the house's port. The composition root passes what reaches outside. */
import type { Agent } from "../market/agent.ts";
import type { CallFailure } from "../market/call.ts";
import { fail, type Result } from "../market/result.ts";
import type { AgentCall } from "./agent-call.ts";
import { askBid } from "./ask-bid.ts";
import { askRuling } from "./ask-ruling.ts";
import { askStep } from "./ask-step.ts";
import { askVerdicts } from "./ask-verdicts.ts";
import { bidBound, juryBound, rulingBound, stepBound, wrapUpBound } from "./bounds.ts";
import { Circuits, type CircuitChange } from "./calls/circuits.ts";
import { MeteredCall, type CallClock } from "./calls/metered-call.ts";
import type { PlainEndpoints } from "./calls/send-degrading.ts";
import { sleep } from "./calls/sleep.ts";
import type { Answer, CallLimits, ModelPort } from "./model-port.ts";
import { ANSWERS } from "./output-limits.ts";
import { createConnector, type ConnectionSources } from "./providers/connect.ts";

export interface ModelDeps extends ConnectionSources {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Hears when a model is left alone, and when no longer. Default: nobody does. */
  readonly circuitChanged?: (change: CircuitChange) => void;
  /** Waits before a retry; must end early when the signal aborts, and never reject. Default: a timer. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Jitter of retries, uniform in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
}

export function createModels(deps: ModelDeps): ModelPort {
  // The SDK prints every feature that a model lacks, on every call; we ask for such features on purpose.
  (globalThis as { AI_SDK_LOG_WARNINGS?: unknown }).AI_SDK_LOG_WARNINGS ??= false;
  const clock: CallClock = {
    now: deps.now,
    sleep: deps.sleep ?? sleep,
    random: deps.random ?? (() => Math.random()),
  };
  const plain: PlainEndpoints = new Map();
  const connect = createConnector(deps);
  const circuits = new Circuits(deps.now, deps.circuitChanged ?? (() => {}));

  async function run<T>(
    start: { readonly agent: Agent; readonly limits: CallLimits; readonly answers: number },
    ask: (call: AgentCall) => Promise<Result<T, CallFailure>>,
  ): Promise<Answer<T>> {
    const { agent } = start;
    const connection = connect(agent);
    const secrets = connection.ok ? connection.value.secrets : [];
    const call = new MeteredCall({ ...start, clock, secrets });
    if (!connection.ok) return call.end(fail(connection.failure));
    const { provider, name } = connection.value;
    const refusal = circuits.refusal(name, agent);
    if (refusal !== null) return call.end(fail(refusal));
    const answer = call.end(await ask({ agent, provider, name, call, plain }));
    circuits.tell(name, agent, { answer, wasCutInAnswer: call.wasCutInAnswer });
    return answer;
  }

  return {
    bid: async (agent, input, limits) =>
      run({ agent, limits, answers: ANSWERS.bid }, async (call) => askBid(call, input)),
    judge: async (agent, input, limits) =>
      run({ agent, limits, answers: ANSWERS.jury }, async (call) => askVerdicts(call, input)),
    rule: async (agent, input, limits) =>
      run({ agent, limits, answers: ANSWERS.judge }, async (call) => askRuling(call, input)),
    step: async (agent, request, limits) =>
      run({ agent, limits, answers: ANSWERS.trace }, async (call) => askStep(call, request, limits)),
    bidBound,
    juryBound,
    rulingBound,
    stepBound,
    wrapUpBound,
  };
}
