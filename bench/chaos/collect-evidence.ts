/** What is left at the end, read through the API, the emulators' log, and the rooms' own tables. */
import pLimit from "p-limit";
import { z } from "zod";
import { readAgents } from "../../emulators/demo/api.ts";
import { followEvents } from "../../emulators/demo/follow-events.ts";
import type { CallRow } from "../../emulators/log/call-row.ts";
import type { TaskEvent } from "../../src/market/event.ts";
import { parseId } from "../../src/market/ids.ts";
import { usdToMicros } from "../../src/market/money.ts";
import { readBooks } from "../books/read-books.ts";
import type { Client } from "./client.ts";
import type {
  Acknowledged,
  CallSeen,
  Evidence,
  StepSeen,
  TaskSeen,
  TenantSeen,
  Trespass,
} from "./evidence.ts";
import type { OpenTenant } from "./market-days.ts";
import { stateOf } from "./settle.ts";
import { TIGHT_CAP_USD } from "./workload.ts";

export interface EvidenceWorld {
  readonly client: Client;
  readonly url: string;
  readonly emulatorUrl: string;
  readonly adminSecret: string;
  readonly tenants: readonly OpenTenant[];
}

const AT_A_TIME = 8;
const LOG_PAGE = 1_000;
/** Every so many tasks are asked for with another tenant's key. */
const TRESPASS_EVERY = 3;

const budgetSchema = z.object({ heldUsd: z.number(), spentUsd: z.object({ total: z.number() }) });

export async function collectEvidence(
  world: EvidenceWorld,
  acknowledged: readonly Acknowledged[],
): Promise<Omit<Evidence, "gone" | "heard" | "acknowledged" | "delivered" | "checked" | "toolHits">> {
  const limit = pLimit(AT_A_TIME);
  const tenants: TenantSeen[] = [];
  const tasks: TaskSeen[] = [];
  let vectors = 0;
  for (const tenant of world.tenants) {
    const known = await stateOf(world.client, { tenantId: tenant.tenantId, taskIds: [] });
    const ids = new Set([
      ...acknowledged
        .filter((one) => one.tenantId === tenant.tenantId)
        .map(({ taskIds }) => taskIds[0] ?? ""),
      ...(known.history["tasks"] ?? []).map((row) => String(row["task_id"])),
    ]);
    tasks.push(
      ...(await Promise.all([...ids].map((taskId) => limit(async () => taskSeen(world, tenant, taskId))))),
    );
    const state = await stateOf(world.client, { tenantId: tenant.tenantId, taskIds: [...ids] });
    vectors = state.vectors;
    tenants.push(await tenantSeen(world, tenant, state));
  }
  return {
    tenants,
    tasks,
    log: await readLog(world.emulatorUrl),
    vectors,
    trespasses: await trespass(world, tasks),
  };
}

async function tenantSeen(
  { client, url, adminSecret }: EvidenceWorld,
  { name, tenantId, key, hookPath }: OpenTenant,
  { market, tasks: rooms, history }: Awaited<ReturnType<typeof stateOf>>,
): Promise<TenantSeen> {
  const id = parseId("ten", tenantId);
  if (id === null) throw new Error(`${tenantId} is no tenant's id`);
  const { json } = await client.ask({ method: "GET", path: "/v1/budget", bearer: key });
  const budget = budgetSchema.parse(json);
  return {
    tenantId,
    name,
    hookPath,
    capMicros: name === "tight" ? usdToMicros(TIGHT_CAP_USD) : null,
    books: await readBooks({ url, tenantId: id, secret: adminSecret }),
    heldMicros: usdToMicros(budget.heldUsd),
    spentMicros: usdToMicros(budget.spentUsd.total),
    agents: (await readAgents({ url, key })).map(({ id: agentId, model, prices }) => ({
      id: agentId,
      model,
      prices,
    })),
    market,
    rooms,
    history,
  };
}

async function taskSeen(
  { client, url }: EvidenceWorld,
  { key, tenantId }: OpenTenant,
  taskId: string,
): Promise<TaskSeen> {
  const read = async (path: string) => {
    const { status, json } = await client.ask({ method: "GET", path, bearer: key });
    if (status !== 200 || json === null) throw new Error(`GET ${path} answered ${status}`);
    return json;
  };
  const task = await read(`/v1/tasks/${taskId}`);
  const trace = await read(`/v1/tasks/${taskId}/trace`);
  const events: TaskEvent[] = [];
  for await (const event of followEvents({ access: { url, key }, taskId, toClose: true })) events.push(event);
  return {
    taskId,
    tenantId,
    state: String(task["state"]),
    costMicros: Number(task["costMicros"]),
    attempts: Number(task["attempts"]),
    events,
    steps: trace["steps"] as readonly StepSeen[],
    calls: trace["calls"] as readonly CallSeen[],
    files: await filesSeen(url, key, taskId),
  };
}

async function filesSeen(url: string, key: string, taskId: string): Promise<Record<string, string>> {
  const read = async (more: string) => {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${url}/v1/tasks/${taskId}/files${more}`, { headers });
    if (!response.ok) throw new Error(`the files of ${taskId} answered ${response.status}`);
    return response;
  };
  const { data } = (await (await read("")).json()) as { readonly data: readonly { readonly path: string }[] };
  const texts: Record<string, string> = {};
  for (const { path } of data) texts[path] = await (await read(`/${path}`)).text();
  return texts;
}

export async function readLog(emulatorUrl: string): Promise<CallRow[]> {
  const log: CallRow[] = [];
  for (let after = 0; ;) {
    const response = await fetch(`${emulatorUrl}/emulator/calls?after=${after}&limit=${LOG_PAGE}`);
    const { calls } = (await response.json()) as { readonly calls: readonly CallRow[] };
    log.push(...calls);
    const last = calls.at(-1);
    if (last === undefined || calls.length < LOG_PAGE) return log;
    after = last.id;
  }
}

/** Everything of a task that can be read by id, with the next tenant's key. */
async function trespass({ client, tenants }: EvidenceWorld, tasks: readonly TaskSeen[]): Promise<Trespass[]> {
  const seen: Trespass[] = [];
  for (const [at, { taskId, tenantId }] of tasks.entries()) {
    if (at % TRESPASS_EVERY !== 0) continue;
    const own = tenants.findIndex((tenant) => tenant.tenantId === tenantId);
    const other = tenants[(own + 1) % tenants.length];
    if (other === undefined) continue;
    for (const more of ["", "/trace", "/receipt", "/events", "/files"]) {
      const path = `/v1/tasks/${taskId}${more}`;
      const { status } = await client.ask({ method: "GET", path, bearer: other.key });
      seen.push({ taskId, path, status });
    }
  }
  return seen;
}
