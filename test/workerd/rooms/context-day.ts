/** Models that count what they are sent, as a provider does, and refuse what passes their window. */
import { stepBound, wrapUpBound } from "../../../src/agents/bounds.ts";
import type { ModelPort, StepRequest } from "../../../src/agents/model-port.ts";
import { stepOutputTokens } from "../../../src/agents/output-limits.ts";
import { traceMessages } from "../../../src/agents/trace-messages.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import { ScriptedModels, WorkerDied, type ScriptedStep } from "../../support/scripted-models.ts";

const RARE = /\u1230/g;
export const REFUSED = "context_refused";

interface Counting {
  /** The Worker dies at the call of this number, from 1, before it is made; default: at none. */
  readonly diesAtCall?: number;
  /** What is refused whatever the window is; default: nothing. */
  readonly refuses?: (request: StepRequest) => boolean;
}

export function counting(steps: readonly ScriptedStep[], { diesAtCall = Infinity, refuses }: Counting = {}) {
  const models = new ScriptedModels({ steps });
  const sent: StepRequest[] = [];
  const port: ModelPort = {
    bid: async (agent, input) => models.bid(agent, input),
    judge: async (agent, input) => models.judge(agent, input),
    rule: async (agent) => models.rule(agent),
    rulingBound: models.rulingBound,
    bidBound: models.bidBound,
    juryBound: models.juryBound,
    stepBound,
    wrapUpBound,
    step: async (agent, request) => {
      if (sent.length + 1 === diesAtCall) throw new WorkerDied();
      sent.push(request);
      const inputTokens = tokensOf(request);
      const isOver = inputTokens + stepOutputTokens(agent, request) > agent.contextTokens;
      if (isOver || refuses?.(request) === true) {
        const failure = { reason: REFUSED, message: "the context is too long" } as const;
        return { ok: false, failure, bill: { status: "refused" }, ms: 1, requests: 1 };
      }
      const answer = await models.step(agent, request);
      if (!answer.ok) return answer;
      const usage = { ...NO_USAGE, inputTokens, outputTokens: 20 };
      return { ...answer, bill: { status: "billed", usage, costMicros: asMicros(1) } };
    },
  };
  return { port, sent };
}

/** Of prose 0.27 to a byte, of hexadecimal digits 0.57, of a script that the model has hardly learned 0.9. */
export function tokensOf({ prompt, tools, history }: StepRequest): number {
  const text = JSON.stringify([prompt, tools, traceMessages("", history)]);
  const hex = (text.match(/[0-9a-f]{32,}/g) ?? []).join("").length;
  const rare = (text.match(RARE) ?? []).length;
  return Math.ceil(0.27 * (text.length - hex - rare) + 0.57 * hex + 0.9 * 3 * rare);
}
