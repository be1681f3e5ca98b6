/** Any endpoint that speaks OpenAI's Chat Completions: OpenAI itself, local servers, the house agents' emulator. */
import { createOpenAICompatible, type MetadataExtractor } from "@ai-sdk/openai-compatible";
import { z } from "zod";
import type { TopLogprobs } from "../../market/entropy.ts";
import { plainConversation } from "../plain-conversation.ts";
import { readLogprobs } from "./logprobs.ts";
import type { Provider } from "./provider.ts";
import { sdkProvider } from "./sdk-provider.ts";
import { readOpenAiUsage } from "./usage.ts";

/** Key of our options and metadata in the AI SDK. */
const NAME = "endpoint";

interface OpenAiCompatibleEndpoint {
  readonly model: string;
  readonly baseUrl: string;
  /** Null: the endpoint needs none. */
  readonly apiKey: string | null;
  readonly fetch: typeof fetch;
}

export function openAiCompatibleProvider(endpoint: OpenAiCompatibleEndpoint): Provider {
  const provider = createOpenAICompatible({
    name: NAME,
    baseURL: endpoint.baseUrl,
    fetch: endpoint.fetch,
    // Off by default; an endpoint without it answers 400, and the call is repeated without a schema.
    supportsStructuredOutputs: true,
    // Of streams; an endpoint that refuses to say is asked again without one.
    includeUsage: true,
    metadataExtractor: logprobsExtractor,
    ...(endpoint.apiKey === null ? {} : { apiKey: endpoint.apiKey }),
    ...(isOpenAi(endpoint.baseUrl) ? { transformRequestBody: withMaxCompletionTokens } : {}),
  });
  return sdkProvider({
    model: provider.chatModel(endpoint.model),
    sendsSeed: true,
    readUsage: (usage) => readOpenAiUsage(usage.raw),
    plainMessages: plainConversation,
    // SAFETY: written by the extractor below.
    readLogprobs: (metadata) => (metadata?.[NAME]?.["topLogprobs"] as TopLogprobs | undefined) ?? null,
    textOptions: ({ topLogprobs }) =>
      topLogprobs > 0 ? { [NAME]: { logprobs: true, top_logprobs: topLogprobs } } : undefined,
  });
}

const choicesSchema = z.object({ choices: z.array(z.object({ logprobs: z.unknown() })).min(1) });

/** The adapter keeps no log-probabilities by itself. An answer has thousands of them: only the numbers are kept. */
const logprobsExtractor: MetadataExtractor = {
  async extractMetadata({ parsedBody }) {
    const parsed = choicesSchema.safeParse(parsedBody);
    const top = parsed.success ? readLogprobs(parsed.data.choices[0]?.logprobs) : null;
    return { [NAME]: top === null ? {} : { topLogprobs: top.map((position) => [...position]) } };
  },
  createStreamExtractor: () => ({ processChunk() {}, buildMetadata: () => undefined }),
};

function isOpenAi(baseUrl: string): boolean {
  return URL.canParse(baseUrl) && new URL(baseUrl).hostname === "api.openai.com";
}

/** OpenAI's reasoning models refuse `max_tokens`, which everybody else expects. */
function withMaxCompletionTokens({
  max_tokens: maxTokens,
  ...body
}: Record<string, unknown>): Record<string, unknown> {
  return maxTokens === undefined ? body : { ...body, max_completion_tokens: maxTokens };
}
