/**
 * What the room has made under Idempotency-Keys, and answered: told again, it answers the same and makes nothing.
 *
 * Called inside the transaction that makes the thing: either both stand or neither. A refusal is not remembered: it made
 * nothing, and the key stays free. Of bodies and keys there are only hashes. Without a timer, so that an idle room has no
 * alarm: what has expired is passed over, and goes with requests that come later, or with rows for the history.
 */
import { ok, fail, type Result } from "../market/result.ts";
import {
  FIRST_ROUTE,
  IDEMPOTENCY_MS,
  type IdempotencyConflict,
  type NamedRequest,
  type Once,
  type Replay,
} from "./idempotency.ts";

/** Keys from before there were other routes stand as they came, each for its whole tenant. */
export const REPLAY_SCHEMA = `
CREATE TABLE replays (
  scope TEXT NOT NULL, key_hash TEXT NOT NULL, route TEXT NOT NULL, body_hash TEXT NOT NULL,
  answer TEXT NOT NULL, sealed TEXT, expires_at_ms INTEGER NOT NULL,
  PRIMARY KEY (scope, key_hash)
) WITHOUT ROWID;
CREATE INDEX replays_expiry ON replays (expires_at_ms);
INSERT INTO replays
  SELECT '', 'raw:' || key, '${FIRST_ROUTE}', body_hash, json_quote(task_id), NULL, expires_at_ms FROM idempotency;
DROP TABLE idempotency;
`;

/** Expired ones that go with one request: more than it adds, and few enough not to be felt. */
const FORGET_AT_ONCE = 100;

/** Whose Idempotency-Key it is, where no account of a key asks. */
export const OPERATOR_SCOPE = "operator";

export interface Asked {
  /** Null: the client does not mind having it made again. */
  readonly request: NamedRequest | null;
  /** Account of the key that asks, which a successor shares; or the operator's scope. */
  readonly scope: string;
}

interface Steps<T, Kept, F> {
  readonly make: () => Result<T, F>;
  /** What is stored of it, as JSON: what the answer is made of again. */
  readonly keep: (made: T) => Kept;
  readonly again: (kept: Kept) => T;
}

interface ReplayRow extends Record<string, SqlStorageValue> {
  route: string;
  body_hash: string;
  answer: string;
  sealed: string | null;
}

export class Replays {
  readonly #sql: SqlStorage;
  readonly #now: () => number;

  constructor(storage: DurableObjectStorage, now: () => number) {
    this.#sql = storage.sql;
    this.#now = now;
  }

  /** Whoever asks must have been found to be allowed what it asks for, by now: a replay shows the answer. */
  once<T, Kept, F>(
    { request, scope }: Asked,
    { make, keep, again }: Steps<T, Kept, F>,
  ): Result<Once<T>, F | IdempotencyConflict> {
    if (request === null) {
      const made = make();
      return made.ok ? ok({ value: made.value, replay: null }) : made;
    }
    this.forgetExpired();
    const known = this.#find(request, scope);
    if (known !== null && !isSame(known, request)) return fail({ reason: "idempotency_conflict" });
    if (known !== null) {
      const replay: Replay = { sealed: known.sealed };
      // SAFETY: what is stored under a route is what `keep` of the same route gave.
      return ok({ value: again(JSON.parse(known.answer) as Kept), replay });
    }
    const made = make();
    if (!made.ok) return made;
    this.#remember(request, scope, JSON.stringify(keep(made.value)));
    return ok({ value: made.value, replay: null });
  }

  forgetExpired(): void {
    this.#sql.exec(
      `DELETE FROM replays WHERE (scope, key_hash) IN
       (SELECT scope, key_hash FROM replays WHERE expires_at_ms <= ? LIMIT ?)`,
      this.#now(),
      FORGET_AT_ONCE,
    );
  }

  #find({ key, keyHash }: NamedRequest, scope: string): ReplayRow | null {
    const row = this.#sql
      .exec<ReplayRow>(
        `SELECT route, body_hash, answer, sealed FROM replays WHERE +expires_at_ms > ?
         AND ((scope = ? AND key_hash = ?) OR (scope = '' AND key_hash = ?))`,
        this.#now(),
        scope,
        keyHash,
        `raw:${key}`,
      )
      .toArray()[0];
    return row ?? null;
  }

  #remember({ keyHash, route, bodyHash, sealed }: NamedRequest, scope: string, answer: string): void {
    this.#sql.exec(
      // One that has expired may stand there still.
      `INSERT OR REPLACE INTO replays (scope, key_hash, route, body_hash, answer, sealed, expires_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
      scope,
      keyHash,
      route,
      bodyHash,
      answer,
      sealed ?? null,
      this.#now() + IDEMPOTENCY_MS,
    );
  }
}

function isSame(known: ReplayRow, { route, bodyHash }: NamedRequest): boolean {
  return known.route === route && known.body_hash === bodyHash;
}
