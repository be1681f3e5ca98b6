/** The Worker's HTTP surface as a client and as its operator meet it, and the queue's part, which tests play. */
import { createMessageBatch } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { z } from "zod";
import type { ApiDeps } from "../../../src/api/api-env.ts";
import { createApp } from "../../../src/api/app.ts";
import { parseConfig } from "../../../src/config.ts";
import { newId, type TaskId, type TenantId } from "../../../src/market/ids.ts";
import type { AgentInput } from "../../../src/market/agent.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { createVectorIndex } from "../../../src/memory/vector-index.ts";
import { consumeHistory } from "../../../src/tenancy/consume-history.ts";
import type { MarketRoomApi, Ordering } from "../../../src/tenancy/market-room-api.ts";
import type { TaskRoomPort } from "../../../src/tenancy/task-room-port.ts";
import type { TaskRoomApi } from "../../../src/taskroom/task-room-api.ts";
import { aTaskSpec } from "../../support/builders.ts";
import { helpersOver } from "../../support/helpers-over.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { marketStub, taskStub } from "../stubs.ts";

export const config = parseConfig(env);

/** As test/workerd/wrangler.toml sets it. */
export const OPERATOR = { Authorization: "Bearer test-operator" };

/** Of a Worker whose test asks no MCP server. */
export const listServer: ApiDeps["listServer"] = async ({ name }) => {
  throw new Error(`nobody is to ask ${name} for its tools`);
};

/** The API of a Worker that has this config, and whose models are never asked. */
export function appWith(given: ApiDeps["config"]): ReturnType<typeof createApp> {
  const models = new ScriptedModels({});
  const auction = { config: given, models, helpers: helpersOver(models), toolMenu: () => [], memory: null };
  return createApp({ config: given, auction, listServer });
}

export const ORIGIN = "https://saleroom.test";

export async function call(path: string, init: RequestInit = {}): Promise<Response> {
  return exports.default.fetch(new Request(`${ORIGIN}${path}`, init));
}

type Headers = Readonly<Record<string, string>>;

/** A POST with a JSON body. */
export async function post(path: string, body: unknown, headers: Headers = {}): Promise<Response> {
  return send("POST", path, { body, headers });
}

/** A PUT with a JSON body. */
export async function put(path: string, body: unknown, headers: Headers = OPERATOR): Promise<Response> {
  return send("PUT", path, { body, headers });
}

async function send(
  method: string,
  path: string,
  { body, headers }: { readonly body: unknown; readonly headers: Headers },
): Promise<Response> {
  return call(path, {
    method,
    body: JSON.stringify(body),
    headers: { ...headers, "Content-Type": "application/json" },
  });
}

export const bodyOf = async (response: Response): Promise<unknown> => response.json();

const problemSchema = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    issues: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).optional(),
  }),
  requestId: z.uuid(),
});

export interface SeenProblem {
  readonly status: number;
  readonly code: string;
  /** Where something is wrong, as the client is told. */
  readonly paths: readonly string[];
}

/** What a refusal says; fails unless the body has exactly the shape of an error. */
export async function problemOf(response: Response): Promise<SeenProblem> {
  const { error } = problemSchema.parse(await response.json());
  return { status: response.status, code: error.code, paths: (error.issues ?? []).map(({ path }) => path) };
}

/** Everything of a response that a client could tell two refusals apart by. */
export async function fingerprint(response: Response): Promise<object> {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => name !== "x-request-id"));
  const text = (await response.text()).replace(response.headers.get("X-Request-Id") ?? "", "");
  return { status: response.status, headers, text };
}

const keySchema = z.object({ id: z.string(), key: z.string(), budget: z.unknown(), limits: z.unknown() });
const tenantSchema = z.object({ id: z.string() });

export interface Tenant {
  readonly tenantId: TenantId;
  readonly key: string;
  readonly keyHash: string;
  /** The Authorization header of its key. */
  readonly auth: { readonly Authorization: string };
  readonly market: MarketRoomApi;
  room(taskId: TaskId): TaskRoomApi;
}

/** A new tenant with one key, made through the operator's API. */
export async function openTenant(
  options: { readonly ordering?: Ordering; readonly pool?: readonly AgentInput[] } = {},
): Promise<Tenant> {
  const made = tenantSchema.parse(
    await (await post("/admin/tenants", { name: "Test", ...options }, OPERATOR)).json(),
  );
  const tenantId = made.id as TenantId;
  const { key, auth } = await keyWith({ tenantId }, { name: "first" });
  return {
    tenantId,
    key,
    keyHash: await sha256(key),
    auth,
    market: marketStub<MarketRoomApi>(tenantId),
    room: (taskId) => taskStub<TaskRoomApi>(tenantId, taskId),
  };
}

/** A new key of the tenant, and all that is shown of it. @param by whose request makes it; default: the operator's */
export async function keyWith(
  { tenantId }: Pick<Tenant, "tenantId">,
  fields: object,
  by: Headers = OPERATOR,
) {
  const path = by === OPERATOR ? `/admin/tenants/${tenantId}/keys` : "/v1/keys";
  const response = await post(path, { name: "k", ...fields }, by);
  if (response.status !== 201) throw new Error(await response.text());
  const shown = keySchema.parse(await response.json());
  return { ...shown, auth: { Authorization: `Bearer ${shown.key}` } };
}

async function sha256(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).reduce(
    (hex, byte) => hex + byte.toString(16).padStart(2, "0"),
    "",
  );
}

/**
 * A task that the test holds: nobody is asked for a bid, and it stays open until the test ends it.
 * `asksAtOnce`: its calls count from admission on, as if a Worker were asking for bids.
 * `auctionGeneration` is null where the tenant's ordering makes it wait.
 */
export async function holdTask(
  tenant: Tenant,
  input: Partial<TaskInput> = {},
  { asksAtOnce = false }: { readonly asksAtOnce?: boolean } = {},
): Promise<TaskId> {
  const admitted = await tenant.market.admit({
    keyHash: tenant.keyHash,
    taskId: newId("tsk", config.source),
    auctionId: newId("auc", config.source),
    seed: 7,
    spec: aTaskSpec(input),
    idempotency: null,
    asksAtOnce,
  });
  if (!admitted.ok) throw new Error(admitted.failure.reason);
  const { taskId, opening } = admitted.value;
  // As the Worker that was given the auction does.
  if (opening !== null) await taskStub<TaskRoomPort>(tenant.tenantId, taskId).open(opening);
  return taskId;
}

const shownTask = z.looseObject({
  object: z.literal("task"),
  id: z.string(),
  state: z.string(),
  failureReason: z.string().nullable(),
});

/** A task as the API shows it. */
export async function taskOf(response: Response): Promise<z.output<typeof shownTask>> {
  return shownTask.parse(await response.json());
}

/** Submits a task and waits for its end: without models every agent abstains, and it fails for want of bids. */
export async function failedTask(tenant: Tenant): Promise<TaskId> {
  const task = await taskOf(await post("/v1/tasks", { prompt: "p" }, { ...tenant.auth, Prefer: "wait=30" }));
  if (task.failureReason !== "no_bids") throw new Error(`unexpected end: ${JSON.stringify(task)}`);
  return task.id as TaskId;
}

/** Plays the history queue's consumer: afterwards D1 has every row, and settled tasks have left the room. */
export async function carryHistory(tenant: Tenant): Promise<void> {
  const body = { kind: "history", tenantId: tenant.tenantId };
  await consumeHistory(
    config,
    createVectorIndex(config.vectorize),
    createMessageBatch("saleroom-history", [{ id: "1", timestamp: new Date(), attempts: 1, body }]),
  );
}
