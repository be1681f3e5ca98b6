/**
 * Chat inputs, as both wires take them, to a {@link ChatRequest}.
 *
 * Strict on what the emulators understand, silent on sampling options that change nothing here (`temperature`, `top_p`, …).
 */
import { z } from "zod";
import type { ChatMessage, ChatRequest } from "../chat.ts";

const textPartSchema = z.looseObject({ type: z.literal("text"), text: z.string() });

/** Text only: an image part is refused, as no emulated model sees images. */
const contentSchema = z
  .union([
    z.string(),
    z.null(),
    z.array(textPartSchema).transform((parts) => parts.map((part) => part.text).join("\n")),
  ])
  .optional()
  .transform((content) => content ?? null);

const jsonTextSchema = z.union([z.string(), z.looseObject({}).transform((value) => JSON.stringify(value))]);

/** OpenAI's nested form or Workers AI's flat one. */
const toolCallSchema = z.union([
  z
    .looseObject({
      id: z.string().optional(),
      function: z.looseObject({ name: z.string(), arguments: jsonTextSchema }),
    })
    .transform((call) => ({
      id: call.id ?? "",
      name: call.function.name,
      arguments: call.function.arguments,
    })),
  z
    .looseObject({ id: z.string().optional(), name: z.string(), arguments: jsonTextSchema })
    .transform((call) => ({ id: call.id ?? "", name: call.name, arguments: call.arguments })),
]);

const messageSchema = z
  .looseObject({
    role: z.enum(["system", "developer", "user", "assistant", "tool"]),
    content: contentSchema,
    tool_calls: z.array(toolCallSchema).nullish(),
    tool_call_id: z.string().optional(),
  })
  .transform((message): ChatMessage => ({
    role: message.role === "developer" ? "system" : message.role,
    content: message.content,
    ...(message.tool_calls == null ? {} : { toolCalls: message.tool_calls }),
    ...(message.tool_call_id === undefined ? {} : { toolCallId: message.tool_call_id }),
  }));

const functionSchema = z
  .looseObject({ name: z.string().min(1), description: z.string().optional(), parameters: z.unknown() })
  .transform((tool) => ({
    name: tool.name,
    description: tool.description ?? "",
    parameters: tool.parameters ?? {},
  }));

const toolSchema = z.union([
  z.looseObject({ type: z.literal("function"), function: functionSchema }).transform((tool) => tool.function),
  functionSchema,
]);

const toolChoiceSchema = z.union([
  z.enum(["auto", "none", "required"]),
  z.looseObject({ function: z.looseObject({ name: z.string() }) }),
]);

const responseFormatSchema = z.discriminatedUnion("type", [
  z.looseObject({ type: z.literal("text") }),
  z.looseObject({ type: z.literal("json_object") }),
  z.looseObject({ type: z.literal("json_schema"), json_schema: z.looseObject({}) }),
]);

/** The options that both wires share; each wire adds its own around it. */
export const chatInputsSchema = z.looseObject({
  messages: z.array(messageSchema).min(1),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string()).max(4)]).nullish(),
  n: z.literal(1, "emulated models answer once per call").nullish(),
  tools: z.array(toolSchema).nullish(),
  tool_choice: toolChoiceSchema.nullish(),
  response_format: responseFormatSchema.nullish(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().optional() }).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
});

export type ChatInputs = z.infer<typeof chatInputsSchema>;

/** What a wire knows beyond the inputs. */
export interface ChatWire {
  /** Bare model name. */
  readonly model: string;
  /** Most completion tokens where the client names none; null: the model's own limit. */
  readonly defaultMaxTokens: number | null;
  /** OpenAI puts the schema into an envelope `{name, schema}`, the binding takes it bare. */
  readonly schemaEnvelope: boolean;
}

export function chatRequest(inputs: ChatInputs, wire: ChatWire): ChatRequest {
  return {
    model: wire.model,
    messages: inputs.messages,
    tools: offeredTools(inputs),
    responseSchema: responseSchema(inputs, wire),
    maxTokens: inputs.max_completion_tokens ?? inputs.max_tokens ?? wire.defaultMaxTokens,
    seed: inputs.seed ?? null,
    topLogprobs: inputs.logprobs === true ? (inputs.top_logprobs ?? 0) : null,
  };
}

/** Stop sequences, none, one or several. */
export function stopSequences(inputs: ChatInputs): readonly string[] {
  const stop = inputs.stop ?? [];
  return (typeof stop === "string" ? [stop] : stop).filter((sequence) => sequence !== "");
}

/** All text of the messages, for fault switches that match on it. */
export function promptText(messages: readonly ChatMessage[]): string {
  return messages.map((message) => message.content ?? "").join("\n");
}

/** `none` offers no tool, a named function only that one; `required` cannot be told to a model that reads requests only. */
function offeredTools(inputs: ChatInputs): ChatRequest["tools"] {
  const choice = inputs.tool_choice;
  const tools = inputs.tools ?? [];
  if (choice === "none") return [];
  if (choice == null || typeof choice === "string") return tools;
  return tools.filter((tool) => tool.name === choice.function.name);
}

function responseSchema(inputs: ChatInputs, wire: ChatWire): unknown {
  const format = inputs.response_format;
  if (format == null || format.type === "text") return null;
  if (format.type === "json_object") return { type: "object" };
  const payload = format.json_schema;
  return wire.schemaEnvelope ? (payload["schema"] ?? { type: "object" }) : payload;
}
