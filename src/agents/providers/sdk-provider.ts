/**
 * A provider over the AI SDK: one request, no retries, tools that the house runs itself.
 *
 * A trace's step goes through `generateText`, streamed underneath (`streamed-model.ts`). A question without tools needs
 * nothing of what that prepares (steps, tool schemas, parsed output), and a large pool asks many at once in one thread: it
 * goes to the SDK's model itself. What differs between OpenAI-compatible endpoints, Anthropic, Google and Workers AI is in
 * `SdkDialect`.
 */
import {
  generateText,
  jsonSchema,
  tool,
  type AssistantModelMessage,
  type ModelMessage,
  type SystemModelMessage,
  type ToolSet,
} from "ai";
import type { TopLogprobs } from "../../market/entropy.ts";
import type { TokenUsage } from "../../market/money.ts";
import type { JsonValue, ToolCall } from "../../market/step.ts";
import type { StepRequest, ToolDescription } from "../model-port.ts";
import { tracePrompt } from "../prompts/trace-prompt.ts";
import { toJson } from "../to-json.ts";
import { assistantJson, traceMessages } from "../trace-messages.ts";
import { finishReason } from "./finish-reason.ts";
import type {
  OptionalFeatures,
  Provider,
  StepReply,
  StepSending,
  TextReply,
  TextRequest,
} from "./provider.ts";
import { streamedModel, type SdkModel } from "./streamed-model.ts";
import { splitThinking } from "./thinking.ts";
import type { SdkUsage } from "./usage.ts";

type ProviderOptions = NonNullable<Parameters<typeof generateText>[0]["providerOptions"]>;
type ProviderMetadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface StepDialect {
  readonly model: SdkModel;
  /** False: the provider has no seed, and the adapter would warn about one. */
  readonly sendsSeed: boolean;
  readUsage(usage: SdkUsage): TokenUsage | null;
  /** Whether the provider said how the answer ended; absent: it always does. */
  saidEnd?(): boolean;
  /** Marks the stable prefix of a trace for the provider's prompt cache. */
  markPrefix?(conversation: Conversation): Conversation;
  /** The conversation for an endpoint that refuses it as it was said; absent: none of the kind does. */
  plainMessages?(messages: readonly ModelMessage[]): readonly ModelMessage[];
}

interface SdkDialect extends StepDialect {
  readLogprobs?(metadata: ProviderMetadata | undefined): TopLogprobs | null;
  textOptions?(optional: OptionalFeatures): ProviderOptions | undefined;
}

/** The SDK would prepare its events on every call, prompts and all, for listeners that the house does not have. */
const NO_TELEMETRY = { isEnabled: false } as const;

export interface Conversation {
  readonly system: SystemModelMessage;
  readonly messages: readonly ModelMessage[];
}

export function sdkProvider(dialect: SdkDialect): Provider {
  return { text: async (request, signal) => sendText(dialect, request, signal), ...sdkSteps(dialect) };
}

/** The part of a provider that carries traces. */
export function sdkSteps(dialect: StepDialect): Pick<Provider, "step"> {
  return { step: async (request, sending) => sendStep(dialect, request, sending) };
}

async function sendText(dialect: SdkDialect, request: TextRequest, signal: AbortSignal): Promise<TextReply> {
  const { seed, schema } = request.optional;
  const providerOptions = dialect.textOptions?.(request.optional);
  const result = await dialect.model.doGenerate({
    prompt: [
      { role: "system", content: request.system },
      { role: "user", content: [{ type: "text", text: request.user }] },
    ],
    maxOutputTokens: request.maxOutputTokens,
    abortSignal: signal,
    ...(seed !== null && dialect.sendsSeed ? { seed } : {}),
    // The JSON's text is handed on unparsed: our own reader is more tolerant than a parser.
    ...(schema === null ? {} : { responseFormat: { type: "json", schema, name: "answer" } }),
    ...(providerOptions === undefined ? {} : { providerOptions }),
  });
  const answer = splitThinking(textOf(result.content, "text"));
  return {
    text: answer.text,
    reasoning: textOf(result.content, "reasoning") + answer.reasoning,
    usage: dialect.readUsage(sdkUsage(result.usage)),
    topLogprobs: dialect.readLogprobs?.(result.providerMetadata) ?? null,
  };
}

type Generated = Awaited<ReturnType<SdkModel["doGenerate"]>>;

function textOf(content: Generated["content"], type: "text" | "reasoning"): string {
  return content.map((part) => (part.type === type ? part.text : "")).join("");
}

/** As `generateText` reports it. */
function sdkUsage({ inputTokens, outputTokens, raw }: Generated["usage"]): SdkUsage {
  return {
    inputTokens: inputTokens.total,
    inputTokenDetails: { cacheReadTokens: inputTokens.cacheRead, cacheWriteTokens: inputTokens.cacheWrite },
    outputTokens: outputTokens.total,
    outputTokenDetails: { reasoningTokens: outputTokens.reasoning },
    raw,
  };
}

async function sendStep(
  dialect: StepDialect,
  request: StepRequest,
  { optional, signal, watch }: StepSending,
): Promise<StepReply> {
  const prompt = tracePrompt(request.prompt);
  const said = traceMessages(prompt.user, request.history, request.wrapUp);
  const unmarked: Conversation = {
    system: { role: "system", content: prompt.system },
    messages: optional.asSaid ? said : (dialect.plainMessages?.(said) ?? said),
  };
  const { system, messages } = dialect.markPrefix?.(unmarked) ?? unmarked;
  const result = await generateText({
    model: optional.streams ? streamedModel(dialect.model, watch) : dialect.model,
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
  const usage = dialect.readUsage(last.usage);
  const ended = finishReason({
    unified: last.finishReason,
    raw: last.rawFinishReason,
    hasCalls: toolCalls.length > 0,
  });
  const isAtLimit = usage !== null && usage.outputTokens >= request.maxOutputTokens;
  return {
    usage,
    answer: {
      // The message below keeps it as it was said: it goes back to the model that said it.
      text: splitThinking(last.text).text,
      toolCalls: toolCalls.map((call): ToolCall => ({
        id: call.toolCallId,
        name: call.toolName,
        input: asJson(call.input),
      })),
      finishReason: ended === "stop" && isAtLimit && dialect.saidEnd?.() === false ? "length" : ended,
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
