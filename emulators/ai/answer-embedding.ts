/** An embedding call on either wire. */
import type { Wire } from "../log/call-row.ts";
import { fingerprint } from "../log/fingerprint.ts";
import { runCall } from "../log/run-call.ts";
import type { CallContext, CallOutcome } from "../log/run-call.ts";
import { embed, EMBEDDING_MODEL } from "./embedding.ts";
import type { Embeddings } from "./embedding.ts";

/** How long a batch takes for real, in ms; ours. */
const EMBEDDING_LATENCY_MS = 60;

export interface EmbeddingCall {
  readonly wire: Wire;
  readonly model: string;
  readonly texts: readonly string[];
  readonly requestBytes: number;
}

export async function answerEmbedding(
  context: CallContext,
  call: EmbeddingCall,
): Promise<CallOutcome<Embeddings>> {
  const arrival = {
    wire: call.wire,
    model: call.model,
    bareModel: EMBEDDING_MODEL,
    fingerprint: await fingerprint(call.texts),
    requestBytes: call.requestBytes,
    seed: null,
  };
  return runCall(context, { arrival, prompt: call.texts.join("\n"), streams: false }, async () => {
    const value = embed(call.texts);
    const usage = {
      promptTokens: value.tokens,
      cachedPromptTokens: 0,
      completionTokens: 0,
      reasoningTokens: 0,
    };
    return Promise.resolve({ kind: "done", value, usage, latencyMs: EMBEDDING_LATENCY_MS });
  });
}
