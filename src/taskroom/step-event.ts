/** A committed step as listeners hear of it. */
import type { TaskEventBody } from "../market/event.ts";
import type { AnsweredStep, ToolOutcome } from "../market/step.ts";

export function stepCommitted(
  attempt: number,
  { step, usage, costMicros, toolCalls }: AnsweredStep,
  outcomes: readonly ToolOutcome[],
): TaskEventBody {
  const tools = toolCalls.map(({ name }, index) => ({ name, ok: outcomes[index]?.ok ?? false }));
  return { type: "step-committed", attempt, step, tools, usage, costMicros };
}
