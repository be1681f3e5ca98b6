/** How an answer ended, by the SDK's word for it, and by the provider's own where the SDK has none. Pure. */
import type { FinishReason } from "../../market/step.ts";

/**
 * Words that adapters take for "other", and workers-ai-provider for "stop". What is not in here stays accepted: some servers
 * name the token that they ended with.
 */
const BY_RAW: Readonly<Record<string, FinishReason>> = {
  // vLLM.
  abort: "error",
  // Mistral.
  error: "error",
  model_length: "length",
  // DeepSeek.
  insufficient_system_resource: "error",
  // OpenAI.
  content_filter: "content-filter",
};

interface Ended {
  readonly unified: string;
  /** The provider's own word. */
  readonly raw: string | undefined;
  readonly hasCalls: boolean;
}

export function finishReason({ unified, raw, hasCalls }: Ended): FinishReason {
  switch (unified) {
    case "length":
    case "tool-calls":
    case "content-filter":
    case "error":
      return unified;
    default: {
      const known = raw !== undefined && Object.hasOwn(BY_RAW, raw) ? BY_RAW[raw] : undefined;
      if (known !== undefined) return known;
      if (unified !== "stop") return "other";
      // Some endpoints say "stop" although the model called tools.
      return hasCalls ? "tool-calls" : "stop";
    }
  }
}
