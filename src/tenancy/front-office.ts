/**
 * The front office of a tenant's market room: the tenant itself, its keys, policy, budget and books, its calibrations,
 * and its erasure. The way of a task is `market-room.ts`.
 */
import { DurableObject } from "cloudflare:workers";
import { holdsStorage } from "../durable/erase-storage.ts";
import type { Pool } from "../market/agent.ts";
import type { AuctionId, CalibrationId, WebhookId } from "../market/ids.ts";
import type { Budget } from "../market/ledger/budget.ts";
import type { TenantLimits } from "../market/rate-limit.ts";
import { fail, ok } from "../market/result.ts";
import type { AuctionParts } from "./auction-transitions.ts";
import { Books, type BooksQuery } from "./books.ts";
import type { CalibrationApi } from "./calibration-api.ts";
import type { ErasedPart, ErasureApi, TenantCounts } from "./erasure-desk.ts";
import { completed } from "./idempotency.ts";
import type { KeyAnswer, KeyOrder } from "./key-desk.ts";
import { readLimits, type LimitsApi, type LimitsView } from "./limits-api.ts";
import { MarketParts } from "./market-parts.ts";
import type {
  ApiKey,
  KnownCaller,
  MarketRoomApi,
  PolicyChange,
  TenantPolicy,
  TenantSettings,
  TenantView,
} from "./market-room-api.ts";
import type { TenantDoc } from "./market-store.ts";
import type { WebhookApi } from "./webhooks/webhook-api.ts";
import { newTenant, policyOf, tenantPolicy, withPolicy } from "./tenant-policy.ts";

/** The calls of the front office. */
type OfficeApi = ErasureApi &
  CalibrationApi &
  WebhookApi &
  LimitsApi &
  Pick<
    MarketRoomApi,
    | "setUp"
    | "addKey"
    | "authorize"
    | "manageTenant"
    | "manageKeys"
    | "agents"
    | "setPolicy"
    | "readPolicy"
    | "setBudget"
    | "readBooks"
  >;

export class FrontOffice extends DurableObject<Env> implements OfficeApi {
  protected readonly parts: MarketParts;

  /** @param deps what only the composition knows */
  constructor(ctx: DurableObjectState, env: Env, deps: AuctionParts) {
    super(ctx, env);
    this.parts = new MarketParts(ctx, env, deps);
  }

  // --- Tenant and keys ---

  async setUp(settings: TenantSettings): Promise<void> {
    this.parts.makeReady();
    await this.parts.commit(() => {
      if (this.parts.store.tenant() !== null) return;
      this.parts.store.putTenant(newTenant(settings, this.parts.desk.now()));
      this.parts.desk.recordTenant();
    });
  }

  /** Suspended twice, it is so since the first time. */
  async manageTenant(order: "read" | "suspend" | "resume"): Promise<TenantView | null> {
    const tenant = this.parts.tenant();
    if (tenant !== null && order !== "read") {
      const nowMs = this.parts.desk.now();
      const suspendedAtMs = order === "resume" ? null : (tenant.suspendedAtMs ?? nowMs);
      await this.parts.commit(() =>
        this.parts.store.putTenant({ ...this.parts.desk.mustTenant(), suspendedAtMs }),
      );
    }
    return this.parts.tenantView();
  }

  /** False where there is no such tenant. */
  async addKey(key: ApiKey): Promise<boolean> {
    return this.parts.tenant() !== null && (await this.manageKeys({ kind: "create", by: null, key })).ok;
  }

  async authorize(keyHash: string): Promise<KnownCaller | null> {
    const held = this.parts.keyHolder(keyHash);
    if (held === null) return null;
    const rate = this.parts.rates.request(held.key.account);
    return { tenantId: held.tenant.tenantId, scopes: held.key.scopes, ...(rate !== null && { rate }) };
  }

  /** Without a tenant, nobody has a key, and the operator finds none. */
  async manageKeys(order: KeyOrder): Promise<KeyAnswer> {
    if (this.parts.liveTenant() === null)
      return fail({ reason: order.by === null ? "tenant_not_found" : "unauthenticated" });
    const idempotency = await completed("idempotency" in order ? order.idempotency : null);
    return this.parts.commit(() => this.parts.keys.carryOut(order, idempotency));
  }

  async agents(): ReturnType<MarketRoomApi["agents"]> {
    const tenant = this.parts.desk.mustTenant();
    const pool = this.#pool(tenant);
    return { pool, policy: tenantPolicy(tenant, pool).policy };
  }

  async setPolicy(change: PolicyChange): ReturnType<MarketRoomApi["setPolicy"]> {
    if (!this.parts.isReady) return fail({ reason: "unknown_tenant" });
    return this.parts.commit(() => {
      const tenant = this.parts.store.tenant();
      if (tenant === null) return fail({ reason: "unknown_tenant" } as const);
      const changed = withPolicy(tenant, change);
      const policy = policyOf(changed, this.#pool(tenant));
      if (!policy.ok) return policy;
      const next = { ...changed, policyName: policy.value.name };
      this.parts.store.putTenant(next);
      return ok(tenantPolicy(next, this.#pool(next)));
    });
  }

  async readPolicy(): Promise<TenantPolicy | null> {
    const tenant = this.parts.tenant();
    return tenant === null ? null : tenantPolicy(tenant, this.#pool(tenant));
  }

  #pool(tenant: TenantDoc): Pool {
    return tenant.pool ?? this.parts.config.pool;
  }

  async setBudget(budget: Budget): Promise<boolean> {
    if (this.parts.tenant() === null) return false;
    await this.parts.commit(() => this.parts.store.putTenant({ ...this.parts.desk.mustTenant(), budget }));
    return true;
  }

  async setLimits(limits: TenantLimits): Promise<boolean> {
    if (this.parts.tenant() === null) return false;
    await this.parts.commit(() => {
      this.parts.store.putTenant({ ...this.parts.desk.mustTenant(), limits });
      this.parts.desk.turns.changed();
    });
    return true;
  }

  async readLimits(keyHash: string | null): Promise<LimitsView | null> {
    return readLimits(this.parts, keyHash);
  }

  async readBooks(query: BooksQuery): ReturnType<MarketRoomApi["readBooks"]> {
    const tenant = this.parts.tenant();
    if (tenant === null) return null;
    const by = query.kind === "budget" ? query.by : undefined;
    const key = by === undefined ? null : (this.parts.keyHolder(by)?.key ?? null);
    return new Books(this.ctx.storage, () => this.parts.desk.now()).read(query, tenant.budget, key);
  }

  // --- Erasure ---

  async beginErasure(force: boolean): ReturnType<ErasureApi["beginErasure"]> {
    if (this.parts.tenant() === null) return fail({ reason: "unknown_tenant" });
    const begun = await this.parts.commit(() => this.parts.erasure.begin(force));
    if (!begun.ok) return begun;
    await Promise.all(begun.value.map(async (taskId) => this.parts.outbox.flush(taskId)));
    return ok(this.parts.erasure.mustState());
  }

  async erasureState(): ReturnType<ErasureApi["erasureState"]> {
    return this.parts.tenant() === null ? null : this.parts.erasure.state();
  }

  async noteErasure(before: TenantCounts): Promise<void> {
    if (this.parts.tenant() !== null) await this.parts.commit(() => this.parts.erasure.note(before));
  }

  async leftOf(what: ErasedPart, limit: number): Promise<readonly string[]> {
    return this.parts.tenant() === null ? [] : this.parts.erasure.left(what, limit);
  }

  async erased(what: ErasedPart, ids: readonly string[]): Promise<void> {
    if (this.parts.tenant() === null) return;
    await this.parts.commit(() => this.parts.erasure.erased(what, ids));
  }

  async eraseRoom(): Promise<boolean> {
    if (this.parts.tenant() === null || !this.parts.erasure.isLast()) return false;
    await this.parts.erase();
    return true;
  }

  async holdsStorage(): Promise<boolean> {
    return holdsStorage(this.ctx.storage);
  }

  // --- Calibrations ---

  async calibrationGround(ids: readonly AuctionId[]): ReturnType<CalibrationApi["calibrationGround"]> {
    return this.parts.counter.calibrationGround(ids);
  }

  async quoteCalibration(
    ...quoted: Parameters<CalibrationApi["quoteCalibration"]>
  ): ReturnType<CalibrationApi["quoteCalibration"]> {
    return this.parts.counter.quoteCalibration(...quoted);
  }

  async acceptCalibration(
    ...accepted: Parameters<CalibrationApi["acceptCalibration"]>
  ): ReturnType<CalibrationApi["acceptCalibration"]> {
    return this.parts.counter.acceptCalibration(...accepted);
  }

  async cancelCalibration(id: CalibrationId): ReturnType<CalibrationApi["cancelCalibration"]> {
    return this.parts.counter.cancelCalibration(id);
  }

  async readCalibration(id: CalibrationId): ReturnType<CalibrationApi["readCalibration"]> {
    return this.parts.counter.readCalibration(id);
  }

  async runningCalibrations(): ReturnType<CalibrationApi["runningCalibrations"]> {
    return this.parts.counter.runningCalibrations();
  }

  // --- Webhooks ---

  async manageWebhooks(
    ...[order]: Parameters<WebhookApi["manageWebhooks"]>
  ): ReturnType<WebhookApi["manageWebhooks"]> {
    if (this.parts.liveTenant() === null) return fail({ reason: "unauthenticated" });
    const request = await completed(order.idempotency);
    return this.parts.commit(() => this.parts.webhooks.desk.carryOut(order, request));
  }

  async claimDeliveries(webhookId: WebhookId): ReturnType<WebhookApi["claimDeliveries"]> {
    if (this.parts.liveTenant() === null) return null;
    return this.parts.commit(() => this.parts.webhooks.deliveries.claim(webhookId));
  }

  async reportDeliveries(...told: Parameters<WebhookApi["reportDeliveries"]>): Promise<void> {
    if (this.parts.tenant() === null) return;
    await this.parts.commit(() => this.parts.webhooks.deliveries.report(...told));
  }
}
