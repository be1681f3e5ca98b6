/**
 * Whether the index takes the embedder's vectors: found out once per isolate, and told to the operator.
 *
 * A Worker has no start, so whoever comes first asks. The answer is kept, not its promise: on the platform one request
 * may not wait for another's. An index that did not answer is taken to fit, and asked again; a wrong dimension stays wrong.
 */
import { logError, logInfo } from "../log.ts";
import type { Result } from "../market/result.ts";
import type { EmbeddingFailure } from "../memory/memory-port.ts";

export function createMemoryFit(
  check: () => Promise<Result<null, EmbeddingFailure>>,
): () => Promise<boolean> {
  let known: boolean | null = null;
  return async () => {
    if (known !== null) return known;
    const checked = await check();
    if (checked.ok) logInfo("memory-usable");
    else logError("memory-unusable", checked.failure.message, { reason: checked.failure.reason });
    if (!checked.ok && checked.failure.reason === "unreachable") return true;
    known = checked.ok;
    return checked.ok;
  };
}
