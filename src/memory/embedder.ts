/**
 * Embeds a task by the configured model.
 *
 * One request per text and no retry: an auction goes on without memory, and the queue that writes memory comes again.
 * May not put a vector of another dimension into anybody's hands: the index would refuse it, or worse, compare it.
 */
import { fail, ok, type Result } from "../market/result.ts";
import type { EmbeddingConfig } from "./embedding-config.ts";
import { raceAbort } from "./race-abort.ts";
import { askOpenAiCompatible, endpointOf } from "./openai-compatible-embedding.ts";
import { readVector } from "./read-vector.ts";
import type { Embedder, EmbeddingFailure } from "./memory-port.ts";

/**
 * A longer text is cut here, in UTF-16 units. Models stop sooner or later anyway (BGE reads 512 tokens), and the first
 * pages say what kind of task it is.
 */
export const MAX_EMBEDDED_CHARS = 8_000;

/** The Workers AI binding as far as this room uses it; no signal can cross it. */
export interface EmbeddingAi {
  // oxlint-disable-next-line typescript/no-explicit-any -- `Ai`'s inputs by model name are "excessively deep" (TS2589)
  run(model: string, inputs: any): Promise<unknown>;
}

export interface EmbedderDeps {
  /** Absent where the deployment has no Workers AI binding. */
  readonly ai?: EmbeddingAi | undefined;
  readonly fetch: typeof fetch;
  /** A secret or variable of the Worker by name. */
  variable(name: string): string | undefined;
}

export function createEmbedder(deps: EmbedderDeps, config: EmbeddingConfig): Embedder {
  const ask = async (text: string, signal: AbortSignal): Promise<Result<unknown, EmbeddingFailure>> =>
    config.provider === "workers-ai"
      ? askWorkersAi(deps.ai, { model: config.model, text, signal })
      : askOpenAiCompatible(deps, config, { text, signal });
  return {
    dimension: config.dimension,
    embed: async (text, signal) => {
      const answer = await ask(text.slice(0, MAX_EMBEDDED_CHARS).toWellFormed(), signal);
      return answer.ok ? readVector(answer.value, config) : answer;
    },
  };
}

/** Whether the model can be asked: its binding, or its address and key, are there. */
export function checkEmbedding(
  deps: Pick<EmbedderDeps, "ai" | "variable">,
  config: EmbeddingConfig,
): Result<null, EmbeddingFailure> {
  if (config.provider === "workers-ai") return deps.ai === undefined ? NO_BINDING : ok(null);
  const endpoint = endpointOf(config, deps);
  return endpoint.ok ? ok(null) : endpoint;
}

const NO_BINDING = fail({ reason: "misconfigured", message: "the binding AI is missing" } as const);

/** Codes of Workers AI that no second attempt mends: not allowed (3023, 3041, 5016, 5018), no such model (3042, 5007). */
const CONFIGURATION_CODE = /\b(?:3023|3041|3042|5007|5016|5018)\s*:/;

async function askWorkersAi(
  ai: EmbeddingAi | undefined,
  request: { readonly model: string; readonly text: string; readonly signal: AbortSignal },
): Promise<Result<unknown, EmbeddingFailure>> {
  if (ai === undefined) return NO_BINDING;
  try {
    // Once asked, the model is paid whether or not anybody still waits.
    request.signal.throwIfAborted();
    return ok(await raceAbort(ai.run(request.model, { text: [request.text] }), request.signal));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reason = CONFIGURATION_CODE.test(message) ? "misconfigured" : "unreachable";
    return fail({ reason, message: `${request.model} did not embed: ${message.slice(0, 300)}` });
  }
}
