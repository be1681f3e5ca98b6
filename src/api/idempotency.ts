/**
 * `Idempotency-Key` on whatever creates something: what the rooms need to know the request again, and secrets that an
 * answer shows once.
 *
 * Such an answer must be the same when it is asked for again, and its secret must not be readable where it is kept. So it
 * is kept sealed (AES-GCM) under a key that is derived (HKDF, RFC 5869) from the caller's own credential together with the
 * Idempotency-Key. Of both, the rooms store hashes: only who can repeat the request can open the seal.
 */
import type { Context } from "hono";
import type { NamedRequest, Replay } from "../tenancy/idempotency.ts";
import type { ApiEnv } from "./api-env.ts";
import { bearerToken } from "./credentials.ts";
import { sha256Hex } from "./digest.ts";
import { Problem } from "./problem.ts";
import { idempotencyKey } from "./request-headers.ts";

/** Bytes of AES-GCM's nonce: a new one for each secret, in front of what is sealed. */
const NONCE_BYTES = 12;
const PURPOSE = "saleroom replayed secret v1";

/** Null: the client sent no Idempotency-Key. @param text the body as it came @throws Problem invalid_parameter */
export async function idempotencyOf(c: Context<ApiEnv>, text: string): Promise<NamedRequest | null> {
  const key = idempotencyKey(c);
  if (key === null) return null;
  const [keyHash, bodyHash] = await Promise.all([sha256Hex(key), sha256Hex(text)]);
  return { key, keyHash, bodyHash, route: `${c.req.method} ${c.req.path}` };
}

/** Tells the client that nothing was made now. */
export function markReplayed(c: Context<ApiEnv>): void {
  c.header("Idempotency-Replayed", "true");
}

/** The request with what its answer will show once. */
export async function withSecret(
  c: Context<ApiEnv>,
  request: NamedRequest | null,
  secret: string,
): Promise<NamedRequest | null> {
  if (request === null) return null;
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const cipher = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv: nonce, additionalData: bytesOf(request.route) },
    await sealingKey(c, request),
    bytesOf(secret),
  );
  return { ...request, sealed: toBase64(new Uint8Array([...nonce, ...new Uint8Array(cipher)])) };
}

/**
 * The secret that the answer shows: the one that was made now, or for a replay the one that was made then.
 *
 * @throws Problem idempotent_secret_sealed where the caller's credential is another than the one that it was made with
 */
export async function secretOf(
  c: Context<ApiEnv>,
  request: NamedRequest | null,
  { made, replay }: { readonly made: string; readonly replay: Replay | null | undefined },
): Promise<string> {
  if (request === null || replay == null) return made;
  const sealed = Uint8Array.from(atob(replay.sealed ?? ""), (char) => char.charCodeAt(0));
  const key = await sealingKey(c, request);
  try {
    const secret = await crypto.subtle.decrypt(
      {
        name: "AES-GCM",
        iv: sealed.slice(0, NONCE_BYTES),
        additionalData: bytesOf(request.route),
      },
      key,
      sealed.slice(NONCE_BYTES),
    );
    return new TextDecoder().decode(secret);
  } catch {
    throw new Problem("idempotent_secret_sealed");
  }
}

async function sealingKey(c: Context<ApiEnv>, { key }: NamedRequest): Promise<CryptoKey> {
  const credential = await crypto.subtle.importKey("raw", bytesOf(bearerToken(c)), "HKDF", false, [
    "deriveKey",
  ]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: bytesOf(key), info: bytesOf(PURPOSE) },
    credential,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
