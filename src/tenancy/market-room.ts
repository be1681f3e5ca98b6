/**
 * The market room: one Durable Object per tenant that orders its auctions and keeps its books.
 *
 * It decides and records; it never waits for a model (architecture, decision 1). Each transition is one transaction;
 * what others must learn of it leaves by the outbox. Only this room sets a task's final state.
 */
import { DurableObject } from "cloudflare:workers";
import { parseConfig, type Config } from "../config.ts";
import { Outbox } from "../durable/outbox.ts";
import { hasSchema, migrateSchema } from "../durable/schema.ts";
import { Timers, type Timer } from "../durable/timers.ts";
import { logError } from "../log.ts";
import type { TaskRow } from "../market/history-row.ts";
import type { TaskId, TenantId } from "../market/ids.ts";
import { salePolicy } from "../market/policy.ts";
import type { EndReport, SpentCall } from "../market/report.ts";
import { fail, type Result } from "../market/result.ts";
import { isFinal, type TaskEnd } from "../market/task.ts";
import { AuctionTransitions } from "./auction-transitions.ts";
import { endRows, taskRow } from "./history-rows.ts";
import { AUCTION_TIMER, MarketDesk, type ToTaskRoom } from "./market-desk.ts";
import type {
  AdmitRefusal,
  AdmitRequest,
  Admission,
  ApiKey,
  ClearOutcome,
  ClearRefusal,
  ClearRequest,
  LeaseAnswer,
  MarketRoomApi,
  ParkedRow,
  TenantSettings,
} from "./market-room-api.ts";
import { MARKET_SCHEMA, MarketStore, type MarketTask, type TenantDoc } from "./market-store.ts";
import type { TaskRoomPort } from "./task-room-port.ts";

/** History rows that nobody came for are announced again after this long. */
const HISTORY_NUDGE_MS = 10_000;
const HISTORY_TIMER = "history";

export class MarketRoom extends DurableObject<Env> implements MarketRoomApi {
  readonly #config: Config;
  readonly #store: MarketStore;
  readonly #timers: Timers;
  readonly #outbox: Outbox<ToTaskRoom>;
  readonly #desk: MarketDesk;
  readonly #auctions: AuctionTransitions;
  #ready: boolean;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = parseConfig(env);
    this.#store = new MarketStore(ctx.storage);
    const now = this.#config.source.now;
    this.#timers = new Timers(ctx.storage, now);
    this.#outbox = new Outbox({
      storage: ctx.storage,
      timers: this.#timers,
      now,
      deliver: async ({ lane, message }) => this.#deliver(this.#taskRoom(lane), message),
      report: (lane, error) => logError("market-outbox", error, { taskId: lane }),
    });
    this.#desk = new MarketDesk({
      config: this.#config,
      store: this.#store,
      timers: this.#timers,
      outbox: this.#outbox,
    });
    this.#auctions = new AuctionTransitions(this.#desk);
    this.#ready = hasSchema(ctx.storage);
    if (this.#ready) migrateSchema(ctx.storage, MARKET_SCHEMA);
  }

  // --- Tenant and keys ---

  async setUp(settings: TenantSettings): Promise<void> {
    if (!this.#ready) migrateSchema(this.ctx.storage, MARKET_SCHEMA);
    this.#ready = true;
    await this.#commit(() => {
      if (this.#store.tenant() !== null) return;
      const createdAtMs = this.#desk.now();
      const { tenantId, name, ordering, pool } = settings;
      const tenant = { tenantId, name, ordering, pool, createdAtMs };
      this.#store.putTenant({ ...tenant, lastSequence: 0, policyVersion: 1, rowVersion: 0 });
      this.#desk.recordTenant();
    });
  }

  /** False where there is no such tenant. */
  async addKey(key: ApiKey): Promise<boolean> {
    if (this.#tenant() === null) return false;
    this.#store.addKey(key, this.#desk.now());
    return true;
  }

  async authorize(keyHash: string): Promise<{ readonly tenantId: TenantId } | null> {
    const tenant = this.#tenant();
    return tenant !== null && this.#store.hasKey(keyHash) ? { tenantId: tenant.tenantId } : null;
  }

  async agents(): ReturnType<MarketRoomApi["agents"]> {
    const tenant = this.#desk.mustTenant();
    const pool = tenant.pool ?? this.#config.pool;
    return { pool, policy: salePolicy(pool, tenant.policyVersion) };
  }

  // --- The way of a task ---

  async admit(request: AdmitRequest): Promise<Result<Admission, AdmitRefusal>> {
    const tenant = this.#tenant();
    if (tenant === null || !this.#store.hasKey(request.keyHash)) return fail({ reason: "unauthenticated" });
    const admitted = await this.#commit(() => this.#auctions.admit(tenant, request));
    // For a replay too: the first answer may have been lost before the task's room was reached.
    if (admitted.ok) await this.#outbox.flush(admitted.value.taskId);
    await this.#timers.arm();
    return admitted;
  }

  async takeAuction(taskId: TaskId, generation: number): ReturnType<MarketRoomApi["takeAuction"]> {
    if (this.#tenant() === null) return fail({ reason: "stale" });
    // The task's room must know the task before anyone bids for it.
    await this.#outbox.flush(taskId);
    return this.#commit(() => this.#auctions.take(taskId, generation));
  }

  async renewAuction(taskId: TaskId, generation: number): Promise<LeaseAnswer> {
    if (this.#tenant() === null) return "ended";
    return this.#commit(() => this.#auctions.renew(taskId, generation));
  }

  async clear(request: ClearRequest): Promise<Result<ClearOutcome, ClearRefusal>> {
    if (this.#tenant() === null) return fail({ reason: "unknown_task" });
    return this.#commit(() => this.#auctions.clear(request), request.taskId);
  }

  /** The task's room stops the work and reports; until then the task is stopping, and nothing new begins. */
  async cancel(taskId: TaskId): Promise<boolean> {
    if (this.#tenant() === null) return false;
    return this.#commit(() => {
      const task = this.#store.task(taskId);
      if (task === null) return false;
      if (!isFinal(task.state) && !task.stopping) {
        this.#store.putTask({ ...task, stopping: true });
        this.#outbox.add(taskId, { kind: "stop", end: { state: "cancelled" } });
      }
      return true;
    }, taskId);
  }

  // --- What the task's room reports ---

  async spent(taskId: TaskId, calls: readonly SpentCall[]): Promise<void> {
    this.#desk.mustTenant();
    await this.#commit(() => {
      for (const call of calls) this.#store.addCharge(taskId, call);
    });
  }

  /** Settles the task: its final state, its row, its auction's turn. Told again, it answers the same. */
  async ended(report: EndReport): Promise<TaskEnd> {
    return this.#commit(() => this.#settle(report));
  }

  #settle(report: EndReport): TaskEnd {
    const task = this.#store.task(report.taskId);
    // Settled before, and gone from the room since: what was reported then stands.
    if (task === null) return report.end;
    if (task.end !== null) return task.end;
    const nowMs = this.#desk.now();
    this.#timers.clear(AUCTION_TIMER, task.taskId);
    const { tenantId } = this.#desk.mustTenant();
    for (const row of endRows(tenantId, report, nowMs)) this.#store.addHistory(row);
    this.#desk.record({ ...task, state: report.end.state, lease: null, end: report.end, endedAtMs: nowMs });
    if (task.state === "bidding") this.#desk.grantNext();
    if (this.#store.countOpen() === 0) this.#desk.recordTenant();
    return report.end;
  }

  // --- Reading, history, sweep ---

  async heldTasks(): Promise<readonly TaskRow[]> {
    const tenant = this.#tenant();
    if (tenant === null) return [];
    return this.#store
      .tasks()
      .map((task) => taskRow(tenant.tenantId, task, this.#store.charged(task.taskId)));
  }

  async historyBatch(limit: number): ReturnType<MarketRoomApi["historyBatch"]> {
    return this.#tenant() === null ? [] : this.#store.historyBatch(limit);
  }

  async historyWritten(written: readonly number[], parked: readonly ParkedRow[]): Promise<void> {
    await this.#commit(() => {
      this.#store.removeHistory(written);
      for (const row of parked) this.#store.parkHistory(row.id, row.error);
      this.#store.forgetSettled();
      if (!this.#store.hasHistory()) this.#timers.clear(HISTORY_TIMER, "");
    });
  }

  async sweep(): Promise<number> {
    if (this.#tenant() === null) return 0;
    const open = this.#store.tasks().filter((task) => !isFinal(task.state));
    for (const task of open) {
      await this.#outbox.flush(task.taskId);
      const now = this.#desk.openTask(task.taskId);
      if (now?.state === "bidding") this.#desk.timeAuction(now);
      if (now?.state !== "awarded") continue;
      try {
        await this.#taskRoom(task.taskId).wake();
      } catch (error) {
        logError("sweep-wake", error, { taskId: task.taskId });
      }
    }
    if (this.#store.hasHistory()) this.#timers.set(HISTORY_TIMER, "", this.#desk.now());
    await this.#timers.arm();
    return open.length;
  }

  override async alarm(): Promise<void> {
    if (!this.#ready) return;
    await this.#timers.ring(
      async (timer) => this.#onTimer(timer),
      (timer, error) => logError("market-timer", error, { kind: timer.kind, subject: timer.subject }),
    );
  }

  async #onTimer(timer: Timer): Promise<void> {
    if (Outbox.owns(timer.kind)) return this.#outbox.flush(timer.subject);
    if (timer.kind === HISTORY_TIMER) return this.#nudgeHistory();
    // SAFETY: auction timers are set with a task's id as subject, see `timeAuction`.
    const taskId = timer.subject as TaskId;
    const waiting = await this.#commit(() => this.#auctions.onTimer(taskId), taskId);
    if (waiting !== null) await this.#announceAuction(waiting);
  }

  // --- Effects ---

  /** One transaction; then its task's outbox leaves, the history is announced, and the alarm follows. */
  async #commit<T>(work: () => T, lane?: TaskId): Promise<T> {
    const result = this.ctx.storage.transactionSync(work);
    // Before anything else is waited for: what was decided must be taken up again if this object dies now.
    await this.#timers.arm();
    if (lane !== undefined) await this.#outbox.flush(lane);
    if (this.#store.hasHistory() && !this.#timers.has(HISTORY_TIMER, "")) await this.#nudgeHistory();
    await this.#timers.arm();
    return result;
  }

  async #deliver(room: TaskRoomPort, message: ToTaskRoom): Promise<void> {
    switch (message.kind) {
      case "open":
        return room.open(message.opening);
      case "award":
        return room.award(message.award);
      case "stop":
        return room.stop(message.end);
    }
  }

  /** The message may get lost: the auction's timer announces again what nobody took. */
  async #announceAuction(task: MarketTask): Promise<void> {
    const { tenantId } = this.#desk.mustTenant();
    const generation = task.lease?.generation ?? 1;
    await this.#config.workQueue.send({ kind: "auction", tenantId, taskId: task.taskId, generation });
  }

  async #nudgeHistory(): Promise<void> {
    if (!this.#store.hasHistory()) return this.#timers.clear(HISTORY_TIMER, "");
    this.#timers.set(HISTORY_TIMER, "", this.#desk.now() + HISTORY_NUDGE_MS);
    try {
      await this.#config.historyQueue.send({ kind: "history", tenantId: this.#desk.mustTenant().tenantId });
    } catch (error) {
      logError("history-nudge", error);
    }
  }

  #taskRoom(taskId: string): TaskRoomPort {
    // SAFETY: the outbox's lanes are ids of tasks.
    return this.#config.taskRoom<TaskRoomPort>(this.#desk.mustTenant().tenantId, taskId as TaskId);
  }

  #tenant(): TenantDoc | null {
    return this.#ready ? this.#store.tenant() : null;
  }
}
