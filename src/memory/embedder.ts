/**
 * Embeds a task by the configured model.
 *
 * One request per text and no retry: an auction goes on without memory. What the request may cost is known before it is
 * sent, and what it did cost afterwards, where the provider says: Workers AI reports no usage of embeddings
 * (developers.cloudflare.com/workers-ai/models/bge-base-en-v1.5, cloudflare/ai#101), so its calls stay at their bound.
 * May not put a vector of another dimension into anybody's hands: the index would refuse it, or worse, compare it.
 */
import type { CallBill } from "../market/call.ts";
import { callCost, NO_USAGE } from "../market/money.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { Asked } from "./asked.ts";
import type { EmbeddingConfig } from "./embedding-config.ts";
import type { Embedder, EmbeddingFailure } from "./memory-port.ts";
import { askOpenAiCompatible, endpointOf } from "./openai-compatible-embedding.ts";
import { raceAbort } from "../async/race-abort.ts";
import { readTokens, readVector } from "./read-vector.ts";

/**
 * A longer text is cut here, in UTF-16 units. Models stop sooner or later anyway (BGE reads 512 tokens), and the first
 * pages say what kind of task it is.
 */
export const MAX_EMBEDDED_CHARS = 8_000;
/** Marks at both ends of the text, and room for what a server puts around it. */
const OVERHEAD_TOKENS = 16;

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
  const ask = async (text: string, signal: AbortSignal): Promise<Asked> =>
    config.provider === "workers-ai"
      ? askWorkersAi(deps.ai, { model: config.model, text, signal })
      : askOpenAiCompatible(deps, config, { text, signal });
  return {
    dimension: config.dimension,
    bound: (text) => {
      // No tokenizer makes more tokens of a text than it has bytes (see agents/bounds.ts).
      const bytes = new TextEncoder().encode(embedded(text)).length;
      return callCost({ ...NO_USAGE, inputTokens: bytes + OVERHEAD_TOKENS }, config.prices);
    },
    embed: async (text, signal) => {
      const asked = await ask(embedded(text), signal);
      if (!asked.ok) {
        const { owed, ...failure } = asked.failure;
        return { vector: fail(failure), bill: { status: owed ? "unconfirmed" : "refused" } };
      }
      return { vector: readVector(asked.value, config), bill: billOf(asked.value, config) };
    },
  };
}

/** What is sent of a text. */
function embedded(text: string): string {
  return text.slice(0, MAX_EMBEDDED_CHARS).toWellFormed();
}

/** An answer that could not be read is owed like any other. */
function billOf(answer: unknown, { prices }: EmbeddingConfig): CallBill {
  const tokens = readTokens(answer);
  if (tokens === null) return { status: "unconfirmed" };
  const usage = { ...NO_USAGE, inputTokens: tokens };
  return { status: "billed", usage, costMicros: callCost(usage, prices), prices };
}

/** Whether the model can be asked: its binding, or its address and key, are there. */
export function checkEmbedding(
  deps: Pick<EmbedderDeps, "ai" | "variable">,
  config: EmbeddingConfig,
): Result<null, EmbeddingFailure> {
  if (config.provider === "workers-ai") return deps.ai === undefined ? fail(NO_BINDING) : ok(null);
  const endpoint = endpointOf(config, deps);
  return endpoint.ok ? ok(null) : endpoint;
}

const NO_BINDING = { reason: "misconfigured", message: "the binding AI is missing" } as const;

/** An error answer of Workers AI carries its code and owes nothing; other errors may come after the work. */
const ANSWER_CODE = /\b[35]\d{3}\s*:/;
/** Codes that no second attempt mends: not allowed (3023, 3041, 5016, 5018), no such model (3042, 5007). */
const CONFIGURATION_CODE = /\b(?:3023|3041|3042|5007|5016|5018)\s*:/;

async function askWorkersAi(
  ai: EmbeddingAi | undefined,
  request: { readonly model: string; readonly text: string; readonly signal: AbortSignal },
): Promise<Asked> {
  if (ai === undefined) return fail({ ...NO_BINDING, owed: false });
  const failed = (error: unknown, sent: boolean) => {
    const message = error instanceof Error ? error.message : String(error);
    const reason = CONFIGURATION_CODE.test(message) ? "misconfigured" : "unreachable";
    const text = `${request.model} did not embed: ${message.slice(0, 300)}`;
    return fail({ reason, message: text, owed: sent && !ANSWER_CODE.test(message) } as const);
  };
  if (request.signal.aborted) return failed(request.signal.reason, false);
  try {
    // Once asked, the model is paid whether or not anybody still waits.
    return ok(await raceAbort(ai.run(request.model, { text: [request.text] }), request.signal));
  } catch (error) {
    return failed(error, true);
  }
}
