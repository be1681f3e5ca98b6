/**
 * Vectorize's limits and how it refuses what passes them.
 *
 * Sources: developers.cloudflare.com/vectorize/platform/limits and …/reference/metadata-filtering; codes and wordings as seen
 * in production where known (40006, 40007, 40008, 40012, 40023, 40025, 40026). Where a code is not known, the message has none.
 */

export const MAX_ID_BYTES = 64;
export const MAX_NAMESPACE_BYTES = 64;
export const MAX_METADATA_BYTES = 10 * 1024;
/** Vectors in one insert or upsert through the binding. */
export const MAX_BATCH = 1000;
/** Ids in one getByIds. Not in the table of limits, seen in production. */
export const MAX_GET_IDS = 20;
/** Ids in one deleteByIds. Not in the table of limits, seen in production. */
export const MAX_DELETE_IDS = 100;
export const MAX_TOP_K = 100;
/** With values or full metadata. Documented; production was seen to allow 50, and what keeps to 20 works with both. */
export const MAX_TOP_K_WITH_PAYLOAD = 20;
export const DEFAULT_TOP_K = 5;
/** Compact JSON of a filter must stay below this. */
export const MAX_FILTER_BYTES = 2048;
export const MAX_FILTER_KEY_LENGTH = 512;
/** Bytes of a string that a metadata index keeps; `returnMetadata: "indexed"` shows no more. */
export const INDEXED_STRING_BYTES = 64;

export type VectorizeOperation =
  | "INDEX_GET"
  | "VECTOR_QUERY"
  | "VECTOR_INSERT"
  | "VECTOR_UPSERT"
  | "VECTOR_GET"
  | "VECTOR_DELETE";

/** What was refused and why. */
export interface VectorizeRefusal {
  /** Null where production's code for this is not known. */
  readonly code: number | null;
  readonly message: string;
}

/** The error that the binding throws: `VECTOR_QUERY_ERROR (code = 40006): …`. */
export function vectorizeError(operation: VectorizeOperation, refusal: VectorizeRefusal): Error {
  const code = refusal.code === null ? "" : ` (code = ${refusal.code})`;
  return new Error(`${operation}_ERROR${code}: ${refusal.message}`, { cause: new Error(refusal.message) });
}

export function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}
