/** Anthropic's Messages API. It has no seed and no log-probabilities. */
import { createAnthropic } from "@ai-sdk/anthropic";
import type { ModelMessage } from "ai";
import type { Provider } from "./provider.ts";
import { sdkProvider, type Conversation } from "./sdk-provider.ts";
import { readSdkUsage } from "./usage.ts";

const BASE_URL = "https://api.anthropic.com/v1";

interface AnthropicEndpoint {
  readonly model: string;
  readonly baseUrl: string | null;
  readonly apiKey: string;
  readonly fetch: typeof fetch;
}

export function anthropicProvider(endpoint: AnthropicEndpoint): Provider {
  const provider = createAnthropic({
    apiKey: endpoint.apiKey,
    fetch: endpoint.fetch,
    // Said aloud: left out, the adapter would look into the environment.
    baseURL: endpoint.baseUrl ?? BASE_URL,
  });
  return sdkProvider({
    model: provider(endpoint.model),
    sendsSeed: false,
    readUsage: readSdkUsage,
    markPrefix: markForCache,
  });
}

const CACHED = { anthropic: { cacheControl: { type: "ephemeral" } } } as const;

/**
 * Three of the four breakpoints that a request may have: after tools and system, which never change, at the end of the
 * conversation, so that the next step reads everything up to here from the cache, and where the request before this one had
 * its last. Markers are not part of the cached content, so that moving them keeps the prefix valid.
 *
 * From a breakpoint an earlier entry is looked for at 20 positions at most, its own the first (Anthropic's "Prompt caching").
 * Blocks of text and thinking between calls are a position each. On Anthropic's own API calls in a row are one, and so are
 * their results; elsewhere (Amazon Bedrock says "approximately 20 content blocks") a step with ten calls is beyond it.
 */
function markForCache({ system, messages }: Conversation): Conversation {
  const last = messages.length - 1;
  // What follows is the step that the request before was answered with.
  const before = messages.findLastIndex(({ role }) => role === "assistant") - 1;
  return {
    system: { ...system, providerOptions: CACHED },
    messages: messages.map((message, index): ModelMessage =>
      index === last || index === before ? { ...message, providerOptions: CACHED } : message,
    ),
  };
}
