/**
 * The management of a tenant's keys, by its operator or by its own keys of scope `admin`.
 *
 * Called inside the market room's transactions. A key hands out no more than it may do itself: neither by making another
 * nor by rotating one.
 */
import { endOfOverlap, keyState, KEY_SCOPES, mayGrant, type KeyScope } from "../market/key-scope.ts";
import type { KeyId } from "../market/ids.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { KeyStore, StoredKey } from "./key-store.ts";
import type { ApiKey } from "./market-room-api.ts";

/** `by`: hash of the key that asks; null: the operator does. */
export type KeyOrder = { readonly by: string | null } & (
  | { readonly kind: "list" }
  | { readonly kind: "create"; readonly key: ApiKey }
  | { readonly kind: "revoke"; readonly keyId: KeyId }
  | {
      readonly kind: "rotate";
      readonly keyId: KeyId;
      readonly successor: Pick<ApiKey, "keyId" | "hash">;
      /** How long the old key goes on. */
      readonly overlapS: number;
      /** When the new one ends; null: never; absent: when the old one would have. */
      readonly expiresAtMs?: number | null;
    }
);

/** A key as its managers see it: without its hash. */
export type KeyView = Omit<StoredKey, "hash">;

export interface KeyRefusal {
  /** `key_inactive`: it has ended, and gets no successor. `tenant_not_found`: the operator's only. */
  readonly reason: "unauthenticated" | "forbidden" | "key_not_found" | "key_inactive" | "tenant_not_found";
}

/** The keys that the order is about: all of a list, the made, the revoked, or the successor. */
export type KeyAnswer = Result<readonly KeyView[], KeyRefusal>;

export class KeyDesk {
  readonly #keys: KeyStore;
  readonly #now: () => number;

  constructor(keys: KeyStore, now: () => number) {
    this.#keys = keys;
    this.#now = now;
  }

  carryOut(order: KeyOrder): KeyAnswer {
    const granted = this.#scopesOf(order.by);
    if (!granted.ok) return granted;
    switch (order.kind) {
      case "list":
        return ok(this.#keys.all().map(viewOf));
      case "create":
        return this.#create(order.key, granted.value);
      case "revoke":
        return this.#revoke(order.keyId);
      case "rotate":
        return this.#rotate(order, granted.value);
    }
  }

  /** What whoever asks may hand out. */
  #scopesOf(by: string | null): Result<readonly KeyScope[], KeyRefusal> {
    if (by === null) return ok(KEY_SCOPES);
    const key = this.#keys.use(by, this.#now());
    if (key === null) return fail({ reason: "unauthenticated" });
    return key.scopes.includes("admin") ? ok(key.scopes) : fail({ reason: "forbidden" });
  }

  #create(key: ApiKey, granted: readonly KeyScope[]): KeyAnswer {
    const { keyId, hash, name, budget, limits = null, scopes = KEY_SCOPES, expiresAtMs = null } = key;
    if (!mayGrant(granted, scopes)) return fail({ reason: "forbidden" });
    return ok([this.#add({ keyId, hash, name, budget, limits, scopes, expiresAtMs, account: keyId })]);
  }

  #add(key: Omit<StoredKey, "createdAtMs" | "revokedAtMs" | "lastUsedAtMs">): KeyView {
    const added = { ...key, createdAtMs: this.#now(), revokedAtMs: null, lastUsedAtMs: null };
    this.#keys.add(added);
    return viewOf(added);
  }

  /** Told again, it stays revoked since when it was. */
  #revoke(keyId: KeyId): KeyAnswer {
    const key = this.#keys.find(keyId);
    if (key === null) return fail({ reason: "key_not_found" });
    const revoked = { ...key, revokedAtMs: key.revokedAtMs ?? this.#now() };
    this.#keys.putTimes(revoked);
    return ok([viewOf(revoked)]);
  }

  #rotate(order: Extract<KeyOrder, { readonly kind: "rotate" }>, granted: readonly KeyScope[]): KeyAnswer {
    const key = this.#keys.find(order.keyId);
    if (key === null) return fail({ reason: "key_not_found" });
    if (!mayGrant(granted, key.scopes)) return fail({ reason: "forbidden" });
    const nowMs = this.#now();
    if (keyState(key, nowMs) !== "active") return fail({ reason: "key_inactive" });
    const untilMs = nowMs + order.overlapS * 1_000;
    this.#keys.putTimes({ ...key, expiresAtMs: endOfOverlap(key.expiresAtMs, untilMs) });
    const { name, scopes, budget, limits, account } = key;
    const expiresAtMs = order.expiresAtMs === undefined ? key.expiresAtMs : order.expiresAtMs;
    // In the same account: neither a budget nor a rate is to be had twice by rotating its key.
    return ok([this.#add({ ...order.successor, name, scopes, budget, limits, account, expiresAtMs })]);
  }
}

function viewOf({ hash: _hash, ...view }: StoredKey): KeyView {
  return view;
}
