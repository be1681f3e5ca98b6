/**
 * The conversation of a trace, from its prompt and its committed steps.
 *
 * Append-only: the messages for n steps are a prefix of those for n + 1, so that providers' prompt caches stay warm. Steps
 * of another agent are told in words and calls alone (`neutral-step.ts`).
 */
import type { AssistantModelMessage, ModelMessage, ToolModelMessage } from "ai";
import { z } from "zod";
import { stepAsSent } from "./neutral-step.ts";
import { toJson } from "./to-json.ts";
import { wireToolName } from "./wire-tool-name.ts";
import { continueText } from "./prompts/continue-prompt.ts";
import { wrapUpText } from "./prompts/wrap-up-prompt.ts";
import type { WrapUpLimit } from "../market/wrap-up.ts";
import type { AnsweredToolCall, JsonValue, Step, ToolOutcome } from "../market/step.ts";

const assistantSchema = z.looseObject({
  role: z.literal("assistant"),
  content: z.union([z.string().min(1), z.array(z.looseObject({ type: z.string() })).min(1)]),
});

/** The text of a tool's answer as the model reads it. */
export function outcomeText(outcome: ToolOutcome): string {
  return outcome.ok ? outcome.output : `${outcome.error.code}: ${outcome.error.message}`;
}

function toolMessage(calls: readonly AnsweredToolCall[]): ToolModelMessage {
  return {
    role: "tool",
    content: calls.map(({ id, name, outcome }) => ({
      type: "tool-result",
      toolCallId: id,
      toolName: wireToolName(name),
      output: { type: outcome.ok ? "text" : "error-text", value: outcomeText(outcome) },
    })),
  };
}

function stepMessages(step: Step): ModelMessage[] {
  return ownMessages(stepAsSent(step));
}

function ownMessages(step: Step): ModelMessage[] {
  const parsed = assistantSchema.safeParse(step.assistant);
  // Opaque on purpose: only its role is looked at, so that reasoning signatures go back unchanged.
  const assistant = parsed.success ? [parsed.data as unknown as AssistantModelMessage] : [];
  if (step.toolCalls.length > 0) return [...assistant, toolMessage(step.toolCalls)];
  return assistant.length === 0 ? [] : [...assistant, { role: "user", content: continueText(step) }];
}

/** The messages after the system message. @param wrapUp the limit for which the result is asked for behind all of them */
export function traceMessages(
  user: string,
  history: readonly Step[],
  wrapUp: WrapUpLimit | null = null,
): ModelMessage[] {
  const last: ModelMessage[] = wrapUp === null ? [] : [{ role: "user", content: wrapUpText(wrapUp) }];
  return [{ role: "user", content: user }, ...history.flatMap(stepMessages), ...last];
}

/** The assistant's message as JSON, with tool names that can be sent back; null where the model said nothing. */
export function assistantJson(message: AssistantModelMessage | undefined): JsonValue {
  if (message === undefined) return null;
  const content =
    typeof message.content === "string"
      ? message.content
      : message.content.map((part) =>
          part.type === "tool-call" ? { ...part, toolName: wireToolName(part.toolName) } : part,
        );
  return toJson({ ...message, content });
}
