/**
 * A step that another model wrote, as any model can read it: its words, its calls and their answers. So is one of which the
 * journal has kept no message.
 *
 * What a provider adds for itself (reasoning and its signatures, options, ids of its own making) is nothing to another one:
 * some refuse what they did not sign, and Mistral takes no id of a call that is not nine letters and digits.
 */
import type { JsonValue, Step } from "../market/step.ts";
import { wireToolName } from "./wire-tool-name.ts";

/** A step as its agent is sent it: as it was said, where the agent said it and the message was kept. */
export function stepAsSent(step: Step): Step {
  return step.writtenBy === undefined && step.assistant !== null ? step : neutralStep(step);
}

/** The same for the same step: the conversation stays a prefix of itself. */
export function neutralStep(step: Step): Step {
  const toolCalls = step.toolCalls.map((call, index) => ({ ...call, id: neutralId(step.step, index) }));
  const content: JsonValue[] = [
    ...(step.text.trim() === "" ? [] : [{ type: "text", text: step.text }]),
    ...toolCalls.map(({ id, name, input }) => ({
      type: "tool-call",
      toolCallId: id,
      toolName: wireToolName(name),
      input: asArguments(input),
    })),
  ];
  return { ...step, toolCalls, assistant: content.length === 0 ? null : { role: "assistant", content } };
}

/** Nine letters and digits, of which no two calls of a conversation have the same. */
function neutralId(step: number, index: number): string {
  return `s${base36(step, 4)}c${base36(index, 3)}`;
}

function base36(value: number, digits: number): string {
  return value.toString(36).padStart(digits, "0");
}

/** Arguments are an object everywhere; a model's broken ones arrived as something else. */
function asArguments(input: JsonValue): JsonValue {
  return typeof input === "object" && input !== null && !Array.isArray(input) ? input : { input };
}
