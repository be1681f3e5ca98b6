/** Checks what is written to or asked of an index against the platform's limits. Pure: returns the first refusal, or null. */
import {
  MAX_BATCH,
  MAX_ID_BYTES,
  MAX_METADATA_BYTES,
  MAX_NAMESPACE_BYTES,
  MAX_TOP_K,
  MAX_TOP_K_WITH_PAYLOAD,
  utf8Length,
} from "./limits.ts";
import type { VectorizeRefusal } from "./limits.ts";

/** A vector as the index stores it. */
export interface IndexVector {
  readonly id: string;
  readonly values: readonly number[];
  readonly namespace: string | null;
  readonly metadata: Readonly<Record<string, VectorizeVectorMetadata>> | null;
}

export function refuseVectors(vectors: readonly IndexVector[], dimensions: number): VectorizeRefusal | null {
  if (vectors.length === 0) return { code: 40023, message: "failed to parse vectors in request: no vectors" };
  if (vectors.length > MAX_BATCH) {
    return {
      code: null,
      message: `too many vectors in payload; max vector count is ${MAX_BATCH}, got ${vectors.length}`,
    };
  }
  for (const vector of vectors) {
    const refusal = refuseVector(vector, dimensions);
    if (refusal !== null) return refusal;
  }
  return null;
}

function refuseVector(vector: IndexVector, dimensions: number): VectorizeRefusal | null {
  const idRefusal = refuseId(vector.id);
  if (idRefusal !== null) return idRefusal;
  if (vector.values.length !== dimensions) {
    return {
      code: 40012,
      message: `invalid vector for id="${vector.id}", expected ${dimensions} dimensions, and got ${vector.values.length} dimensions`,
    };
  }
  if (!vector.values.every((value) => Number.isFinite(value))) {
    return {
      code: 40023,
      message: `failed to parse vectors in request: id="${vector.id}" has a value that is no number`,
    };
  }
  const namespaceRefusal = refuseNamespace(vector.namespace);
  if (namespaceRefusal !== null) return namespaceRefusal;
  return vector.metadata === null ? null : refuseMetadata(vector.id, vector.metadata);
}

function refuseMetadata(id: string, metadata: Readonly<Record<string, unknown>>): VectorizeRefusal | null {
  const bytes = utf8Length(JSON.stringify(metadata));
  if (bytes > MAX_METADATA_BYTES) {
    return {
      code: null,
      message: `metadata too large for id="${id}"; max is ${MAX_METADATA_BYTES} bytes, got ${bytes} bytes`,
    };
  }
  const bad = Object.keys(metadata).find((key) => key === "" || key.startsWith("$") || /[."]/.test(key));
  return bad === undefined
    ? null
    : { code: null, message: `invalid metadata key ${JSON.stringify(bad)} for id="${id}"` };
}

export function refuseId(id: string): VectorizeRefusal | null {
  const bytes = utf8Length(id);
  if (bytes === 0) return { code: null, message: "id must not be empty" };
  return bytes > MAX_ID_BYTES
    ? { code: 40008, message: `id too long; max is ${MAX_ID_BYTES} bytes, got ${bytes} bytes` }
    : null;
}

export function refuseNamespace(namespace: string | null): VectorizeRefusal | null {
  const bytes = namespace === null ? 0 : utf8Length(namespace);
  return bytes > MAX_NAMESPACE_BYTES
    ? { code: null, message: `namespace too long; max is ${MAX_NAMESPACE_BYTES} bytes, got ${bytes} bytes` }
    : null;
}

/** @param most ids that this operation takes at once */
export function refuseIds(ids: readonly string[], most: number): VectorizeRefusal | null {
  return ids.length > most
    ? { code: 40007, message: `too many ids in payload; max id count is ${most}, got ${ids.length}` }
    : null;
}

export function refuseTopK(query: {
  readonly topK: number;
  readonly returnsPayload: boolean;
}): VectorizeRefusal | null {
  if (!Number.isInteger(query.topK) || query.topK < 1)
    return {
      code: 40026,
      message: "Failed to parse the request body as JSON: topK: expected a positive integer",
    };
  if (query.returnsPayload && query.topK > MAX_TOP_K_WITH_PAYLOAD) {
    return {
      code: 40025,
      message: `with returnValues=true or returnMetadata=all, max top K is ${MAX_TOP_K_WITH_PAYLOAD}, but got ${query.topK}; for a top K up to ${MAX_TOP_K}, retry with returnValues=false and returnMetadata=indexed`,
    };
  }
  return query.topK > MAX_TOP_K
    ? { code: 40025, message: `max top K is ${MAX_TOP_K}, but got ${query.topK}` }
    : null;
}
