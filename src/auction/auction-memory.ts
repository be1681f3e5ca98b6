/**
 * The tenant's memory as an auction uses it: embed the task, retrieve similar past auctions, pair their strategies.
 *
 * Nothing here rejects. Without an embedding or an index there is no refinement, and the auction clears as it stands.
 */
import type { Config } from "../config.ts";
import { raceAbort } from "../async/race-abort.ts";
import type { Embedder, VectorIndex } from "../memory/memory-port.ts";
import { logError } from "../log.ts";
import type { RecalledEntry } from "../market/memory.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { AuctionMemory } from "./auction-run.ts";

/** Past auctions that an agent's pairs are drawn from: the paper's k. */
export const TOP_K = 5;
/** Pairs that an agent is shown at most: the best one, for each costs a task's beginning and two strategies. */
export const MAX_PAIRS = 1;
/**
 * Hits that the index is asked for: all that it gives in one answer. More than k, because its order is approximate and the
 * room's is exact, and because it may still name auctions that the room does not hold.
 */
const INDEX_HITS = 20;
/** An embedding that takes longer is done without. */
const EMBED_MS = 10_000;
/** An index that takes longer is done without: the room's window alone answers. Far below the window's grace time. */
const QUERY_MS = 5_000;

export function createAuctionMemory(deps: {
  readonly embedder: Embedder;
  readonly index: VectorIndex;
  /** Whether the index takes the embedder's vectors. */
  usable(): Promise<boolean>;
}): AuctionMemory {
  return {
    embedBound: (task) => deps.embedder.bound(task),
    embed: async (task, signal) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(EMBED_MS)]);
      const usable = await raceAbort(deps.usable(), limit).catch(() => false);
      // Not asked, and nothing is owed.
      if (!usable) return { vector: null, bill: { status: "refused" } };
      const { vector, bill } = await deps.embedder.embed(task, limit);
      if (vector.ok) return { vector: [...vector.value], bill };
      if (!signal.aborted)
        logError("embedding-failed", vector.failure.message, { reason: vector.failure.reason });
      return { vector: null, bill };
    },
    recall: (config, query) => recall(config, deps.index, query),
  };
}

/** The index's hits merged with the room's recent window; the window alone where the index does not answer. */
async function recall(
  config: Config,
  index: VectorIndex,
  { tenantId, vector }: Parameters<AuctionMemory["recall"]>[1],
): Promise<readonly RecalledEntry[]> {
  const asked = index.query(tenantId, Float32Array.from(vector), INDEX_HITS);
  const hits = await raceAbort(asked, AbortSignal.timeout(QUERY_MS)).then(
    (found) => found.map(({ id }) => id),
    (error: unknown) => {
      logError("memory-query", error, { tenantId });
      return [];
    },
  );
  try {
    return await config.marketRoom<MarketRoomApi>(tenantId).recall({ vector, hits, topK: TOP_K });
  } catch (error) {
    logError("memory-recall", error, { tenantId });
    return [];
  }
}
