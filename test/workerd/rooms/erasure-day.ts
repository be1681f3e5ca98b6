/** What there is of a tenant, read past the words of whoever erases it; and its erasure. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { newId, type TaskId, type TenantId } from "../../../src/market/ids.ts";
import { claimTenant } from "../../../src/history/claim-tenant.ts";
import { writeHistory } from "../../../src/history/write-history.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import { carryVectors } from "../../../src/tenancy/consume-memory.ts";
import { eraseTenant, type EraseReport } from "../../../src/tenancy/erase-tenant.ts";
import { alarmOf, config, openMarket, type MarketDay, type TaskStub } from "./market-day.ts";
import { memoryOver, runTask, type anIndex } from "./memory-day.ts";

export type Index = ReturnType<typeof anIndex>;
export type Past = MarketDay & {
  readonly tasks: readonly { readonly taskId: TaskId; readonly room: TaskStub }[];
};

/**
 * A tenant with a past: the key that it was asked for under, two tasks that ended, their rows in D1, a dead letter of one
 * that was dismissed, their vectors in the index.
 */
export async function pastOf({ index, vectorize }: Index): Promise<Past> {
  const day = await openMarket();
  const memory = memoryOver(index);
  const tasks = [await runTask(day, { memory }), await runTask(day, { memory, result: "41" })];
  await carryRows(config, day.tenantId);
  await carryVectors(config, index, day.tenantId);
  vectorize.flush();
  const claim = { keyHash: day.tenantId, bodyHash: "b", tenantId: day.tenantId };
  await claimTenant(config.db, { ...claim, expiresAtMs: Date.now() + 1 }, Date.now());
  await keepLetter(day, tasks[0]);
  return { ...day, tasks };
}

async function keepLetter({ tenantId }: MarketDay, task: Past["tasks"][number] | undefined): Promise<void> {
  if (task === undefined) throw new Error("no task ran");
  const tried = { attempt: 1, generation: 1, tries: 5, lapses: 0, errorClass: "TypeError", error: "…" };
  const letter = {
    table: "stuck",
    stuckId: newId("stk", config.source),
    tenantId,
    taskId: task.taskId,
  } as const;
  const kind = { kind: "dead_letter", work: "trace", state: "dismissed" } as const;
  const row = { ...letter, ...kind, ...tried, sinceAtMs: Date.now(), version: 2 };
  await writeHistory(config.db, [{ id: 1, row }]);
}

export async function erase(day: MarketDay, { index }: Index, { force = false } = {}): Promise<EraseReport> {
  const erased = await eraseTenant({ config, index }, { tenantId: day.tenantId, force });
  if (!erased.ok) throw new Error(erased.failure.reason);
  return erased.value;
}

/** Rows of a tenant in every table that the database has; the migrations' own aside, and the sums, which have no tenant. */
export async function rowsOf(tenantId: TenantId): Promise<Record<string, number>> {
  const tables = await env.DB.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '%_cf%' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'd1_%' AND name NOT IN ('agent_sums', 'end_sums')",
  ).all<{ name: string }>();
  const counted = tables.results.map(async ({ name }) => {
    const query = env.DB.prepare(`SELECT count(*) AS n FROM "${name}" WHERE tenant_id = ?`).bind(tenantId);
    return [name, (await query.first<{ n: number }>())?.n ?? -1] as const;
  });
  return Object.fromEntries(await Promise.all(counted));
}

export const vectorsOf = async ({ vectorize }: Index, { tenantId }: MarketDay) =>
  (await vectorize.query(Float32Array.from([1, 0]), { topK: 20, namespace: tenantId })).matches.length;

/** Tables and alarm of a room, past its own words. */
export async function storageOf(room: DurableObjectStub): Promise<number> {
  const tables = await runInDurableObject(room, async (_room, { storage }) => {
    const names = storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'");
    return names.toArray().filter(({ name }) => !name.startsWith("_cf_")).length;
  });
  return tables + Number((await alarmOf(room)) !== null);
}

export async function everythingOf(day: Past, index: Index) {
  return {
    rows: await rowsOf(day.tenantId),
    vectors: await vectorsOf(index, day),
    rooms: await Promise.all([day.market, ...day.tasks.map(({ room }) => room)].map(storageOf)),
  };
}
