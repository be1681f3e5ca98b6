/**
 * The erasure of a tenant as its market room takes part in it (`erase-tenant.ts` leads).
 *
 * Once it has begun, the tenant's keys open nothing and nothing new comes in; it is never taken back. What others write
 * for the tenant must have ended before anything of it is erased, or it would be written again: open tasks, and consumers
 * that carry its rows and vectors. The room itself goes last, and knows until then what is left.
 */
import type { RowCounts } from "../history/erase-rows.ts";
import type { TaskId } from "../market/ids.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { isFinal } from "../market/task.ts";
import { FINISHED_CARRYING_MS, type Carriers } from "./carriers.ts";
import type { Calibrations } from "./calibrations.ts";
import type { MarketDesk } from "./market-desk.ts";

/** What there is of a tenant, outside and inside of its rooms. */
export interface TenantCounts {
  /** In D1, by table. */
  readonly rows: RowCounts;
  /** Entries of the memory: of each the index may hold a vector. */
  readonly vectors: number;
  /** Tasks that have, or had, a room. */
  readonly taskRooms: number;
  readonly marketRooms: number;
}

/** How an erasure was begun. */
export interface Erasure {
  readonly begunAtMs: number;
  /** Counted when nobody wrote any more; null: it has not come to that. */
  readonly before: TenantCounts | null;
}

/** What the room still holds, or waits for. */
export interface ErasureState {
  readonly begunAtMs: number;
  readonly before: TenantCounts | null;
  readonly openTasks: number;
  /** Consumers that may still write. */
  readonly carriers: number;
  readonly vectors: number;
  readonly taskRooms: number;
}

export type BeginRefusal =
  | { readonly reason: "unknown_tenant" }
  /** Nothing has begun. */
  | { readonly reason: "open_tasks"; readonly openTasks: number };

export interface ErasureApi {
  /** Begins, or goes on. @param force cancels what is open; without it a tenant with open tasks is left as it is */
  beginErasure(force: boolean): Promise<Result<ErasureState, BeginRefusal>>;
  /** Null where there is no such tenant, or no erasure of it has begun. */
  erasureState(): Promise<ErasureState | null>;
  /** What there was; the first to say so is believed. */
  noteErasure(before: TenantCounts): Promise<void>;
  /** Some of the ids whose rooms or vectors are left. */
  leftOf(what: ErasedPart, limit: number): Promise<readonly string[]>;
  /** These are seen to be gone. */
  erased(what: ErasedPart, ids: readonly string[]): Promise<void>;
  /** The room's own storage, once nothing else is left; false: something is, and the room stays. */
  eraseRoom(): Promise<boolean>;
  /** Whether the room holds any storage; asking makes none. */
  holdsStorage(): Promise<boolean>;
}

const PLACES = {
  taskRooms: { column: "task_id", tables: ["accounts"] },
  vectors: { column: "auction_id", tables: ["memory", "memory_window"] },
} as const;
export type ErasedPart = keyof typeof PLACES;

export interface ErasureDeskParts {
  readonly storage: DurableObjectStorage;
  readonly desk: MarketDesk;
  readonly calibrations: Calibrations;
  readonly carriers: Carriers;
}

export class ErasureDesk {
  readonly #sql: SqlStorage;
  readonly #desk: MarketDesk;
  readonly #calibrations: Calibrations;
  readonly #carriers: Carriers;
  readonly #wokeAtMs: number;

  constructor({ storage, desk, calibrations, carriers }: ErasureDeskParts) {
    this.#sql = storage.sql;
    this.#desk = desk;
    this.#calibrations = calibrations;
    this.#carriers = carriers;
    this.#wokeAtMs = desk.now();
  }

  /** Call it in a transaction; returns the tasks that are to hear that they are stopped. */
  begin(force: boolean): Result<readonly TaskId[], BeginRefusal> {
    const { store } = this.#desk;
    const tenant = this.#desk.mustTenant();
    const open = store.tasks.all().filter((task) => !isFinal(task.state));
    if (open.length > 0 && !force && tenant.erasure === null)
      return fail({ reason: "open_tasks", openTasks: open.length });
    if (tenant.erasure === null) {
      const begunAtMs = this.#desk.now();
      store.putTenant({ ...tenant, erasure: { begunAtMs, before: null } });
      this.#expectUnknownCarrier(tenant.createdAtMs);
    }
    this.#calibrations.stopAll();
    for (const { taskId } of open) this.#desk.stop(taskId);
    return ok(open.map(({ taskId }) => taskId));
  }

  /** Rows that wait may have been handed out before this object woke, to a consumer that it does not remember. */
  #expectUnknownCarrier(createdAtMs: number): void {
    const isYoung = this.#desk.now() < this.#wokeAtMs + FINISHED_CARRYING_MS;
    if (isYoung && this.#wokeAtMs > createdAtMs && this.#desk.store.history.oldest() !== null)
      this.#carriers.handedOut([], this.#wokeAtMs);
  }

  state(): ErasureState | null {
    const { erasure } = this.#desk.mustTenant();
    if (erasure === null) return null;
    const nowMs = this.#desk.now();
    const claims = this.#count("SELECT count(*) AS n FROM memory_window WHERE held_until_ms > ?", nowMs);
    // Nothing is handed out any more, but whoever has a delivery may be about to send it.
    const sending = this.#count(
      `SELECT count(*) AS n FROM (SELECT held_until_ms FROM deliveries
       UNION ALL SELECT value FROM counters WHERE name = 'removed-held-until') WHERE held_until_ms > ?`,
      nowMs,
    );
    return {
      ...erasure,
      openTasks: this.#desk.store.tasks.countOpen(),
      // A room that opened without its opening would be made again by the one that is still on its way.
      carriers: this.#carriers.count(nowMs) + claims + sending + this.#desk.outbox.deliveringCount,
      vectors: this.#count("SELECT count(*) AS n FROM memory"),
      taskRooms: this.#count("SELECT count(*) AS n FROM accounts"),
    };
  }

  mustState(): ErasureState {
    const state = this.state();
    if (state === null) throw new Error("no erasure has begun");
    return state;
  }

  /** Whether the room alone is left. */
  isLast(): boolean {
    const state = this.state();
    return state !== null && state.openTasks + state.carriers + state.vectors + state.taskRooms === 0;
  }

  /** Call it in a transaction, once no task is open: none of their rooms is told anything any more. */
  note(before: TenantCounts): void {
    const tenant = this.#desk.mustTenant();
    if (tenant.erasure === null) return;
    // An opening that is delivered again, since the object died before it could forget it, would make its room again.
    if (this.#desk.store.tasks.countOpen() === 0) this.#desk.outbox.dropAll();
    if (tenant.erasure.before !== null) return;
    this.#desk.store.putTenant({ ...tenant, erasure: { ...tenant.erasure, before } });
  }

  left(what: ErasedPart, limit: number): string[] {
    const { column, tables } = PLACES[what];
    return this.#sql
      .exec<{ id: string }>(`SELECT ${column} AS id FROM ${tables[0]} ORDER BY ${column} LIMIT ?`, limit)
      .toArray()
      .map(({ id }) => id);
  }

  /** Call it in a transaction. */
  erased(what: ErasedPart, ids: readonly string[]): void {
    const { column, tables } = PLACES[what];
    for (const id of ids)
      for (const table of tables) this.#sql.exec(`DELETE FROM ${table} WHERE ${column} = ?`, id);
    this.#desk.memory.forget();
  }

  #count(query: string, ...bindings: number[]): number {
    return this.#sql.exec<{ n: number }>(query, ...bindings).one().n;
  }
}
