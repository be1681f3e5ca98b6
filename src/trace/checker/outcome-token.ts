/**
 * What a checker tells an outcome with: a token that settles one attempt of one task and opens nothing else. It carries its
 * tenant's id as a key does; the task's room keeps its SHA-256.
 */
import { parseId, type TenantId } from "../../market/ids.ts";

const TOKEN = /^sro_([0-9a-z]{26})_[0-9a-f]{48}$/;
const TOKEN_BYTES = 24;

export interface OutcomeToken {
  readonly tenantId: TenantId;
  /** SHA-256, lower-case hexadecimal. */
  readonly hash: string;
}

export async function newOutcomeToken(
  tenantId: TenantId,
): Promise<{ readonly token: string; readonly hash: string }> {
  const token = `sro_${tenantId.slice("ten_".length)}_${hex(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)))}`;
  return { token, hash: await sha256(token) };
}

/** Null: it is no such token. */
export async function readOutcomeToken(text: string): Promise<OutcomeToken | null> {
  const ulid = TOKEN.exec(text)?.[1];
  const tenantId = ulid === undefined ? null : parseId("ten", `ten_${ulid}`);
  return tenantId === null ? null : { tenantId, hash: await sha256(text) };
}

async function sha256(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
