/** A key's own budget, as it is shown to that key. */
import { expect, test } from "vitest";
import { sha256Hex } from "../../../src/api/digest.ts";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { MarketRoomPort } from "../../../src/taskroom/market-room-port.ts";
import { marketStub } from "../stubs.ts";
import { call, config, holdTask, openTenant, OPERATOR, post, type Tenant } from "./support.ts";

interface Shown {
  readonly heldUsd: number;
  readonly key: { readonly heldUsd: number; readonly leftUsd: number };
}

const budgetOf = async (key: string) =>
  (await call("/v1/budget", { headers: { Authorization: `Bearer ${key}` } })).json<Shown>();

async function spend({ tenantId }: Tenant, taskId: TaskId, micros: number): Promise<void> {
  await marketStub<MarketRoomPort>(tenantId).spent(taskId, [
    {
      callId: newId("cal", config.source),
      kind: "trace",
      agentId: null,
      attempt: 1,
      status: "billed",
      micros: asMicros(micros),
      boundMicros: asMicros(micros),
      usage: null,
      endedAtMs: config.source.now(),
    },
  ]);
}

test("a key with a budget of its own is shown what that leaves, its successor's spending included", async () => {
  const tenant = await openTenant();
  const made = await post("/v1/keys", { name: "k", budget: { monthUsd: 50, totalUsd: 60 } }, tenant.auth);
  const { id, key } = await made.json<{ id: string; key: string }>();
  const rotated = await post(`/v1/keys/${id}/rotate`, { overlapS: 60 }, tenant.auth);
  const successor = await rotated.json<{ key: string }>();
  const taskId = await holdTask({ ...tenant, keyHash: await sha256Hex(successor.key) });
  await spend(tenant, taskId, 3_000);

  const seen = await budgetOf(key);
  expect(seen).toMatchObject({
    object: "budget",
    totalUsd: null,
    leftUsd: null,
    key: {
      object: "key_budget",
      spendsAs: id,
      totalUsd: 60,
      dayUsd: null,
      monthUsd: 50,
      spentUsd: { total: 0.003, day: 0.003, month: 0.003 },
    },
  });
  expect(seen.key.heldUsd).toBeGreaterThan(0);
  expect(seen.key.heldUsd).toBe(seen.heldUsd);
  expect(Math.round(1e6 * (seen.key.heldUsd + seen.key.leftUsd))).toBe(1e6 * 50 - 3_000);
  expect(await budgetOf(successor.key)).toEqual(seen);

  // The tenant's first key has no budget of its own: what it spends counts against none but the tenant's.
  await spend(tenant, await holdTask(tenant), 7_000);
  expect(await budgetOf(key)).toMatchObject({ spentUsd: { total: 0.01 }, key: seen.key });
});

test("a key without one is shown its tenant's alone, and so is the operator", async () => {
  const tenant = await openTenant();
  await post("/v1/keys", { name: "k", budget: { dayUsd: 1 } }, tenant.auth);
  const operators = await call(`/admin/tenants/${tenant.tenantId}/budget`, { headers: OPERATOR });
  const [own, seen] = [await budgetOf(tenant.key), await operators.json()];
  expect(own).not.toHaveProperty("key");
  expect(seen).toEqual(own);
});
