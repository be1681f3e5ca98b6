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
 * Two of the four breakpoints that a request may have: after tools and system, which never change, and at the end of
 * the conversation, so that the next step reads everything up to here from the cache. Markers are not part of the
 * cached content, so that moving the second one keeps the prefix valid.
 */
function markForCache({ system, messages }: Conversation): Conversation {
  const last = messages.length - 1;
  return {
    system: { ...system, providerOptions: CACHED },
    messages: messages.map((message, index): ModelMessage =>
      index === last ? { ...message, providerOptions: CACHED } : message,
    ),
  };
}
