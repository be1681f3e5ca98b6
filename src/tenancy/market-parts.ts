/** The parts of a market room, wired together: what its calls work with. */
import { parseConfig, type Config } from "../config.ts";
import { eraseStorage } from "../durable/erase-storage.ts";
import { GroupCommit } from "../durable/group-commit.ts";
import { Outbox } from "../durable/outbox.ts";
import { hasSchema, migrateSchema } from "../durable/schema.ts";
import { Timers } from "../durable/timers.ts";
import { logError } from "../log.ts";
import type { TaskId, WebhookId } from "../market/ids.ts";
import { AuctionLeases } from "./auction-leases.ts";
import { AuctionTransitions, type AuctionParts } from "./auction-transitions.ts";
import { CalibrationDesk } from "./calibration-desk.ts";
import { CalibrationStore } from "./calibration-store.ts";
import { Calibrations } from "./calibrations.ts";
import { Carriers } from "./carriers.ts";
import { ErasureDesk } from "./erasure-desk.ts";
import { KeyDesk } from "./key-desk.ts";
import type { StoredKey } from "./key-store.ts";
import { Ledger } from "./ledger.ts";
import { MarketDesk, tellRoom, type OwedToTaskRoom } from "./market-desk.ts";
import type { TenantView } from "./market-room-api.ts";
import { MARKET_SCHEMA } from "./market-schema.ts";
import { MarketStore, type TenantDoc } from "./market-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { PolicyDesk } from "./policy-desk.ts";
import { PolicyVersions } from "./policy-versions.ts";
import { OutsideStores, type OutsideStore } from "./outside-stores.ts";
import { Replays } from "./replays.ts";
import { RateGate } from "./rate-gate.ts";
import { StuckDesk } from "./stuck-desk.ts";
import type { MarketTask } from "./task-store.ts";
import type { TaskRoomPort } from "./task-room-port.ts";
import { ToolDesk } from "./tools/tool-desk.ts";
import { Webhooks } from "./webhooks/webhooks.ts";

/** Rows and vectors gather for this long before a consumer is called: one visit carries what a burst of tasks left. */
const GATHER_S = 1;

export class MarketParts {
  readonly config: Config;
  readonly store: MarketStore;
  readonly timers: Timers;
  readonly outbox: Outbox<OwedToTaskRoom>;
  readonly memory: MemoryStore;
  readonly ledger: Ledger;
  readonly rates: RateGate;
  readonly desk: MarketDesk;
  readonly stuck: StuckDesk;
  readonly auctions: AuctionTransitions;
  readonly leases: AuctionLeases;
  readonly policies: PolicyDesk;
  readonly calibrations: Calibrations;
  readonly counter: CalibrationDesk;
  readonly outside: OutsideStores;
  readonly replays: Replays;
  readonly keys: KeyDesk;
  readonly webhooks: Webhooks;
  readonly tools: ToolDesk;
  readonly carriers = new Carriers();
  readonly erasure: ErasureDesk;
  readonly #ctx: DurableObjectState;
  readonly #group: GroupCommit;
  #ready: boolean;

  /** @param deps what only the composition knows */
  constructor(ctx: DurableObjectState, env: Env, deps: AuctionParts) {
    this.#ctx = ctx;
    this.config = parseConfig(env);
    this.store = new MarketStore(ctx.storage);
    const now = this.config.source.now;
    this.replays = new Replays(ctx.storage, now);
    this.keys = new KeyDesk(this.store.keys, this.replays, now);
    this.timers = new Timers(ctx.storage, now);
    this.outbox = this.#openOutbox();
    this.memory = new MemoryStore(ctx.storage, now);
    this.ledger = new Ledger(ctx.storage, now);
    this.webhooks = this.#openWebhooks();
    this.tools = this.#openTools();
    const limits = this.store.rateLimits();
    this.rates = new RateGate({ storage: ctx.storage, now, limits });
    this.desk = new MarketDesk({
      rates: this.rates,
      memory: this.memory,
      ledger: this.ledger,
      config: this.config,
      store: this.store,
      timers: this.timers,
      outbox: this.outbox,
      webhooks: this.webhooks.deliveries,
    });
    this.policies = new PolicyDesk(this.desk, new PolicyVersions(ctx.storage));
    this.stuck = new StuckDesk(this.desk);
    this.auctions = new AuctionTransitions(this.desk, deps, this.stuck);
    this.leases = new AuctionLeases(this.desk);
    this.calibrations = new Calibrations(this.desk, this.auctions, new CalibrationStore(ctx.storage));
    const { calibrations, carriers, desk } = this;
    this.erasure = new ErasureDesk({ storage: ctx.storage, desk, calibrations, carriers });
    this.counter = new CalibrationDesk({
      calibrations: this.calibrations,
      desk: this.desk,
      replays: this.replays,
      tenant: () => this.liveTenant(),
      commit: async (work) => this.commit(work),
      pastAuction: async (taskId) => this.taskRoom(taskId).pastAuction(),
    });
    this.outside = new OutsideStores({
      timers: this.timers,
      now,
      dueAtMs: (store) => {
        if (store === "history") return this.store.history.dueAtMs();
        // Of a tenant that is being erased nothing goes into the index any more.
        return this.liveTenant() === null ? null : this.memory.dueAtMs();
      },
      send: (store) => this.#callConsumer(store),
    });
    this.#group = new GroupCommit({
      storage: ctx.storage,
      now,
      finish: () => this.#finish(),
      forget: () => this.#forget(),
    });
    this.#ready = hasSchema(ctx.storage);
    if (this.#ready) migrateSchema(ctx.storage, MARKET_SCHEMA);
  }

  #openOutbox(): Outbox<OwedToTaskRoom> {
    return new Outbox({
      storage: this.#ctx.storage,
      timers: this.timers,
      now: this.config.source.now,
      deliver: async ({ lane, messages }) => {
        // SAFETY: the outbox's lanes are ids of tasks.
        const taskId = lane as TaskId;
        for (const owed of messages) {
          await tellRoom(this.taskRoom(taskId), this.desk.toTell(taskId, owed));
          if (owed.kind === "quoted") await this.#group.run(() => this.auctions.quoteTold(taskId));
        }
      },
      transact: async (work) => (this.#ready ? this.#group.run(work) : undefined),
      report: (lane, error) => logError("market-outbox", error, { taskId: lane }),
      tidy: "together",
    });
  }

  #openWebhooks(): Webhooks {
    return new Webhooks({
      storage: this.#ctx.storage,
      timers: this.timers,
      source: this.config.source,
      keys: this.store.keys,
      replays: this.replays,
      isLive: () => this.liveTenant() !== null,
      send: (webhookId) => this.#callSender(webhookId),
    });
  }

  #openTools(): ToolDesk {
    const { registry: store, keys } = this.store;
    return new ToolDesk({ store, keys, replays: this.replays, source: this.config.source });
  }

  #finish(): void {
    if (this.webhooks.calls.isTouched && this.liveTenant() !== null) this.desk.deliveriesChanged();
    this.outside.announceOwed();
    this.webhooks.calls.follow();
    this.outbox.tidy();
    this.timers.arm();
    for (const taskId of this.desk.turns.takeBegun()) this.#ctx.waitUntil(this.outbox.flush(taskId));
  }

  #forget(): void {
    this.store.forget();
    this.memory.forget();
    this.ledger.forget();
    this.webhooks.forget();
    this.rates.forget();
    this.desk.turns.forget();
  }

  /** True where the room has tables: somebody set its tenant up. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Makes the tables where there are none. */
  makeReady(): void {
    if (!this.#ready) migrateSchema(this.#ctx.storage, MARKET_SCHEMA);
    this.#ready = true;
  }

  /**
   * One transaction; then its task's outbox leaves. Announcements go out beside the answer: their timers come again for
   * what gets lost.
   */
  async commit<T>(work: () => T, lane?: TaskId): Promise<T> {
    const result = await this.#group.run(work);
    if (lane !== undefined) await this.outbox.flush(lane);
    return result;
  }

  /** The message may get lost: the auction's timer announces again what nobody took. */
  async announceAuction(task: MarketTask): Promise<void> {
    const { tenantId } = this.desk.mustTenant();
    const generation = task.lease?.generation ?? 1;
    await this.config.workQueue.send({ kind: "auction", tenantId, taskId: task.taskId, generation });
  }

  /** Beside the answer: the store's timer comes again for a message that gets lost. */
  #callConsumer(kind: OutsideStore): void {
    const { tenantId } = this.desk.mustTenant();
    const sent = this.config.historyQueue.send({ kind, tenantId }, { delaySeconds: GATHER_S });
    this.#ctx.waitUntil(sent.catch((error: unknown) => logError(`${kind}-nudge`, error)));
  }

  /** As `#callConsumer`, for an endpoint that something is due to. */
  #callSender(webhookId: WebhookId): void {
    const { tenantId } = this.desk.mustTenant();
    const sent = this.config.webhookQueue.send({ kind: "webhook", tenantId, webhookId });
    this.#ctx.waitUntil(sent.catch((error: unknown) => logError("webhook-nudge", error)));
  }

  /** The room of a task of this tenant. */
  taskRoom(taskId: TaskId): TaskRoomPort {
    return this.config.taskRoom<TaskRoomPort>(this.desk.mustTenant().tenantId, taskId);
  }

  /** Null also where its erasure has begun. */
  liveTenant(): TenantDoc | null {
    const tenant = this.tenant();
    return tenant?.erasure === null ? tenant : null;
  }

  /** For good: afterwards the room is one that was never set up. */
  async erase(): Promise<void> {
    this.#ready = false;
    await eraseStorage(this.#ctx.storage);
    this.#forget();
  }

  /** Whose key it is, while it opens anything; null: it does not. */
  keyHolder(hash: string): { readonly tenant: TenantDoc; readonly key: StoredKey } | null {
    const tenant = this.liveTenant();
    if (tenant === null) return null;
    const key = this.store.keys.use(hash, this.desk.now());
    return key === null ? null : { tenant, key };
  }

  /** As its operator sees it. */
  tenantView(): TenantView | null {
    const tenant = this.tenant();
    if (tenant === null) return null;
    const { tenantId, name, ordering, budget, locationHint, createdAtMs, suspendedAtMs, erasure } = tenant;
    const openTasks = this.store.tasks.countOpen();
    const since = { createdAtMs, suspendedAtMs, deletingAtMs: erasure?.begunAtMs ?? null };
    return { tenantId, name, ordering, budget, locationHint, ...since, openTasks };
  }

  /** Null: it was never set up. Reads only: asking makes no storage. */
  tenant(): TenantDoc | null {
    return this.#ready ? this.store.tenant() : null;
  }
}
