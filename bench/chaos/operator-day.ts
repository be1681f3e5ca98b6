/** What goes on beside the tasks: keys, policies, budgets, limits, webhooks, calibrations, tenants that come and go. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "./client.ts";
import { ownTool } from "./own-tool.ts";
import { passingTenant, type Passed } from "./passing-tenant.ts";

export interface OperatorWorld {
  readonly client: Client;
  readonly adminSecret: string;
  /** A tenant with past tasks. */
  readonly tenantId: string;
  readonly key: string;
  readonly hookUrl: string;
  readonly toolOrigin: string;
  /** A prompt with a verifier, for tenants that are deleted. */
  readonly task: object;
  /** Of such tenants. */
  readonly pool: readonly object[];
  /** Each is added as it is made. */
  readonly passed: Passed[];
}

const PAUSE_MS = 120;

/** Each goes on by itself: whoever stands at a failpoint keeps none of the others from theirs. */
const ERRANDS: readonly ((world: OperatorWorld, round: number) => Promise<void>)[] = [
  keys,
  policies,
  budgets,
  webhooks,
  calibration,
  passingTenant,
  tool,
  verifierSecret,
  stuck,
  readings,
  cron,
];

/** Rounds of all until the signal; how many were gone through whole. */
export async function runOperator(world: OperatorWorld, signal: AbortSignal): Promise<number> {
  const rounds = await Promise.all(ERRANDS.map(async (errand) => goRound(errand, world, signal)));
  return Math.min(...rounds);
}

async function goRound(
  errand: (typeof ERRANDS)[number],
  world: OperatorWorld,
  signal: AbortSignal,
): Promise<number> {
  let round = 0;
  while (!signal.aborted) {
    try {
      await errand(world, round);
    } catch (error) {
      if (signal.aborted) break;
      throw error;
    }
    await sleep(PAUSE_MS * 3);
    round += 1;
  }
  return round;
}

const keyOf = (what: string, round: number) => `operator-${what}-${round}`;

async function idOf(
  { client, key }: OperatorWorld,
  path: string,
  { body, bearer = key, idempotencyKey }: { body: unknown; bearer?: string; idempotencyKey: string },
): Promise<string> {
  const { status, json } = await client.ask({ method: "POST", path, bearer, body, idempotencyKey });
  const id = json?.["id"];
  if (status >= 300 || typeof id !== "string") throw new Error(`POST ${path} answered ${status}`);
  await sleep(PAUSE_MS);
  return id;
}

async function keys(world: OperatorWorld, round: number): Promise<void> {
  const { client, key } = world;
  const id = await idOf(world, "/v1/keys", {
    body: { name: "passing" },
    idempotencyKey: keyOf("key", round),
  });
  const next = await idOf(world, `/v1/keys/${id}/rotate`, {
    body: { overlapS: 5 },
    idempotencyKey: keyOf("rotate", round),
  });
  await client.ask({ method: "DELETE", path: `/v1/keys/${next}`, bearer: key });
}

async function policies(world: OperatorWorld, round: number): Promise<void> {
  const { key, adminSecret, tenantId } = world;
  await put(world, "/v1/policy", key, { deadlines: { taskMaxS: 3_000 + (round % 2) } });
  const own = { deadlines: { taskMaxS: 3_002 + (round % 2) } };
  await put(world, `/admin/tenants/${tenantId}/policy`, adminSecret, own);
}

async function budgets(world: OperatorWorld, round: number): Promise<void> {
  const { adminSecret, tenantId } = world;
  await put(world, `/admin/tenants/${tenantId}/budget`, adminSecret, { totalUsd: 500 + round });
  await put(world, `/admin/tenants/${tenantId}/limits`, adminSecret, {
    tokensPerMinute: 20_000_000 + round,
    concurrentTasks: 6 + (round % 3),
    maxTraces: 1 + (round % 2),
  });
}

async function put({ client }: OperatorWorld, path: string, bearer: string, body: unknown): Promise<void> {
  await client.ask({ method: "PUT", path, bearer, body });
  await sleep(PAUSE_MS);
}

async function webhooks(world: OperatorWorld, round: number): Promise<void> {
  const { client, key, hookUrl } = world;
  const ask = async (method: "POST" | "PATCH" | "DELETE", path: string, body?: object) => {
    await client.ask({
      method,
      path,
      bearer: key,
      ...(body !== undefined && { body }),
      ...(method === "POST" && { idempotencyKey: keyOf(path, round) }),
    });
    await sleep(PAUSE_MS);
  };
  const id = await idOf(world, "/v1/webhooks", {
    body: { url: `${hookUrl}/passing`, events: ["task.failed"] },
    idempotencyKey: keyOf("hook", round),
  });
  await ask("POST", `/v1/webhooks/${id}/test`);
  await ask("POST", `/v1/webhooks/${id}/rotate`, { overlapS: 5 });
  await ask("PATCH", `/v1/webhooks/${id}`, { description: `round ${round}` });
  await ask("DELETE", `/v1/webhooks/${id}`);
}

/** Runs of past tasks with the agents that did not win them: half of the calibrations are stopped on the way. */
async function calibration(world: OperatorWorld, round: number): Promise<void> {
  const { client, adminSecret, tenantId } = world;
  if (round % 3 !== 1) return;
  const path = `/admin/tenants/${tenantId}/calibrations`;
  const { status, json } = await client.ask({
    method: "POST",
    path,
    bearer: adminSecret,
    body: { tasks: 1 },
    idempotencyKey: keyOf("calibration", round),
  });
  const id = json?.["id"];
  if (status >= 300 || typeof id !== "string") return;
  const act = async (name: string) =>
    client.ask({
      method: "POST",
      path: `${path}/${id}/${name}`,
      bearer: adminSecret,
      ...(name === "accept" && { idempotencyKey: keyOf("accept", round) }),
    });
  await act("accept");
  if (round % 2 === 0) return;
  await sleep(PAUSE_MS * 10);
  await act("cancel");
}

async function tool(world: OperatorWorld): Promise<void> {
  const { client, key, toolOrigin } = world;
  const ask = async (method: "POST" | "PUT" | "DELETE", path: string, body?: object) =>
    client.ask({ method, path, bearer: key, ...(body !== undefined && { body }) });
  const passing = { ...ownTool(toolOrigin), name: "passing" };
  await ask("POST", "/v1/tools", passing);
  await ask("PUT", "/v1/tools/passing", { ...passing, description: "Changed." });
  await ask("DELETE", "/v1/tools/passing");
}

async function verifierSecret({ client, key }: OperatorWorld): Promise<void> {
  const body = { overlapS: 3_600 };
  await client.ask({ method: "POST", path: "/v1/verifier-secret/rotate", bearer: key, body });
}

/** Work that was given up: most of it is redriven, some dismissed, and some is asked about twice. */
export async function stuck(
  { client, adminSecret: bearer }: Pick<OperatorWorld, "client" | "adminSecret">,
  round: number,
): Promise<void> {
  const { json } = await client.ask({ method: "GET", path: "/admin/stuck", bearer });
  const found = (json?.["data"] ?? []) as readonly { readonly id: string | null; readonly can: string[] }[];
  for (const [at, { id, can }] of found.entries()) {
    if (id === null || !can.includes("redrive")) continue;
    const act = (round + at) % DISMISS_EVERY === DISMISS_EVERY - 1 ? "dismiss" : "redrive";
    for (let times = 0; times <= at % 2; times += 1)
      await client.ask({ method: "POST", path: `/admin/stuck/${id}/${act}`, bearer });
  }
}

const DISMISS_EVERY = 3;

/** What is only read, with the rooms in whatever state. */
async function readings({ client, key, adminSecret, tenantId }: OperatorWorld): Promise<void> {
  const own = [
    "policy",
    "policy/versions",
    "policy/versions/1",
    "tasks",
    "limits",
    "usage",
    "tools",
    "verifier-secret",
    "budget",
    "agents",
    "keys",
  ];
  const read = async (path: string) => client.ask({ method: "GET", path: `/v1/${path}`, bearer: key });
  for (const path of own) await read(path);
  const { json } = await read("tasks?limit=1");
  for (const { id } of (json?.["data"] ?? []) as readonly { readonly id: string }[])
    for (const part of ["trace", "receipt", "files"]) await read(`tasks/${id}/${part}`);
  for (const path of [`/admin/tenants/${tenantId}/calibrations`, "/admin/stuck"])
    await client.ask({ method: "GET", path, bearer: adminSecret });
}

/** Nobody fires it often enough between two deaths. */
async function cron({ client }: OperatorWorld): Promise<void> {
  await client.ask({ method: "POST", path: "/__chaos/cron", bearer: "" });
}
