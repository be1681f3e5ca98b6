/**
 * The management of a tenant's keys, by its operator or by its own keys of scope `admin`.
 *
 * Called inside the market room's transactions. A key hands out no more than it may do itself: neither by making another
 * nor by rotating one. Where it has a budget or rates of its own, any key of another account would have them once more.
 */
import { endOfOverlap, keyState, KEY_SCOPES, mayGrant, type KeyScope } from "../market/key-scope.ts";
import type { KeyId } from "../market/ids.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { IdempotencyConflict, IdempotentRequest, NamedRequest, Once, Replay } from "./idempotency.ts";
import type { KeyPage, KeyStore, StoredKey } from "./key-store.ts";
import type { ApiKey } from "./market-room-api.ts";
import { OPERATOR_SCOPE, type Replays } from "./replays.ts";

/** Keys of one tenant that have not ended. */
export const MAX_KEYS = 1_000;

/** `by`: hash of the key that asks; null: the operator does. */
export type KeyOrder = { readonly by: string | null } &
  /** Without a page, from a Worker of the version before: as many as there may be. */
  (
    | { readonly kind: "list"; readonly page?: KeyPage }
    | { readonly kind: "create"; readonly key: ApiKey; readonly idempotency?: IdempotentRequest | null }
    | { readonly kind: "revoke"; readonly keyId: KeyId }
    | {
        readonly kind: "rotate";
        readonly keyId: KeyId;
        readonly successor: Pick<ApiKey, "keyId" | "hash">;
        /** How long the old key goes on. */
        readonly overlapS: number;
        /** When the new one ends; null: never; absent: when the old one would have. */
        readonly expiresAtMs?: number | null;
        readonly idempotency?: IdempotentRequest | null;
      }
  );

/** A key as its managers see it: without its hash. */
export type KeyView = Omit<StoredKey, "hash">;

export interface KeyRefusal {
  /**
   * `key_inactive`: it has ended, and gets no successor. `expiry_passed`: the new key would have ended before it began.
   * `tenant_not_found`: the operator's only.
   */
  readonly reason:
    | "unauthenticated"
    | "forbidden"
    | "key_not_found"
    | "key_inactive"
    | "expiry_passed"
    | "too_many_keys"
    | "tenant_not_found";
}

/** The keys that the order is about: those of a list, the made, the revoked, or the successor. */
export type KeyAnswer = Result<readonly KeyView[], KeyRefusal | IdempotencyConflict> & {
  /** Null or absent: what was ordered was carried out now. */
  readonly replay?: Replay | null;
};

/** Whoever orders, and what it may hand out. */
interface Manager {
  readonly scopes: readonly KeyScope[];
  /** Whose Idempotency-Keys it uses. */
  readonly scope: string;
  /** The only account that it hands out keys of; null: any. */
  readonly within: KeyId | null;
}

export class KeyDesk {
  readonly #keys: KeyStore;
  readonly #replays: Replays;
  readonly #now: () => number;

  constructor(keys: KeyStore, replays: Replays, now: () => number) {
    this.#keys = keys;
    this.#replays = replays;
    this.#now = now;
  }

  /** @param idempotency of the order, with all that it may lack */
  carryOut(order: KeyOrder, idempotency: NamedRequest | null): KeyAnswer {
    const manager = this.#manager(order.by);
    if (!manager.ok) return manager;
    switch (order.kind) {
      case "list":
        return ok(this.#keys.page(order.page ?? { after: "", limit: MAX_KEYS }).map(viewOf));
      case "create":
        return this.#create(order.key, manager.value, idempotency);
      case "revoke":
        return this.#revoke(order.keyId);
      case "rotate":
        return this.#rotate(order, manager.value, idempotency);
    }
  }

  #manager(by: string | null): Result<Manager, KeyRefusal> {
    if (by === null) return ok({ scopes: KEY_SCOPES, scope: OPERATOR_SCOPE, within: null });
    const key = this.#keys.use(by, this.#now());
    if (key === null) return fail({ reason: "unauthenticated" });
    if (!key.scopes.includes("admin")) return fail({ reason: "forbidden" });
    return ok({ scopes: key.scopes, scope: key.account, within: isCapped(key) ? key.account : null });
  }

  #create(key: ApiKey, manager: Manager, request: NamedRequest | null): KeyAnswer {
    const { keyId, hash, name, budget, limits = null, scopes = KEY_SCOPES, expiresAtMs = null } = key;
    if (manager.within !== null || !mayGrant(manager.scopes, scopes)) return fail({ reason: "forbidden" });
    return this.#once(manager, request, () => {
      const refusal = this.#refusalOf(expiresAtMs, 0);
      if (refusal !== null) return fail(refusal);
      return ok(this.#add({ keyId, hash, name, budget, limits, scopes, expiresAtMs, account: keyId }));
    });
  }

  /** Told again, as it was then: what became of the key since is shown by the list. */
  #once(
    { scope }: Manager,
    request: NamedRequest | null,
    make: () => Result<KeyView, KeyRefusal>,
  ): KeyAnswer {
    const once: Result<Once<KeyView>, KeyRefusal | IdempotencyConflict> = this.#replays.once(
      { request, scope },
      { make, keep: (view) => view, again: (view: KeyView) => view },
    );
    return once.ok ? { ...ok([once.value.value]), replay: once.value.replay ?? null } : once;
  }

  /** Why there can be no further key. @param ending how many end by it */
  #refusalOf(expiresAtMs: number | null, ending: number): KeyRefusal | null {
    const nowMs = this.#now();
    if (expiresAtMs !== null && expiresAtMs <= nowMs) return { reason: "expiry_passed" };
    const standing = this.#keys.countStanding(nowMs, MAX_KEYS + ending);
    return standing - ending < MAX_KEYS ? null : { reason: "too_many_keys" };
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

  #rotate(
    order: Extract<KeyOrder, { readonly kind: "rotate" }>,
    manager: Manager,
    request: NamedRequest | null,
  ): KeyAnswer {
    const key = this.#keys.find(order.keyId);
    if (key === null) return fail({ reason: "key_not_found" });
    const isOutside = manager.within !== null && manager.within !== key.account;
    if (isOutside || !mayGrant(manager.scopes, key.scopes)) return fail({ reason: "forbidden" });
    // Rotated without an overlap, the old key has ended by the first request: that is no reason to refuse its replay.
    return this.#once(manager, request, () => this.#succeed(key, order));
  }

  #succeed(
    key: StoredKey,
    order: Extract<KeyOrder, { readonly kind: "rotate" }>,
  ): Result<KeyView, KeyRefusal> {
    const nowMs = this.#now();
    if (keyState(key, nowMs) !== "active") return fail({ reason: "key_inactive" });
    const expiresAtMs = order.expiresAtMs === undefined ? key.expiresAtMs : order.expiresAtMs;
    const refusal = this.#refusalOf(expiresAtMs, order.overlapS === 0 ? 1 : 0);
    if (refusal !== null) return fail(refusal);
    const untilMs = nowMs + order.overlapS * 1_000;
    this.#keys.putTimes({ ...key, expiresAtMs: endOfOverlap(key.expiresAtMs, untilMs) });
    const { name, scopes, budget, limits, account } = key;
    // In the same account: neither a budget nor a rate is to be had twice by rotating its key.
    return ok(this.#add({ ...order.successor, name, scopes, budget, limits, account, expiresAtMs }));
  }
}

function isCapped({ budget, limits }: StoredKey): boolean {
  return [budget, limits].some((caps) => Object.values(caps ?? {}).some((cap) => cap !== null));
}

function viewOf({ hash: _hash, ...view }: StoredKey): KeyView {
  return view;
}
