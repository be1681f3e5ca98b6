/**
 * What a calibration run is expected to cost, and what it can cost at most.
 *
 * Expected is the agent's mean over the tenant's own traces. An agent without any is given the others' mean per USD of
 * output price, times its own price. Both are rough: an auction sends an agent the tasks that it is thought good for.
 */
import { outputPrice, type Agent } from "../agent.ts";
import type { AgentId } from "../ids.ts";
import { asMicros, callCost, NO_USAGE, type Micros } from "../money.ts";
import type { TaskLimits } from "../task.ts";

/** An agent's traces, as the tenant's history has them. */
export interface TraceCosts {
  readonly agentId: AgentId;
  readonly traces: number;
  /** Of all of them together, micro-USD. */
  readonly costMicros: number;
}

/** Where an expectation comes from; `unknown`: no trace with a price is there to go by. */
export type EstimateBasis = "own_mean" | "scaled_by_price" | "unknown";

export interface RunEstimate {
  /** Of one run; null: unknown. */
  readonly expectedMicros: Micros | null;
  readonly basis: EstimateBasis;
  /** Traces behind the figure: the agent's own, or those of all agents. */
  readonly traces: number;
}

export function estimateRun(
  agent: Pick<Agent, "id" | "prices">,
  pool: readonly Pick<Agent, "id" | "prices">[],
  seen: readonly TraceCosts[],
): RunEstimate {
  const own = seen.find(({ agentId }) => agentId === agent.id);
  if (own !== undefined && own.traces > 0) {
    return {
      expectedMicros: roundedUp(own.costMicros / own.traces),
      basis: "own_mean",
      traces: own.traces,
    };
  }
  let traces = 0;
  let costMicros = 0;
  let pricedTraces = 0;
  for (const other of pool) {
    const costs = seen.find(({ agentId }) => agentId === other.id);
    // A free agent's traces tell nothing about those of one with a price.
    if (costs === undefined || outputPrice(other) === 0) continue;
    traces += costs.traces;
    costMicros += costs.costMicros;
    pricedTraces += costs.traces * outputPrice(other);
  }
  if (pricedTraces === 0) return { expectedMicros: null, basis: "unknown", traces: 0 };
  const expectedMicros = roundedUp((outputPrice(agent) * costMicros) / pricedTraces);
  return { expectedMicros, basis: "scaled_by_price", traces };
}

/**
 * Most that one run is billed, by the task's limits: every step with a full context and the longest output.
 * A call whose bill never comes back counts at its own bound, which is not part of this.
 */
export function runBound(
  agent: Pick<Agent, "prices" | "contextTokens" | "maxOutputTokens">,
  limits: Pick<TaskLimits, "maxSteps" | "maxOutputTokens">,
): Micros {
  const { inputMicrosPerMtok, cachedInputMicrosPerMtok, cacheWriteMicrosPerMtok } = agent.prices;
  const dearestInput = Math.max(inputMicrosPerMtok, cachedInputMicrosPerMtok, cacheWriteMicrosPerMtok);
  const step = callCost(
    {
      ...NO_USAGE,
      inputTokens: agent.contextTokens,
      outputTokens: Math.min(agent.maxOutputTokens, limits.maxOutputTokens),
    },
    { ...agent.prices, inputMicrosPerMtok: dearestInput },
  );
  return asMicros(limits.maxSteps * step);
}

function roundedUp(micros: number): Micros {
  return asMicros(Math.ceil(micros));
}
