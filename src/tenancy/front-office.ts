/**
 * The front office of a tenant's market room: the tenant itself, its keys, policy, budget and books, its calibrations,
 * and its erasure. The way of a task is `market-room.ts`.
 */
import { DurableObject } from "cloudflare:workers";
import { holdsStorage } from "../durable/erase-storage.ts";
import type { AuctionId, CalibrationId, ToolId, WebhookId } from "../market/ids.ts";
import type { Budget } from "../market/ledger/budget.ts";
import type { PolicyChange } from "../market/policy-document.ts";
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
import type { ApiKey, KnownCaller, MarketRoomApi, TenantSettings, TenantView } from "./market-room-api.ts";
import type { PolicyApi, PolicyOrder } from "./policy-api.ts";
import { newTenant } from "./tenant-policy.ts";
import type { ToolApi } from "./tools/tool-api.ts";
import { accessOf } from "../market/tools/tenant-tool.ts";
import { manageVerifierSecret, verifierSecrets, type VerifierSecretApi } from "./verifier-secrets.ts";
import type { WebhookApi } from "./webhooks/webhook-api.ts";

/** The calls of the front office. */
type OfficeApi = ErasureApi &
  CalibrationApi &
  WebhookApi &
  ToolApi &
  LimitsApi &
  PolicyApi &
  VerifierSecretApi &
  Pick<
    MarketRoomApi,
    "setUp" | "addKey" | "authorize" | "manageTenant" | "manageKeys" | "setBudget" | "readBooks"
  >;

export class FrontOffice extends DurableObject<Env> implements OfficeApi {
  protected readonly parts: MarketParts;

  /** @param deps what only the composition knows */
  constructor(ctx: DurableObjectState, env: Env, deps: AuctionParts) {
    super(ctx, env);
    this.parts = new MarketParts(ctx, env, deps);
    // Its alarm may have been given up, and no sweep comes to a tenant of which nothing is known to be open.
    if (this.parts.isReady) void ctx.blockConcurrencyWhile(async () => this.parts.timers.wake());
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

  // --- Pool and policy ---

  async agents(): ReturnType<PolicyApi["agents"]> {
    return this.parts.policies.agents();
  }

  async setPolicy(change: PolicyChange): ReturnType<PolicyApi["setPolicy"]> {
    const set = await this.changePolicy({ by: null, ifVersion: null, change });
    return set.ok || set.failure.reason !== "tenant_not_found" ? set : fail({ reason: "unknown_tenant" });
  }

  /** Without a tenant, nobody has a key, and the operator finds none. */
  async changePolicy(order: PolicyOrder): ReturnType<PolicyApi["changePolicy"]> {
    if (this.parts.liveTenant() === null)
      return fail({ reason: order.by === null ? "tenant_not_found" : "unauthenticated" });
    return this.parts.commit(() => this.parts.policies.change(order));
  }

  async readPolicy(): ReturnType<PolicyApi["readPolicy"]> {
    const tenant = this.parts.tenant();
    return tenant === null ? null : this.parts.policies.read(tenant);
  }

  async policyVersions(
    query: Parameters<PolicyApi["policyVersions"]>[0],
  ): ReturnType<PolicyApi["policyVersions"]> {
    return this.parts.tenant() === null ? null : this.parts.policies.page(query);
  }

  async policyVersion(version: number): ReturnType<PolicyApi["policyVersion"]> {
    return this.parts.tenant() === null ? null : this.parts.policies.find(version);
  }

  // --- Budget and books ---

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

  // --- The tenant's own tools ---

  async manageTools(...[order]: Parameters<ToolApi["manageTools"]>): ReturnType<ToolApi["manageTools"]> {
    if (this.parts.liveTenant() === null) return fail({ reason: "unauthenticated" });
    const request = await completed(order.idempotency);
    return this.parts.commit(() => this.parts.tools.carryOut(order, request));
  }

  async toolAccess(toolId: ToolId): ReturnType<ToolApi["toolAccess"]> {
    const tool = this.parts.liveTenant() === null ? null : this.parts.store.registry.find(toolId);
    return tool === null ? null : accessOf(tool);
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

  // --- Verifiers ---

  async manageVerifierSecret(
    ...[order]: Parameters<VerifierSecretApi["manageVerifierSecret"]>
  ): ReturnType<VerifierSecretApi["manageVerifierSecret"]> {
    if (this.parts.liveTenant() === null) return fail({ reason: "unauthenticated" });
    const request = await completed(order.kind === "rotate" ? order.idempotency : null);
    return this.parts.commit(() => manageVerifierSecret(this.parts, order, request));
  }

  async verifierSecrets(secret: string): ReturnType<VerifierSecretApi["verifierSecrets"]> {
    if (this.parts.liveTenant() === null) return null;
    return this.parts.commit(() => verifierSecrets(this.parts, secret));
  }
}
