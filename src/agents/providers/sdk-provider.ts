/**
 * A provider over the AI SDK (`generateText`): one request, no retries, tools that the house runs itself.
 *
 * What differs between OpenAI-compatible endpoints, Anthropic, Google and Workers AI is in `SdkDialect`.
 */
import {
  generateText,
  jsonSchema,
  Output,
  tool,
  type AssistantModelMessage,
  type LanguageModel,
  type LanguageModelUsage,
  type ModelMessage,
  type SystemModelMessage,
  type ToolSet,
} from "ai";
import type { TopLogprobs } from "../../market/entropy.ts";
import type { TokenUsage } from "../../market/money.ts";
import type { FinishReason, JsonValue, ToolCall } from "../../market/step.ts";
import type { StepRequest, ToolDescription } from "../model-port.ts";
import { tracePrompt } from "../prompts/trace-prompt.ts";
import { toJson } from "../to-json.ts";
import { assistantJson, traceMessages } from "../trace-messages.ts";
import type {
  JsonSchema,
  OptionalFeatures,
  Provider,
  StepReply,
  TextReply,
  TextRequest,
} from "./provider.ts";
import { splitThinking } from "./thinking.ts";

type ProviderOptions = NonNullable<Parameters<typeof generateText>[0]["providerOptions"]>;
type ProviderMetadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface SdkDialect {
  readonly model: LanguageModel;
  /** False: the provider has no seed, and the adapter would warn about one. */
  readonly sendsSeed: boolean;
  readUsage(usage: LanguageModelUsage): TokenUsage | null;
  readLogprobs?(metadata: ProviderMetadata | undefined): TopLogprobs | null;
  textOptions?(optional: OptionalFeatures): ProviderOptions | undefined;
  /** Marks the stable prefix of a trace for the provider's prompt cache. */
  markPrefix?(conversation: Conversation): Conversation;
}

/** The SDK would prepare its events on every call, prompts and all, for listeners that the house does not have. */
const NO_TELEMETRY = { isEnabled: false } as const;

export interface Conversation {
  readonly system: SystemModelMessage;
  readonly messages: readonly ModelMessage[];
}

export function sdkProvider(dialect: SdkDialect): Provider {
  return {
    text: async (request, signal) => sendText(dialect, request, signal),
    step: async (request, optional, signal) => sendStep(dialect, { request, optional, signal }),
  };
}

async function sendText(dialect: SdkDialect, request: TextRequest, signal: AbortSignal): Promise<TextReply> {
  const { seed, schema } = request.optional;
  const structured = schema === null ? null : structuredOutput(schema);
  const result = await generateText({
    model: dialect.model,
    instructions: request.system,
    messages: [{ role: "user", content: request.user }],
    maxOutputTokens: request.maxOutputTokens,
    maxRetries: 0,
    telemetry: NO_TELEMETRY,
    abortSignal: signal,
    ...(seed !== null && dialect.sendsSeed ? { seed } : {}),
    ...(structured === null ? {} : { output: structured.output }),
    ...optionsFor(dialect, request.optional),
  });
  const answer = splitThinking(structured?.text() ?? result.text);
  return {
    text: answer.text,
    reasoning: (result.finalStep.reasoningText ?? "") + answer.reasoning,
    usage: dialect.readUsage(result.finalStep.usage),
    topLogprobs: dialect.readLogprobs?.(result.finalStep.providerMetadata) ?? null,
  };
}

function optionsFor(dialect: SdkDialect, optional: OptionalFeatures): { providerOptions?: ProviderOptions } {
  const providerOptions = dialect.textOptions?.(optional);
  return providerOptions === undefined ? {} : { providerOptions };
}

/** Asks for JSON of this form and hands its text on unparsed: our own reader is more tolerant than the SDK's. */
function structuredOutput(schema: JsonSchema): {
  readonly output: Output.Output<string, string, never>;
  text(): string | undefined;
} {
  let text: string | undefined;
  return {
    output: {
      ...Output.text(),
      name: "object",
      responseFormat: Promise.resolve({ type: "json", schema, name: "answer" }),
      async parseCompleteOutput(complete) {
        text = complete.text;
        return complete.text;
      },
    },
    text: () => text,
  };
}

async function sendStep(
  dialect: SdkDialect,
  sent: {
    readonly request: StepRequest;
    readonly optional: OptionalFeatures;
    readonly signal: AbortSignal;
  },
): Promise<StepReply> {
  const { request, optional, signal } = sent;
  const prompt = tracePrompt(request.prompt);
  const plain: Conversation = {
    system: { role: "system", content: prompt.system },
    messages: traceMessages(prompt.user, request.history),
  };
  const { system, messages } = dialect.markPrefix?.(plain) ?? plain;
  const result = await generateText({
    model: dialect.model,
    instructions: system,
    messages: [...messages],
    maxOutputTokens: request.maxOutputTokens,
    maxRetries: 0,
    telemetry: NO_TELEMETRY,
    abortSignal: signal,
    ...(request.tools.length > 0 ? { tools: toolSet(request.tools) } : {}),
    ...(optional.seed !== null && dialect.sendsSeed ? { seed: optional.seed } : {}),
  });
  const last = result.finalStep;
  const toolCalls = last.toolCalls.filter((call) => call.providerExecuted !== true);
  return {
    usage: dialect.readUsage(last.usage),
    answer: {
      text: last.text,
      toolCalls: toolCalls.map((call): ToolCall => ({
        id: call.toolCallId,
        name: call.toolName,
        input: asJson(call.input),
      })),
      finishReason: finishReason(last.finishReason, toolCalls.length),
      assistant: assistantJson(
        last.response.messages.find(
          (message): message is AssistantModelMessage => message.role === "assistant",
        ),
      ),
    },
  };
}

/** Without `execute`: the SDK hands the calls back and the house runs them. Inputs are validated there, too. */
function toolSet(tools: readonly ToolDescription[]): ToolSet {
  return Object.fromEntries(
    tools.map(({ name, description, inputSchema }) => [
      name,
      tool({ description, inputSchema: jsonSchema(inputSchema as Parameters<typeof jsonSchema>[0]) }),
    ]),
  );
}

/** Arguments that are no JSON arrive as the text that came; no arguments at all count as `{}`. */
function asJson(input: unknown): JsonValue {
  return input === undefined || input === "" ? {} : toJson(input);
}

function finishReason(reason: string, toolCalls: number): FinishReason {
  switch (reason) {
    case "stop":
      // Some endpoints say "stop" although the model called tools.
      return toolCalls > 0 ? "tool-calls" : "stop";
    case "length":
    case "tool-calls":
    case "content-filter":
    case "error":
      return reason;
    default:
      return "other";
  }
}
