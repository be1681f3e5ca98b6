/** Who may come in: every refusal of a key reads the same, so that nobody learns which part of it was wrong. */
import { beforeAll, describe, expect, test } from "vitest";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import {
  call,
  config,
  fingerprint,
  holdTask,
  openTenant,
  OPERATOR,
  post,
  problemOf,
  type Tenant,
} from "./support.ts";

const SECRET = "0".repeat(48);
const keyOf = (ulid: string, secret = SECRET) => `sr_${ulid}_${secret}`;

let tenant: Tenant;
let other: Tenant;
let taskId: TaskId;
let ulid: string;

beforeAll(async () => {
  tenant = await openTenant();
  other = await openTenant();
  taskId = await holdTask(tenant);
  ulid = tenant.tenantId.slice("ten_".length);
});

/** Authorization headers that open nothing. */
const badHeaders = (): Record<string, string | null> => ({
  "no header": null,
  "an empty header": "",
  "a scheme without a key": "Bearer",
  "another scheme": `Basic ${tenant.key}`,
  "the key without a scheme": tenant.key,
  "two keys": `Bearer ${tenant.key} ${tenant.key}`,
  "a key of another form": "Bearer sk-live-0123456789",
  "a key without its end": `Bearer ${tenant.key.slice(0, -1)}`,
  "a key in upper case": `Bearer ${tenant.key.toUpperCase()}`,
  "a tenant's id that is none": `Bearer ${keyOf("z".repeat(26))}`,
  "an unknown tenant": `Bearer ${keyOf(newId("ten", config.source).slice("ten_".length))}`,
  "the right tenant, the wrong secret": `Bearer ${keyOf(ulid)}`,
  "the right tenant, another tenant's secret": `Bearer ${keyOf(ulid, other.key.slice(-48))}`,
  "the operator's secret": OPERATOR.Authorization,
});

const ROUTES: readonly (readonly [
  name: string,
  request: (headers: Record<string, string>) => Promise<Response>,
])[] = [
  ["submit", (headers) => post("/v1/tasks", { prompt: "p" }, headers)],
  ["list", (headers) => call("/v1/tasks", { headers })],
  ["read", (headers) => call(`/v1/tasks/${taskId}`, { headers })],
  ["trace", (headers) => call(`/v1/tasks/${taskId}/trace`, { headers })],
  ["events", (headers) => call(`/v1/tasks/${taskId}/events`, { headers })],
  ["cancel", (headers) => call(`/v1/tasks/${taskId}/cancel`, { method: "POST", headers })],
  ["agents", (headers) => call("/v1/agents", { headers })],
];

describe.each(ROUTES)("%s", (_, request) => {
  test("refuses every bad key in the same words", async () => {
    const bare = await request({});
    expect(bare.headers.get("WWW-Authenticate")).toBe("Bearer");
    const refusal = await fingerprint(bare.clone());
    expect(await problemOf(bare)).toEqual({ status: 401, code: "unauthenticated", paths: [] });
    for (const [name, header] of Object.entries(badHeaders())) {
      const response = await request(header === null ? {} : { Authorization: header });
      expect({ name, ...(await fingerprint(response)) }).toEqual({ name, ...refusal });
    }
  });
});

test("refused requests change nothing", async () => {
  expect(await tenant.room(taskId).view()).toMatchObject({ state: "admitted" });
  expect((await tenant.market.heldTasks()).map((task) => task.taskId)).toEqual([taskId]);
});

test("who is refused comes before what is wrong: a bad parameter without a key is a matter of the key", async () => {
  const headers = { "Last-Event-ID": "soon" };
  const response = await call(`/v1/tasks/${taskId}/events`, { headers });
  expect(await problemOf(response)).toEqual({ status: 401, code: "unauthenticated", paths: [] });
});

test.each(["Bearer", "bearer", "BEARER"])("the scheme %s is read, as RFC 9110 has it", async (scheme) => {
  const response = await call("/v1/tasks", { headers: { Authorization: `${scheme} ${tenant.key}` } });
  expect(response.status).toBe(200);
});

test("every key of a tenant opens the same market", async () => {
  const response = await post(`/admin/tenants/${tenant.tenantId}/keys`, { name: "second" }, OPERATOR);
  const { key } = await response.json<{ key: string }>();
  expect(key).not.toBe(tenant.key);
  const seen = await call(`/v1/tasks/${taskId}`, { headers: { Authorization: `Bearer ${key}` } });
  expect(seen.status).toBe(200);
});
