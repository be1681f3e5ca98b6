/**
 * The market room: one Durable Object per tenant that orders its auctions and keeps its books.
 *
 * It decides and records; it never waits for a model (architecture, decision 1). Each transition is one transaction;
 * what others must learn of it leaves by the outbox. Only this room sets a task's final state.
 */
import { DurableObject } from "cloudflare:workers";
import { parseConfig, type Config } from "../config.ts";
import { GroupCommit } from "../durable/group-commit.ts";
import { Outbox } from "../durable/outbox.ts";
import { hasSchema, migrateSchema } from "../durable/schema.ts";
import { Timers, type Timer } from "../durable/timers.ts";
import { logError } from "../log.ts";
import type { Pool } from "../market/agent.ts";
import type { TaskRow } from "../market/history-row.ts";
import type { AuctionId, CalibrationId, TaskId, TenantId } from "../market/ids.ts";
import type { RecalledEntry } from "../market/memory.ts";
import type { EndReport, SpentCall } from "../market/report.ts";
import { fail, ok } from "../market/result.ts";
import { isFinal, type TaskEnd } from "../market/task.ts";
import type { AdmissionContext } from "./admission.ts";
import { AuctionTransitions } from "./auction-transitions.ts";
import type { CalibrationApi } from "./calibration-api.ts";
import { CalibrationDesk } from "./calibration-desk.ts";
import { CalibrationStore } from "./calibration-store.ts";
import { CALIBRATION_TIMER, Calibrations } from "./calibrations.ts";
import { MarketDesk, tellRoom, type OwedToTaskRoom } from "./market-desk.ts";
import type {
  AdmitRequest,
  ApiKey,
  ClearRequest,
  LeaseAnswer,
  MarketRoomApi,
  ParkedRow,
  PolicyChange,
  RecallQuery,
  TenantPolicy,
  TenantSettings,
} from "./market-room-api.ts";
import { MARKET_SCHEMA } from "./market-schema.ts";
import { MarketStore, type TenantDoc } from "./market-store.ts";
import type { MarketTask } from "./task-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { OutsideStores, type OutsideStore } from "./outside-stores.ts";
import { newTenant, policyOf, tenantPolicy, withPolicy } from "./tenant-policy.ts";
import type { TaskRoomPort } from "./task-room-port.ts";

/** Rows and vectors gather for this long before a consumer is called: one visit carries what a burst of tasks left. */
const GATHER_S = 1;

export class MarketRoom extends DurableObject<Env> implements MarketRoomApi {
  readonly #config: Config;
  readonly #store: MarketStore;
  readonly #timers: Timers;
  readonly #outbox: Outbox<OwedToTaskRoom>;
  readonly #memory: MemoryStore;
  readonly #desk: MarketDesk;
  readonly #auctions: AuctionTransitions;
  readonly #calibrations: Calibrations;
  readonly #counter: CalibrationDesk;
  readonly #outside: OutsideStores;
  readonly #group: GroupCommit;
  #ready: boolean;

  /** @param deps what only the composition knows */
  constructor(ctx: DurableObjectState, env: Env, deps: Pick<AdmissionContext, "countFirstCalls">) {
    super(ctx, env);
    this.#config = parseConfig(env);
    this.#store = new MarketStore(ctx.storage);
    const now = this.#config.source.now;
    this.#timers = new Timers(ctx.storage, now);
    this.#outbox = new Outbox({
      storage: ctx.storage,
      timers: this.#timers,
      now,
      deliver: async ({ lane, messages }) => {
        // SAFETY: the outbox's lanes are ids of tasks.
        const taskId = lane as TaskId;
        for (const owed of messages) await tellRoom(this.#taskRoom(taskId), this.#desk.toTell(taskId, owed));
      },
      transact: (work) => this.#group.run(work),
      report: (lane, error) => logError("market-outbox", error, { taskId: lane }),
      tidy: "together",
    });
    this.#memory = new MemoryStore(ctx.storage, now);
    this.#desk = new MarketDesk({
      memory: this.#memory,
      config: this.#config,
      store: this.#store,
      timers: this.#timers,
      outbox: this.#outbox,
    });
    this.#auctions = new AuctionTransitions(this.#desk, deps);
    this.#calibrations = new Calibrations(this.#desk, this.#auctions, new CalibrationStore(ctx.storage));
    this.#counter = new CalibrationDesk({
      calibrations: this.#calibrations,
      desk: this.#desk,
      tenant: () => this.#tenant(),
      commit: async (work) => this.#commit(work),
      pastAuction: async (taskId) => this.#taskRoom(taskId).pastAuction(),
    });
    this.#outside = new OutsideStores({
      timers: this.#timers,
      now,
      dueAtMs: (store) => (store === "memory" ? this.#memory : this.#store.history).dueAtMs(),
      send: (store) => this.#callConsumer(store),
    });
    this.#group = new GroupCommit({
      storage: ctx.storage,
      now,
      finish: () => {
        this.#outside.announceOwed();
        this.#outbox.tidy();
        this.#timers.arm();
      },
      forget: () => {
        this.#store.forget();
        this.#memory.forget();
      },
    });
    this.#ready = hasSchema(ctx.storage);
    if (this.#ready) migrateSchema(ctx.storage, MARKET_SCHEMA);
  }

  // --- Tenant and keys ---

  async setUp(settings: TenantSettings): Promise<void> {
    if (!this.#ready) migrateSchema(this.ctx.storage, MARKET_SCHEMA);
    this.#ready = true;
    await this.#commit(() => {
      if (this.#store.tenant() !== null) return;
      this.#store.putTenant(newTenant(settings, this.#desk.now()));
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
    const pool = this.#pool(tenant);
    return { pool, policy: tenantPolicy(tenant, pool).policy };
  }

  async setPolicy(change: PolicyChange): ReturnType<MarketRoomApi["setPolicy"]> {
    if (!this.#ready) return fail({ reason: "unknown_tenant" });
    return this.#commit(() => {
      const tenant = this.#store.tenant();
      if (tenant === null) return fail({ reason: "unknown_tenant" } as const);
      const changed = withPolicy(tenant, change);
      const policy = policyOf(changed, this.#pool(tenant));
      if (!policy.ok) return policy;
      const next = { ...changed, policyName: policy.value.name };
      this.#store.putTenant(next);
      return ok(tenantPolicy(next, this.#pool(next)));
    });
  }

  async readPolicy(): Promise<TenantPolicy | null> {
    const tenant = this.#tenant();
    return tenant === null ? null : tenantPolicy(tenant, this.#pool(tenant));
  }

  #pool(tenant: TenantDoc): Pool {
    return tenant.pool ?? this.#config.pool;
  }

  // --- The way of a task ---

  async admit(request: AdmitRequest): ReturnType<MarketRoomApi["admit"]> {
    if (!this.#ready) return fail({ reason: "unauthenticated" });
    const admitted = await this.#commit(() => {
      const tenant = this.#store.tenant();
      if (tenant === null || !this.#store.hasKey(request.keyHash)) {
        return fail({ reason: "unauthenticated" } as const);
      }
      return this.#auctions.admit(tenant, request);
    });
    if (!admitted.ok) return admitted;
    // Whoever holds the auction opens the task's room. Nobody does for an auction that waits for its turn, and perhaps
    // nobody did for a replay: the first answer may have been lost with its holder.
    if (admitted.value.auctionGeneration === null) await this.#outbox.flush(admitted.value.taskId);
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

  async clear(request: ClearRequest): ReturnType<MarketRoomApi["clear"]> {
    if (this.#tenant() === null) return fail({ reason: "unknown_task" });
    return this.#commit(() => this.#auctions.clear(request), request.taskId);
  }

  /** The task's room stops the work and reports; until then the task is stopping, and nothing new begins. */
  async cancel(taskId: TaskId): Promise<boolean> {
    if (this.#tenant() === null) return false;
    return this.#commit(() => this.#desk.stop(taskId), taskId);
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
    return this.#commit(() => {
      const end = this.#auctions.settle(report);
      this.#calibrations.settled(report.taskId, end);
      return end;
    });
  }

  // --- Reading, history, sweep ---

  async heldTasks(): Promise<readonly TaskRow[]> {
    return this.#tenant() === null ? [] : this.#desk.heldTasks();
  }

  async historyBatch(limit: number): ReturnType<MarketRoomApi["historyBatch"]> {
    return this.#tenant() === null ? [] : this.#desk.historyBatch(limit);
  }

  async historyWritten(written: readonly number[], parked: readonly ParkedRow[]): Promise<void> {
    await this.#commit(() => {
      this.#desk.historyWritten(written, parked);
      this.#outside.follow("history");
    });
  }

  async recall(query: RecallQuery): Promise<readonly RecalledEntry[]> {
    return this.#tenant() === null ? [] : this.#memory.recall(query);
  }

  async claimVectors(limit: number): ReturnType<MarketRoomApi["claimVectors"]> {
    if (this.#tenant() === null) return [];
    return this.#commit(() => {
      const claimed = this.#memory.claim(limit);
      this.#outside.follow("memory");
      return claimed;
    });
  }

  async reportVectors(reports: Parameters<MarketRoomApi["reportVectors"]>[0]): Promise<void> {
    await this.#commit(() => {
      this.#memory.report(reports);
      this.#outside.follow("memory");
    });
  }

  async sweep(): Promise<number> {
    if (this.#tenant() === null) return 0;
    const open = this.#store.tasks.all().filter((task) => !isFinal(task.state));
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
    if (this.#store.history.dueAtMs() !== null) this.#timers.set("history", "", this.#desk.now());
    this.#calibrations.wake();
    this.#timers.rearm();
    return open.length;
  }

  // --- Calibrations ---

  async calibrationGround(ids: readonly AuctionId[]): ReturnType<CalibrationApi["calibrationGround"]> {
    return this.#counter.calibrationGround(ids);
  }

  async quoteCalibration(...quoted: Parameters<CalibrationApi["quoteCalibration"]>): Promise<void> {
    return this.#counter.quoteCalibration(...quoted);
  }

  async acceptCalibration(id: CalibrationId): ReturnType<CalibrationApi["acceptCalibration"]> {
    return this.#counter.acceptCalibration(id);
  }

  async cancelCalibration(id: CalibrationId): ReturnType<CalibrationApi["cancelCalibration"]> {
    return this.#counter.cancelCalibration(id);
  }

  async readCalibration(id: CalibrationId): ReturnType<CalibrationApi["readCalibration"]> {
    return this.#counter.readCalibration(id);
  }

  async runningCalibrations(): ReturnType<CalibrationApi["runningCalibrations"]> {
    return this.#counter.runningCalibrations();
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
    if (timer.kind === "history" || timer.kind === "memory") return this.#outside.remind(timer.kind);
    if (timer.kind === CALIBRATION_TIMER) return this.#counter.beginRuns();
    // SAFETY: auction timers are set with a task's id as subject, see `timeAuction`.
    const taskId = timer.subject as TaskId;
    const waiting = await this.#commit(() => this.#auctions.onTimer(taskId), taskId);
    if (waiting !== null) await this.#announceAuction(waiting);
  }

  // --- Effects ---

  /**
   * One transaction; then its task's outbox leaves. Announcements go out beside the answer: their timers come again for
   * what gets lost.
   */
  async #commit<T>(work: () => T, lane?: TaskId): Promise<T> {
    const result = await this.#group.run(work);
    if (lane !== undefined) await this.#outbox.flush(lane);
    return result;
  }

  /** The message may get lost: the auction's timer announces again what nobody took. */
  async #announceAuction(task: MarketTask): Promise<void> {
    const { tenantId } = this.#desk.mustTenant();
    const generation = task.lease?.generation ?? 1;
    await this.#config.workQueue.send({ kind: "auction", tenantId, taskId: task.taskId, generation });
  }

  /** Beside the answer: the store's timer comes again for a message that gets lost. */
  #callConsumer(kind: OutsideStore): void {
    const { tenantId } = this.#desk.mustTenant();
    const sent = this.#config.historyQueue.send({ kind, tenantId }, { delaySeconds: GATHER_S });
    this.ctx.waitUntil(sent.catch((error: unknown) => logError(`${kind}-nudge`, error)));
  }

  #taskRoom(taskId: TaskId): TaskRoomPort {
    return this.#config.taskRoom<TaskRoomPort>(this.#desk.mustTenant().tenantId, taskId);
  }

  #tenant(): TenantDoc | null {
    return this.#ready ? this.#store.tenant() : null;
  }
}
