/** What an API key may do, and how it stands at a given time. Pure. */
export const KEY_SCOPES = ["tasks", "read", "admin"] as const;

/**
 * `tasks`: submit and cancel; `read`: whatever is only read; `admin`: the tenant's own keys, policy and webhooks.
 * None includes another.
 */
export type KeyScope = (typeof KEY_SCOPES)[number];

export type KeyState = "active" | "expired" | "revoked";

/** Longest time that a key goes on beside its successor. */
export const MAX_OVERLAP_S = 30 * 24 * 60 * 60;

/** When a key ends; milliseconds since 1970. */
export interface KeyTimes {
  /** Null: never. From this moment on it opens nothing. */
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}

export function keyState({ expiresAtMs, revokedAtMs }: KeyTimes, nowMs: number): KeyState {
  if (revokedAtMs !== null) return "revoked";
  return expiresAtMs !== null && nowMs >= expiresAtMs ? "expired" : "active";
}

/** Nobody hands out more than they have. */
export function mayGrant(own: readonly KeyScope[], wanted: readonly KeyScope[]): boolean {
  return wanted.every((scope) => own.includes(scope));
}

/** When a key ends that has a successor from now on: never later than it would have ended anyway. */
export function endOfOverlap(expiresAtMs: number | null, untilMs: number): number {
  return Math.min(expiresAtMs ?? untilMs, untilMs);
}
