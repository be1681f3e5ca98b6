/**
 * A task's log lines, written from what its room has committed: each call, tool, step, verdict and end once, though its
 * holders die. All lines of a task are one trace: its attempts, their steps, and the calls of these.
 *
 * Ids, codes and numbers only. Tools are named as the task was admitted with them: what a model makes up is `_OTHER`.
 */
import { logCall, logInfo, type LogFields } from "../log.ts";
import type { Opening } from "../market/auction-record.ts";
import type { EndedCall } from "../market/call.ts";
import type { TaskEvent, TaskEventType } from "../market/event.ts";
import type { AgentId } from "../market/ids.ts";
import { FILE_TOOL_NAMES } from "../market/task-files.ts";
import { spanIdOf, traceIdOf } from "../market/trace-context.ts";
import { PROVIDER_NAMES } from "./provider-names.ts";
import type { CallView } from "./task-room-api.ts";

/** The agent's own tool, beside those that the task names. */
const SUBMIT = "submit";

export function logCallOf(opening: Opening, call: CallView, { finishReason, error }: EndedCall): void {
  const { callId, kind, agentId, attempt, status, usage, costMicros, boundMicros, ms, payer } = call;
  const { taskId } = opening;
  const parent =
    attempt === 0 ? spanIdOf({ of: "task", taskId }) : spanIdOf({ of: "attempt", taskId, attempt });
  logCall("model-call", {
    ...ofTask(opening, spanIdOf({ of: "call", callId }), parent),
    "gen_ai.operation.name": kind === "embed" ? "embeddings" : "chat",
    ...ofAgent(opening, agentId),
    ...(usage !== null && {
      "gen_ai.usage.input_tokens": usage.inputTokens,
      "gen_ai.usage.cache_read.input_tokens": usage.cachedInputTokens,
      "gen_ai.usage.cache_creation.input_tokens": usage.cacheWriteTokens,
      "gen_ai.usage.output_tokens": usage.outputTokens,
    }),
    ...(finishReason !== undefined && { "gen_ai.response.finish_reasons": [finishReason] }),
    ...(error !== undefined && { "error.type": error }),
    "saleroom.attempt": attempt,
    "saleroom.call.id": callId,
    "saleroom.call.kind": kind,
    "saleroom.call.status": status,
    "saleroom.call.payer": payer,
    "saleroom.call.duration_ms": ms,
    "saleroom.cost_micros": costMicros,
    "saleroom.bound_micros": boundMicros,
  });
}

type EventOf<T extends TaskEventType> = Extract<TaskEvent, { type: T }>;
type Lines = { readonly [T in TaskEventType]?: (opening: Opening, event: EventOf<T>) => void };

/** The lines of an event; most have none. */
export function logEventOf(opening: Opening, event: TaskEvent): void {
  // SAFETY: the entry of an event's own type.
  const write = LINES[event.type] as ((opening: Opening, event: TaskEvent) => void) | undefined;
  write?.(opening, event);
}

const LINES: Lines = {
  "task-awarded": (opening, { type, attempt, agentId }) =>
    logCall(type, {
      ...ofAttempt(opening, attempt),
      "gen_ai.operation.name": "invoke_agent",
      ...ofAgent(opening, agentId),
    }),
  "call-failed": (opening, { type, attempt, step, reason, failed }) =>
    logCall(type, {
      ...ofStep(opening, { attempt, step }),
      "error.type": reason,
      "saleroom.call.failures": failed,
    }),
  "trace-lapsed": (opening, { type, attempt, lapses }) =>
    logCall(type, { ...ofAttempt(opening, attempt), "saleroom.lapses": lapses }),
  "step-committed": logStep,
  "verification-ended": (opening, { type, attempt, outcome, verifier }) =>
    logInfo(type, {
      ...ofAttempt(opening, attempt),
      "gen_ai.evaluation.name": verifier,
      "gen_ai.evaluation.score.label": outcome,
    }),
  "task-finished": logEnd,
  "task-failed": logEnd,
  "task-cancelled": logEnd,
  "task-not-sold": logEnd,
};

const STATES = {
  "task-finished": "finished",
  "task-failed": "failed",
  "task-cancelled": "cancelled",
  "task-not-sold": "no_sale",
} as const;

function logEnd(opening: Opening, event: EventOf<keyof typeof STATES>): void {
  logInfo("task-ended", {
    ...ofTask(opening, spanIdOf({ of: "task", taskId: opening.taskId }), null),
    "saleroom.task.state": STATES[event.type],
    ...("outcome" in event && { "saleroom.task.outcome": event.outcome }),
    ...("reason" in event && { "error.type": event.reason }),
    "saleroom.task.duration_ms": event.atMs - opening.admittedAtMs,
    "saleroom.cost_micros": event.costMicros,
  });
}

function logStep(
  opening: Opening,
  { attempt, step, tools, usage, costMicros }: EventOf<"step-committed">,
): void {
  const { taskId } = opening;
  logCall("step-committed", {
    ...ofStep(opening, { attempt, step }),
    "gen_ai.usage.input_tokens": usage.inputTokens,
    "gen_ai.usage.output_tokens": usage.outputTokens,
    "saleroom.step.tool_calls": tools.length,
    "saleroom.cost_micros": costMicros,
  });
  const known = toolNames(opening);
  const span = spanIdOf({ of: "step", taskId, attempt, step });
  for (const [index, { name, ok }] of tools.entries()) {
    logCall("tool-call", {
      ...ofTask(opening, spanIdOf({ of: "tool", taskId, attempt, step, index }), span),
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": known.includes(name) ? name : "_OTHER",
      ...(!ok && { "error.type": "tool_error" }),
      "saleroom.attempt": attempt,
      "saleroom.step": step,
    });
  }
}

/** The task's names, and as models call them what some of these stand for. */
function toolNames({ spec, tools: own = [] }: Opening): readonly string[] {
  const files = spec.tools.includes("files") ? FILE_TOOL_NAMES : [];
  return [...spec.tools, ...files, ...own.map(({ name }) => name), SUBMIT];
}

function ofStep(
  opening: Opening,
  { attempt, step }: { readonly attempt: number; readonly step: number },
): LogFields {
  const { taskId } = opening;
  const parent = spanIdOf({ of: "attempt", taskId, attempt });
  return {
    ...ofTask(opening, spanIdOf({ of: "step", taskId, attempt, step }), parent),
    "saleroom.attempt": attempt,
    "saleroom.step": step,
  };
}

function ofAttempt(opening: Opening, attempt: number): LogFields {
  const { taskId } = opening;
  const span = spanIdOf({ of: "attempt", taskId, attempt });
  return { ...ofTask(opening, span, spanIdOf({ of: "task", taskId })), "saleroom.attempt": attempt };
}

function ofTask({ tenantId, taskId }: Opening, spanId: string, parentSpanId: string | null): LogFields {
  return {
    trace_id: traceIdOf(taskId),
    span_id: spanId,
    ...(parentSpanId !== null && { parent_span_id: parentSpanId }),
    "saleroom.tenant.id": tenantId,
    "saleroom.task.id": taskId,
  };
}

function ofAgent({ pool }: Opening, agentId: AgentId | null): LogFields {
  const agent = pool.find(({ id }) => id === agentId);
  if (agent === undefined) return {};
  return {
    "gen_ai.provider.name": PROVIDER_NAMES[agent.provider],
    "gen_ai.request.model": agent.model,
    "gen_ai.agent.id": agent.id,
  };
}
