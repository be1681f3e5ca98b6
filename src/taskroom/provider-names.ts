import type { Agent } from "../market/agent.ts";

/** As the semantic conventions name providers; those that they do not know have the house's own name. */
export const PROVIDER_NAMES: Readonly<Record<Agent["provider"], string>> = {
  anthropic: "anthropic",
  google: "gcp.gemini",
  "openai-compatible": "openai_compatible",
  "workers-ai": "cloudflare.workers_ai",
};
