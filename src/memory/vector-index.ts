/**
 * The index of task vectors over a Vectorize binding.
 *
 * Holds id, vector, namespace and version, and nothing else: a tenant's texts stay in its rooms. The namespace is the
 * tenant's id. Reading and deleting by id know no namespace on the platform, so both are checked here. Writes become
 * visible late (seconds to minutes), which is what `visibleVersions` is for. Rejects as the binding does; callers retry.
 */
import { z } from "zod";
import { fail, ok, type Result } from "../market/result.ts";
import type { Embedder, EmbeddingFailure, IndexedVector, VectorIndex } from "./memory-port.ts";

// The platform's limits (developers.cloudflare.com/vectorize/platform/limits; ids per call as seen in production).
const MAX_TOP_K = 20;
const MAX_UPSERT = 1_000;
const MAX_GET_IDS = 20;
const MAX_DELETE_IDS = 100;

/** What is stored of an entry. */
interface StoredVector {
  readonly id: string;
  readonly values: Float32Array;
  readonly namespace: string;
  readonly metadata: { readonly version: number };
}

interface FoundVector {
  readonly id: string;
  readonly namespace?: string | undefined;
  readonly metadata?: unknown;
}

/** The methods of `Vectorize` that are used; the real binding and the emulator's both fit. */
export interface VectorizeBinding {
  describe(): Promise<{ readonly dimensions: number }>;
  query(
    vector: Float32Array,
    options: { topK: number; namespace: string },
  ): Promise<{ readonly matches: readonly { readonly id: string; readonly score: number }[] }>;
  upsert(vectors: StoredVector[]): Promise<unknown>;
  getByIds(ids: string[]): Promise<readonly FoundVector[]>;
  deleteByIds(ids: string[]): Promise<unknown>;
}

const metadataSchema = z.looseObject({ version: z.int() });

export function createVectorIndex(binding: VectorizeBinding): VectorIndex {
  return {
    query: async (tenantId, vector, topK) => {
      if (topK < 1) return [];
      const options = { topK: Math.min(topK, MAX_TOP_K), namespace: tenantId };
      const { matches } = await binding.query(vector, options);
      return matches.map(({ id, score }) => ({ id, similarity: score }));
    },
    upsert: async (tenantId, vectors) => {
      for (const batch of batches(newest(vectors), MAX_UPSERT)) {
        await binding.upsert(
          batch.map(({ id, version, values }) => ({
            id,
            values,
            namespace: tenantId,
            metadata: { version },
          })),
        );
      }
    },
    visibleVersions: async (tenantId, ids) => {
      const versions = new Map<string, number>();
      for (const vector of await visible(binding, ids)) {
        const metadata = metadataSchema.safeParse(vector.metadata);
        if (vector.namespace === tenantId && metadata.success) versions.set(vector.id, metadata.data.version);
      }
      return versions;
    },
    remove: async (tenantId, ids) => {
      // An id that is not visible yet is deleted all the same: mutations apply in order, so its write is caught.
      const foreign = new Set<string>();
      for (const vector of await visible(binding, ids))
        if (vector.namespace !== tenantId) foreign.add(vector.id);
      const own = [...new Set(ids)].filter((id) => !foreign.has(id));
      for (const batch of batches(own, MAX_DELETE_IDS)) await binding.deleteByIds(batch);
    },
  };
}

/**
 * Compares the index's dimension with the embedder's. Vectorize fixes it when an index is created, so the cure is
 * another index or another model.
 */
export async function checkDimension(
  binding: Pick<VectorizeBinding, "describe">,
  embedder: Pick<Embedder, "dimension">,
): Promise<Result<null, EmbeddingFailure>> {
  try {
    const { dimensions } = await binding.describe();
    if (dimensions === embedder.dimension) return ok(null);
    const message = `the vector index holds vectors of ${dimensions} numbers, but the embedding model is configured with a dimension of ${embedder.dimension}: bind an index that was created with --dimensions=${embedder.dimension}, or configure a model that gives ${dimensions}`;
    return fail({ reason: "wrong_dimension", message });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return fail({ reason: "unreachable", message: `the vector index does not answer: ${message}` });
  }
}

/** What is visible of these ids, in any namespace. One call after the other: an invocation has six connections. */
async function visible(binding: VectorizeBinding, ids: readonly string[]): Promise<FoundVector[]> {
  const found: FoundVector[] = [];
  for (const batch of batches([...new Set(ids)], MAX_GET_IDS)) found.push(...(await binding.getByIds(batch)));
  return found;
}

/** Each id once, in its newest version: which of two the platform would keep is nowhere promised. */
function newest(vectors: readonly IndexedVector[]): IndexedVector[] {
  const byId = new Map<string, IndexedVector>();
  for (const vector of vectors) {
    const known = byId.get(vector.id);
    if (known === undefined || vector.version > known.version) byId.set(vector.id, vector);
  }
  return [...byId.values()];
}

/** In slices of at most `size`; none of an empty list, which the platform refuses. */
function batches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}
