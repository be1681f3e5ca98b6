/** Google's Gemini API. Its prompt cache works by itself; log-probabilities are not offered by its current models. */
import { createGoogle } from "@ai-sdk/google";
import type { Provider } from "./provider.ts";
import { sdkProvider } from "./sdk-provider.ts";
import { readSdkUsage } from "./usage.ts";

const BASE_URL = "https://generativelanguage.googleapis.com/v1beta";

interface GoogleEndpoint {
  readonly model: string;
  readonly baseUrl: string | null;
  readonly apiKey: string;
  readonly fetch: typeof fetch;
}

export function googleProvider(endpoint: GoogleEndpoint): Provider {
  const provider = createGoogle({
    apiKey: endpoint.apiKey,
    fetch: endpoint.fetch,
    // Said aloud: left out, the adapter would look into the environment.
    baseURL: endpoint.baseUrl ?? BASE_URL,
  });
  return sdkProvider({ model: provider(endpoint.model), sendsSeed: true, readUsage: readSdkUsage });
}
