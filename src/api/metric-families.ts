/**
 * The deployment's metrics from the history's sums, by OpenTelemetry's names where it has any: as in the log lines, with
 * `_` for `.`. Labels have ids and codes of the house's own, and no tenant's.
 */
import { DURATION_BOUNDS_MS, STEP_BOUNDS } from "../history/class-bounds.ts";
import type { Sums } from "../history/read-sums.ts";
import type { Pool } from "../market/agent.ts";
import { asMicros, microsToUsd } from "../market/money.ts";
import { PROVIDER_NAMES } from "../taskroom/provider-names.ts";
import { added, distributed } from "./group-sums.ts";
import type { Family, Labels, Value } from "./open-metrics.ts";

type AgentSum = Sums["agents"][number];

/** All kinds: one of which nothing is stuck is 0, so that an alarm has something to watch. */
const STUCK_KINDS = ["dead_letter", "abandoned", "unreadable"] as const;

const SECOND_MS = 1_000;

/** @param pool the deployment's: it knows the agents' models */
export function metricFamilies(sums: Sums, pool: Pool): Family[] {
  return [...taskFamilies(sums), ...agentFamilies(sums, pool), stuckFamily(sums)];
}

function taskFamilies({ ends, openTasks }: Sums): Family[] {
  return [
    {
      type: "gauge",
      name: "saleroom_open_tasks",
      help: "Tasks without an end, over all tenants.",
      values: [{ labels: {}, value: openTasks }],
    },
    {
      type: "counter",
      name: "saleroom_tasks_ended",
      help: "Ends of tasks, by state, verdict, and the reason of a failure. A redriven task ends again.",
      values: added(
        ends,
        ({ state, outcome, reason }) => ({
          saleroom_task_state: state,
          saleroom_task_outcome: outcome,
          error_type: reason,
        }),
        ({ times }) => times,
      ),
    },
    {
      type: "histogram",
      name: "saleroom_task_duration_seconds",
      unit: "seconds",
      help: "From a task's admission to its end, by the state that it ended in.",
      distributions: distributed(ends, {
        bounds: DURATION_BOUNDS_MS,
        scale: SECOND_MS,
        labels: ({ state }) => ({ saleroom_task_state: state }),
        figures: ({ msUpTo, times, ms }) => ({ upTo: msUpTo, count: times, sum: ms }),
      }),
    },
  ];
}

function agentFamilies({ agents }: Sums, pool: Pool): Family[] {
  const named = labelsOf(pool);
  const traces = agents.filter(({ kind }) => kind === "trace");
  const byWork = (figure: (sum: AgentSum) => number, more: Labels = {}): Value[] =>
    added(agents, (sum) => ({ ...named(sum), saleroom_call_kind: sum.kind, ...more }), figure);
  return [
    {
      type: "histogram",
      name: "saleroom_trace_steps",
      help: "Steps of one agent's trace of a task.",
      distributions: distributed(traces, {
        bounds: STEP_BOUNDS,
        scale: 1,
        labels: named,
        figures: ({ stepsUpTo, times, steps }) => ({ upTo: stepsUpTo, count: times, sum: steps }),
      }),
    },
    {
      type: "counter",
      name: "saleroom_agent_work",
      help: "Bids, refined bids, verdicts (jury) and traces, by agent; a trace has many model calls.",
      values: byWork(({ times }) => times),
    },
    {
      type: "counter",
      name: "gen_ai_client_token_usage",
      help: "Tokens as providers report them, by agent, kind of work, and input or output.",
      values: [
        ...byWork(({ inputTokens }) => inputTokens, { gen_ai_token_type: "input" }),
        ...byWork(({ outputTokens }) => outputTokens, { gen_ai_token_type: "output" }),
      ],
    },
    {
      type: "counter",
      name: "saleroom_cached_input_tokens",
      help: "Of the input tokens, those that a provider read from its prompt cache.",
      values: byWork(({ cachedInputTokens }) => cachedInputTokens),
    },
    {
      type: "counter",
      name: "saleroom_cost_usd",
      unit: "usd",
      help: "What tenants pay for it, by agent and kind of work; a bill that never came counts at its bound.",
      values: byWork(({ costMicros }) => costMicros).map(({ labels, value }) => ({
        labels,
        value: microsToUsd(asMicros(value)),
      })),
    },
  ];
}

function stuckFamily({ stuck }: Sums): Family {
  return {
    type: "gauge",
    name: "saleroom_stuck",
    help: "Work that was given up, and messages that nobody could read, until redriven or dismissed.",
    values: STUCK_KINDS.map((kind) => ({
      labels: { saleroom_stuck_kind: kind },
      value: stuck.find((one) => one.kind === kind)?.open ?? 0,
    })),
  };
}

/** An agent that the pool does not have any more has its id alone. */
function labelsOf(pool: Pool): (sum: AgentSum) => Labels {
  const agents = new Map<string, Pool[number]>(pool.map((agent) => [agent.id, agent]));
  return ({ agentId }) => {
    const agent = agents.get(agentId);
    return {
      gen_ai_agent_id: agentId,
      gen_ai_request_model: agent?.model ?? "",
      gen_ai_provider_name: agent === undefined ? "" : PROVIDER_NAMES[agent.provider],
    };
  };
}
