/**
 * What the house asks of its memory's outside: an embedding of a task, and an index of vectors.
 *
 * The index holds id, vector, namespace and version only; texts stay in the market room. It is eventually consistent.
 */
import type { CallBill } from "../market/call.ts";
import type { TenantId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import type { Result } from "../market/result.ts";

export interface EmbeddingFailure {
  readonly reason: "unreachable" | "malformed" | "wrong_dimension" | "misconfigured";
  readonly message: string;
}

/** What came of asking for an embedding, and what is owed for it: an answer of no use may be owed all the same. */
export interface EmbeddingAnswer {
  /** At unit length, of the embedder's dimension. */
  readonly vector: Result<Float32Array, EmbeddingFailure>;
  readonly bill: CallBill;
}

export interface Embedder {
  readonly dimension: number;
  /** Most that embedding the text can cost. */
  bound(text: string): Micros;
  /** Never rejects. */
  embed(text: string, signal: AbortSignal): Promise<EmbeddingAnswer>;
}

export interface IndexedVector {
  /** The auction's id. */
  readonly id: string;
  readonly version: number;
  readonly values: Float32Array;
}

export interface VectorIndex {
  /** Nearest entries of one tenant, best first. Rejects when the index cannot be reached. */
  query(
    tenantId: TenantId,
    vector: Float32Array,
    topK: number,
  ): Promise<readonly { readonly id: string; readonly similarity: number }[]>;
  upsert(tenantId: TenantId, vectors: readonly IndexedVector[]): Promise<void>;
  /** The versions that queries can see, by id; absent ids are not visible. */
  visibleVersions(tenantId: TenantId, ids: readonly string[]): Promise<ReadonlyMap<string, number>>;
  remove(tenantId: TenantId, ids: readonly string[]): Promise<void>;
}
