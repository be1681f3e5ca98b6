/**
 * Pools and policies that auctions are cleared under: stored once for all tasks that share them.
 *
 * A transition writes a few hundred bytes of its task; a pool is kilobytes. Ids mean nothing beyond the tasks that name
 * them, and the same ground may be stored twice: what is remembered to find it again is this object's own.
 */
import type { Policy } from "../market/policy.ts";
import type { Ground } from "./task-store.ts";

export class GroundStore {
  readonly #sql: SqlStorage;
  readonly #ids = new Map<string, number>();
  readonly #read = new Map<number, Ground>();
  /** As text, by a policy that comes again and the pool that it came with. */
  readonly #bodies = new WeakMap<Policy, { readonly pool: Ground["pool"]; readonly body: string }>();

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** The ground's id; call it in the transaction that stores what names it. */
  put({ pool, policy }: Ground): number {
    const body = this.#body({ pool, policy });
    const known = this.#ids.get(body);
    if (known !== undefined) return known;
    this.#removeUnnamed();
    const { id } = this.#sql
      .exec<{ id: number }>("INSERT INTO grounds (body) VALUES (?) RETURNING id", body)
      .one();
    this.#ids.set(body, id);
    return id;
  }

  #body({ pool, policy }: Ground): string {
    const known = this.#bodies.get(policy);
    if (known?.pool === pool) return known.body;
    const body = JSON.stringify({ pool, policy });
    this.#bodies.set(policy, { pool, body });
    return body;
  }

  /** With a new ground, those go that no task names any more: their ids may be given anew. */
  #removeUnnamed(): void {
    const removed = this.#sql
      .exec<{ id: number; body: string }>(
        `DELETE FROM grounds WHERE id NOT IN (SELECT ground FROM tasks WHERE ground IS NOT NULL) RETURNING id, body`,
      )
      .toArray();
    for (const { id, body } of removed) {
      this.#read.delete(id);
      if (this.#ids.get(body) === id) this.#ids.delete(body);
    }
  }

  read(id: number): Ground {
    const known = this.#read.get(id);
    if (known !== undefined) return known;
    const { body } = this.#sql.exec<{ body: string }>("SELECT body FROM grounds WHERE id = ?", id).one();
    const ground = JSON.parse(body) as Ground;
    this.#read.set(id, ground);
    return ground;
  }

  /** What was remembered in a transaction that did not stand. */
  forget(): void {
    this.#ids.clear();
    this.#read.clear();
  }
}
