/** The market room's tables and the statements over them, but for those with files of their own. No decisions here. */
import type { Agent } from "../market/agent.ts";
import type { KeyId, TenantId } from "../market/ids.ts";
import type { PolicyWeights } from "../market/policy-document.ts";
import { OPEN_MARKET, type TenantMarket } from "../market/tenant-market.ts";
import { AwardShares } from "./award-shares.ts";
import { NO_BUDGET, type Budget } from "../market/ledger/budget.ts";
import { DEFAULT_TENANT_LIMITS, type RateLimits, type TenantLimits } from "../market/rate-limit.ts";
import type { WebhookSecret } from "../market/webhook.ts";
import { HistoryStore } from "./history-store.ts";
import { KeyStore } from "./key-store.ts";
import type { LocationHint } from "../market/location-hint.ts";
import type { Erasure } from "./erasure-desk.ts";
import type { Ordering } from "./market-room-api.ts";
import { StuckStore } from "./stuck-store.ts";
import { TaskStore } from "./task-store.ts";
import { ToolUsage } from "./tool-usage.ts";
import { ToolStore } from "./tools/tool-store.ts";
import { TraceHistories } from "./trace-histories.ts";

/** What the room knows of its tenant. */
export interface TenantDoc extends PolicyWeights {
  readonly tenantId: TenantId;
  readonly name: string;
  readonly ordering: Ordering;
  /** Null: the environment's pool. */
  readonly pool: readonly Agent[] | null;
  readonly createdAtMs: number;
  readonly policyVersion: number;
  /** Name of the policy for tasks that name none. */
  readonly policyName: string;
  /** What its pool and its auctions differ in from the environment's. */
  readonly market: TenantMarket;
  readonly budget: Budget;
  readonly limits: TenantLimits;
  /** Where its rooms were asked to be made; null: near whoever asks first. */
  readonly locationHint: LocationHint | null;
  /** Since when nothing new is taken; null: it is. */
  readonly suspendedAtMs: number | null;
  /** What requests to its checkers are signed with, newest first; absent: none was wanted yet. */
  readonly verifierSecrets?: readonly WebhookSecret[];
  /** How its erasure was begun; null: it was not. */
  readonly erasure: Erasure | null;
}

/** What documents from before the fit to the mean lack. */
const NO_MEAN_FIT = { meanWeights: null, meanFit: null };
/** What documents from before there were budgets lack. */
const UNLIMITED = { budget: NO_BUDGET };
/** What documents from before there were rate limits lack. */
const UNRATED = { limits: DEFAULT_TENANT_LIMITS };
/** What documents from before the operator could suspend and delete lack. */
const IN_FORCE = { locationHint: null, suspendedAtMs: null, erasure: null };

/** By the number that stands for it: `deliveries`, those of webhooks wait, and no task is open. */
const TOLD = ["nothing", "open", "deliveries"] as const;
export type ToldWork = (typeof TOLD)[number];

export class MarketStore {
  readonly #sql: SqlStorage;
  readonly history: HistoryStore;
  readonly tasks: TaskStore;
  readonly keys: KeyStore;
  readonly traces: TraceHistories;
  readonly tools: ToolUsage;
  /** The tenant's own tools. */
  readonly registry: ToolStore;
  readonly awards: AwardShares;
  readonly stuck: StuckStore;
  /** The tenant as stored; undefined: to be read. Every call asks for it, and it holds the pool. */
  #tenant: TenantDoc | null | undefined = undefined;
  /** What the newest row of the tenant says; undefined: to be read. */
  #told: ToldWork | undefined = undefined;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.history = new HistoryStore(storage);
    this.tasks = new TaskStore(storage, this.history);
    this.keys = new KeyStore(storage);
    this.traces = new TraceHistories(storage);
    this.tools = new ToolUsage(storage);
    this.registry = new ToolStore(storage);
    this.awards = new AwardShares(storage);
    this.stuck = new StuckStore(storage);
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#tenant = undefined;
    this.#told = undefined;
    this.keys.forget();
    this.awards.forget();
    this.tasks.forget();
    this.traces.forget();
    this.history.forget();
  }

  tenant(): TenantDoc | null {
    this.#tenant ??= this.#readTenant();
    return this.#tenant;
  }

  #readTenant(): TenantDoc | null {
    const stored = this.#one<Omit<TenantDoc, "market"> & Partial<Pick<TenantDoc, "market">>>(
      "SELECT body FROM tenant WHERE id = 1",
    );
    if (stored === null) return null;
    const market = { ...OPEN_MARKET, ...stored.market };
    return { ...NO_MEAN_FIT, ...UNLIMITED, ...UNRATED, ...IN_FORCE, ...stored, market };
  }

  /** Of an account, or of the tenant (null), as they stand when it is asked; null: none. */
  rateLimits(): (account: KeyId | null) => RateLimits | null {
    return (account) => (account === null ? (this.tenant()?.limits ?? null) : this.keys.limits(account));
  }

  putTenant(tenant: TenantDoc): void {
    // Read again when it is wanted: the transaction that this belongs to may not stand.
    this.#tenant = undefined;
    this.#sql.exec("INSERT OR REPLACE INTO tenant (id, body) VALUES (1, ?)", JSON.stringify(tenant));
  }

  /** Version of the tenant's next row in the history, from 1. */
  nextTenantVersion(): number {
    return this.#sql
      .exec<{ value: number }>(
        `INSERT INTO counters (name, value) VALUES ('tenant-row', 1)
         ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value`,
      )
      .one().value;
  }

  /** What the newest row of the tenant says of what there is to be done in its room. */
  told(): ToldWork {
    const query = "SELECT value FROM counters WHERE name = 'tenant-open'";
    const [stored] = this.#sql.exec<{ value: number }>(query).toArray();
    this.#told ??= TOLD[stored?.value ?? 0] ?? "nothing";
    return this.#told;
  }

  putTold(told: ToldWork): void {
    const insert = "INSERT OR REPLACE INTO counters (name, value) VALUES ('tenant-open', ?)";
    this.#sql.exec(insert, TOLD.indexOf(told));
    this.#told = told;
  }

  #one<T>(query: string, ...bindings: string[]): T | null {
    const row = this.#sql.exec<{ body: string }>(query, ...bindings).toArray()[0];
    return row === undefined ? null : (JSON.parse(row.body) as T);
  }
}
