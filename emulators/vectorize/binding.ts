/**
 * The Vectorize binding, as a service binding to this Worker's `VectorizeEmulator`.
 *
 * Held to Cloudflare's own `Vectorize` type by the compiler. Limits are refused as the platform refuses them (`limits.ts`);
 * not emulated: approximate scores, the number of namespaces, metadata indexes (all properties are filterable).
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import { emulatorConfig } from "../admin/config.ts";
import type { EmulatorEnv } from "../admin/config.ts";
import { refuseIds, refuseNamespace, refuseTopK, refuseVectors } from "./check-vectors.ts";
import type { IndexVector } from "./check-vectors.ts";
import { DEFAULT_TOP_K, MAX_DELETE_IDS, MAX_GET_IDS, vectorizeError } from "./limits.ts";
import type { VectorizeOperation, VectorizeRefusal } from "./limits.ts";
import { metadataFilter } from "./metadata-filter.ts";
import type { MetadataFilter } from "./metadata-filter.ts";
import { indexedMetadata } from "./indexed-metadata.ts";
import type { IndexMatch, VectorIndexObject } from "./vector-index-object.ts";

/** There is one index, as Saleroom binds one. */
export function vectorIndex(env: EmulatorEnv): DurableObjectStub<VectorIndexObject> {
  return env.VECTOR_INDEX.get(env.VECTOR_INDEX.idFromName("memory"));
}

export class VectorizeEmulator extends WorkerEntrypoint<EmulatorEnv> implements Vectorize {
  async describe(): Promise<VectorizeIndexInfo> {
    const state = await vectorIndex(this.env).state();
    // Cloudflare's type says number for both; the platform sends a UUID and an ISO date, as its own comments say.
    const { processedUpToDatetime, processedUpToMutation, vectorCount } = state;
    const { vectorizeDimensions: dimensions } = emulatorConfig(this.env);
    const info: unknown = { vectorCount, dimensions, processedUpToDatetime, processedUpToMutation };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    return info as VectorizeIndexInfo;
  }

  async query(
    vector: VectorFloatArray | number[],
    options?: VectorizeQueryOptions,
  ): Promise<VectorizeMatches> {
    const dimensions = emulatorConfig(this.env).vectorizeDimensions;
    const values = Array.from(vector);
    if (values.length !== dimensions) {
      throw refused("VECTOR_QUERY", {
        code: 40006,
        message: `invalid query vector, expected ${dimensions} dimensions, and got ${values.length} dimensions`,
      });
    }
    const { topK, level, filter } = checkedOptions(options);
    const found = await vectorIndex(this.env).query({
      vector: values,
      topK,
      filter,
      namespace: options?.namespace ?? null,
    });
    const matches = found.map((match) =>
      vectorizeMatch(match, { level, values: options?.returnValues === true }),
    );
    return { count: matches.length, matches };
  }

  async queryById(vectorId: string, options?: VectorizeQueryOptions): Promise<VectorizeMatches> {
    const [vector] = await vectorIndex(this.env).getByIds([vectorId]);
    if (vector === undefined)
      throw refused("VECTOR_QUERY", { code: null, message: `vector with id="${vectorId}" not found` });
    return this.query([...vector.values], options);
  }

  async insert(vectors: VectorizeVector[]): Promise<VectorizeAsyncMutation> {
    return this.#write("insert", vectors);
  }

  async upsert(vectors: VectorizeVector[]): Promise<VectorizeAsyncMutation> {
    return this.#write("upsert", vectors);
  }

  async deleteByIds(ids: string[]): Promise<VectorizeAsyncMutation> {
    throwIfRefused("VECTOR_DELETE", refuseIds(ids, MAX_DELETE_IDS));
    const { vectorizeDelayMs } = emulatorConfig(this.env);
    return { mutationId: await vectorIndex(this.env).mutate({ kind: "delete", ids }, vectorizeDelayMs) };
  }

  async getByIds(ids: string[]): Promise<VectorizeVector[]> {
    throwIfRefused("VECTOR_GET", refuseIds(ids, MAX_GET_IDS));
    return (await vectorIndex(this.env).getByIds(ids)).map(vectorizeVector);
  }

  async #write(
    kind: "insert" | "upsert",
    vectors: readonly VectorizeVector[],
  ): Promise<VectorizeAsyncMutation> {
    const { vectorizeDelayMs, vectorizeDimensions } = emulatorConfig(this.env);
    const stored = vectors.map((vector): IndexVector => ({
      id: vector.id,
      values: Array.from(vector.values),
      namespace: vector.namespace ?? null,
      metadata: vector.metadata ?? null,
    }));
    throwIfRefused(
      kind === "insert" ? "VECTOR_INSERT" : "VECTOR_UPSERT",
      refuseVectors(stored, vectorizeDimensions),
    );
    return { mutationId: await vectorIndex(this.env).mutate({ kind, vectors: stored }, vectorizeDelayMs) };
  }
}

interface CheckedOptions {
  readonly topK: number;
  readonly level: VectorizeMetadataRetrievalLevel;
  readonly filter: MetadataFilter | null;
}

function checkedOptions(options: VectorizeQueryOptions | undefined): CheckedOptions {
  const level = metadataLevel(options?.returnMetadata);
  const topK = options?.topK ?? DEFAULT_TOP_K;
  throwIfRefused(
    "VECTOR_QUERY",
    refuseTopK({ topK, returnsPayload: options?.returnValues === true || level === "all" }),
  );
  throwIfRefused("VECTOR_QUERY", refuseNamespace(options?.namespace ?? null));
  if (options?.filter === undefined) return { topK, level, filter: null };
  const result = metadataFilter(options.filter);
  if ("refusal" in result) throw refused("VECTOR_QUERY", result.refusal);
  return { topK, level, filter: result.filter };
}

/** The runtime turns `true` into "all" but lets `false` through, which the platform then cannot parse: so do we. */
function metadataLevel(option: VectorizeQueryOptions["returnMetadata"]): VectorizeMetadataRetrievalLevel {
  if (option === undefined || option === "none") return "none";
  if (option === "all" || option === "indexed") return option;
  if (typeof option !== "boolean") {
    throw new Error(
      `Invalid returnMetadata option. Expected: true, false, "none", "indexed" or "all"; got: ${String(option)}`,
    );
  }
  if (option) return "all";
  throw refused("VECTOR_QUERY", {
    code: 40026,
    message: "Failed to parse the request body as JSON: returnMetadata: expected value",
  });
}

function vectorizeMatch(
  match: IndexMatch,
  show: { readonly level: VectorizeMetadataRetrievalLevel; readonly values: boolean },
): VectorizeMatch {
  const { values, metadata, ...rest } = vectorizeVector(match.vector);
  return {
    ...rest,
    score: match.score,
    ...(show.values ? { values } : {}),
    ...(show.level === "none" || metadata === undefined
      ? {}
      : { metadata: show.level === "all" ? metadata : indexedMetadata(metadata) }),
  };
}

function vectorizeVector(vector: IndexVector): VectorizeVector {
  return {
    id: vector.id,
    values: [...vector.values],
    ...(vector.namespace === null ? {} : { namespace: vector.namespace }),
    ...(vector.metadata === null ? {} : { metadata: vector.metadata }),
  };
}

function refused(operation: VectorizeOperation, refusal: VectorizeRefusal): Error {
  return vectorizeError(operation, refusal);
}

function throwIfRefused(operation: VectorizeOperation, refusal: VectorizeRefusal | null): void {
  if (refusal !== null) throw refused(operation, refusal);
}
