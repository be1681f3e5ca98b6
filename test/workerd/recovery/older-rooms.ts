/** Rooms as the version before the ledger wrote them. */
import { runInDurableObject } from "cloudflare:test";
import { migrateSchema } from "../../../src/durable/schema.ts";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { NO_BUDGET } from "../../../src/market/ledger/budget.ts";
import { asMicros } from "../../../src/market/money.ts";
import { TASK_SCHEMA } from "../../../src/taskroom/task-schema.ts";
import type { MarketRoomPort } from "../../../src/taskroom/market-room-port.ts";
import { admitTask, termsOf } from "../../../src/tenancy/admission.ts";
import type { MarketRoomApi } from "../../../src/tenancy/market-room-api.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { MarketStore, type TenantDoc } from "../../../src/tenancy/market-store.ts";
import type { MarketTask } from "../../../src/tenancy/task-store.ts";
import { newTenant, policyOf } from "../../../src/tenancy/tenant-policy.ts";
import { aTaskSpec } from "../../support/builders.ts";
import { USAGE } from "../../support/scripted-models.ts";
import { CHEAP, config, evictRooms, KEY_HASH, POOL, type TaskStub } from "../rooms/market-day.ts";
import { marketStub } from "../stubs.ts";

const before = (steps: readonly string[], mark: string): readonly string[] => {
  const at = steps.findIndex((step) => step.includes(mark));
  if (at < 1) throw new Error(`no step says ${mark}`);
  return steps.slice(0, at);
};
const MARKET_BEFORE = before(MARKET_SCHEMA.steps, "CREATE TABLE accounts");
const TASK_BEFORE = before(TASK_SCHEMA.steps, "ADD COLUMN payer");

/** A call as the room reported it then: no bound, no payer, no prices. */
export function aCharge(fields: Readonly<Record<string, unknown>> = {}) {
  return {
    callId: newId("cal", config.source),
    taskId: "tsk_settled",
    kind: "bid",
    agentId: CHEAP as string | null,
    attempt: 0,
    status: "billed",
    micros: 45,
    usage: USAGE as object | null,
    endedAtMs: Date.now(),
    ...fields,
  };
}
export type Charge = ReturnType<typeof aCharge>;

/** A tenant's room as the version before wrote it; `open`: the task that it has, and where it stands. */
export async function olderMarket({
  charges = [],
  open = {},
  policy: name = "sale",
}: {
  readonly charges?: readonly Charge[];
  readonly open?: Partial<MarketTask>;
  readonly policy?: string;
}) {
  const tenantId = newId("ten", config.source);
  const taskId = newId("tsk", config.source);
  const market = marketStub<MarketRoomApi & MarketRoomPort>(tenantId);
  const settings = { tenantId, name: "older", ordering: "parallel", pool: POOL, budget: NO_BUDGET } as const;
  const tenant: TenantDoc = newTenant(settings, Date.now());
  const older = { ...tenant };
  Reflect.deleteProperty(older, "budget");
  Reflect.deleteProperty(older, "limits");
  const { terms, task, opening } = admitted(tenant, taskId, name);
  await runInDurableObject(market as DurableObjectStub, async (_room, { storage }) => {
    migrateSchema(storage, { steps: MARKET_BEFORE, fresh: null });
    const store = new MarketStore(storage);
    store.putTenant(older);
    store.tasks.add({ ...task, ...open }, terms);
    const key = "INSERT INTO keys (hash, key_id, name, created_at_ms) VALUES (?, ?, 'older', 0)";
    storage.sql.exec(key, KEY_HASH, newId("key", config.source));
    for (const { taskId: of, ...call } of charges) {
      storage.sql.exec(
        "INSERT INTO charges (call_id, task_id, micros, body) VALUES (?, ?, ?, ?)",
        call.callId,
        of === "open" ? taskId : of,
        call.micros,
        JSON.stringify(call),
      );
    }
  });
  await evictRooms(market);
  return { tenantId, taskId, market, opening };
}

function admitted(tenant: TenantDoc, taskId: TaskId, name: string) {
  const policy = policyOf(tenant, { pool: POOL, leftOut: [] }, name);
  if (!policy.ok) throw new Error("no such policy");
  const nowMs = Date.now();
  const context = { tenant, policy: policy.value, pool: POOL, mustWait: false, nowMs };
  const request = {
    taskId,
    auctionId: newId("auc", config.source),
    seed: 7,
    spec: aTaskSpec(),
    asksAtOnce: true,
    keyId: null,
  };
  const terms = termsOf(request, context);
  const leased = { ...context, leaseUntilMs: nowMs + config.leaseMs };
  const plan = { firstCalls: [], holdMicros: asMicros(0) };
  const { task, opening } = admitTask(request, leased, { sequence: 1, terms, plan });
  const older = { ...opening, spec: { ...opening.spec, limits: { ...opening.spec.limits } } };
  Reflect.deleteProperty(older, "allowanceMicros");
  Reflect.deleteProperty(older.spec.limits, "maxCostUsd");
  return { terms, task, opening: older };
}

/** What a task's room holds, as the version before wrote it. */
export async function asBefore(room: TaskStub): Promise<void> {
  await runInDurableObject(room as DurableObjectStub, async (_room, { storage }) => {
    storage.sql.exec("ALTER TABLE outbox DROP COLUMN failing_since_ms");
    storage.sql.exec("ALTER TABLE outbox DROP COLUMN error");
    storage.sql.exec("DROP TABLE files");
    storage.sql.exec("ALTER TABLE calls DROP COLUMN payer");
    storage.sql.exec("ALTER TABLE calls DROP COLUMN prices");
    storage.sql.exec("UPDATE schema_version SET version = ?", TASK_BEFORE.length);
    storage.sql.exec("UPDATE doc SET body = json_remove(body, '$.allowanceMicros')");
  });
  await evictRooms(room);
}
