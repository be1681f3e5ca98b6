/** What the rooms above tell of an Idempotency-Key, and what a room answers under one (over RPC: plain data). */

/** How long an Idempotency-Key is known. */
export const IDEMPOTENCY_MS = 24 * 60 * 60 * 1_000;

/** The client wants it done once. */
export interface IdempotentRequest {
  /** As the client wrote it. The room stores its hash. */
  readonly key: string;
  /** SHA-256 of the body as it came, lower-case hexadecimal. */
  readonly bodyHash: string;
  /** SHA-256 of the key; absent: from a Worker of the version before, which told of tasks alone. */
  readonly keyHash?: string;
  /** Method and path, ids included; absent: as above. */
  readonly route?: string;
  /** What the answer shows once, sealed for whoever can repeat the request. The room cannot open it. */
  readonly sealed?: string;
}

/** What there was to be found of an earlier request. */
export interface Replay {
  /** As that request left it; null: its answer has no secret. */
  readonly sealed: string | null;
}

/** `replay` is null, or absent in answers of a room of the version before, where the thing was made now. */
export interface Once<T> {
  readonly value: T;
  readonly replay?: Replay | null;
}

/** The key was used for another route, id or body. */
export interface IdempotencyConflict {
  readonly reason: "idempotency_conflict";
}

/** The only route that a Worker of the version before tells keys of. */
export const FIRST_ROUTE = "POST /v1/tasks";

/** With all that is absent in what a Worker of the version before tells. */
export async function completed(asked: IdempotentRequest | null | undefined): Promise<NamedRequest | null> {
  if (asked == null) return null;
  const { keyHash, route = FIRST_ROUTE } = asked;
  return { ...asked, route, keyHash: keyHash ?? (await sha256(asked.key)) };
}

/** As Workers of this version tell of it. */
export type NamedRequest = IdempotentRequest & Required<Pick<IdempotentRequest, "keyHash" | "route">>;

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
