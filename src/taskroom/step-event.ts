/** Events of a trace as listeners hear of them. */
import type { TaskEventBody } from "../market/event.ts";
import type { Lease } from "../market/lease.ts";
import type { AnsweredStep, ToolOutcome } from "../market/step.ts";
import type { TaskDoc } from "./journal.ts";

export function stepCommitted(
  attempt: number,
  { step, text, usage, costMicros, toolCalls }: AnsweredStep,
  outcomes: readonly ToolOutcome[],
): TaskEventBody {
  const tools = toolCalls.map(({ name }, index) => ({ name, ok: outcomes[index]?.ok ?? false }));
  return { type: "step-committed", attempt, step, tools, textChars: text.length, usage, costMicros };
}

export function traceLapsed({ award }: TaskDoc, { generation, lapses }: Lease): TaskEventBody {
  return { type: "trace-lapsed", attempt: award?.attempt ?? 0, generation, lapses };
}
