/** Webhooks over HTTP: how a tenant sets endpoints up, sees what was delivered, and asks for it again. */
import { beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { MAX_WEBHOOKS } from "../../../src/market/webhook.ts";
import { sendDue } from "../../../src/tenancy/webhooks/consume-webhooks.ts";
import type { WebhookId } from "../../../src/market/ids.ts";
import { Receiver } from "../rooms/webhook-day.ts";
import {
  call,
  config,
  failedTask,
  fingerprint,
  openTenant,
  post,
  problemOf,
  type Tenant,
} from "./support.ts";

interface Webhook {
  readonly id: WebhookId;
  readonly url: string;
  readonly secret: string;
  readonly enabled: boolean;
}
interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly taskId: string | null;
  readonly state: string;
  readonly attempts: readonly object[];
}
type Page = { readonly data: readonly Delivery[]; readonly nextCursor: string | null };

let tenant: Tenant;
let receiver: Receiver;
beforeEach(async () => {
  tenant = await openTenant();
  receiver = new Receiver();
});

const URL_OF = "https://hooks.example.com/saleroom?token=t";
const create = async (body: object = { url: URL_OF }) => post("/v1/webhooks", body, tenant.auth);
const created = async (body?: object): Promise<Webhook> => {
  const response = await create(body);
  expect(response.status).toBe(201);
  return response.json<Webhook>();
};
const patch = async (id: string, body: object) =>
  call(`/v1/webhooks/${id}`, {
    method: "PATCH",
    body: JSON.stringify(body),
    headers: { ...tenant.auth, "Content-Type": "application/json" },
  });
const read = async (path: string) => call(path, { headers: tenant.auth });
const carry = async (webhookId: WebhookId) =>
  sendDue(
    { config, fetch: receiver.fetch, resolve: async () => ["8.8.8.8"] },
    { kind: "webhook", tenantId: tenant.tenantId, webhookId },
  );
const deliveries = async (id: string, query = "") =>
  (await read(`/v1/webhooks/${id}/deliveries${query}`)).json<Page>();

describe("an endpoint", () => {
  test("is made with a secret that is shown once", async () => {
    const response = await create({ url: URL_OF, events: ["task.failed"], description: "to the pager" });
    const { secret, ...shown } = await response.json<Webhook>();
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(response.headers.get("Location")).toBe(`/v1/webhooks/${shown.id}`);
    expect(shown).toEqual({
      object: "webhook",
      id: expect.stringMatching(/^whk_/),
      url: URL_OF,
      description: "to the pager",
      events: ["task.failed"],
      enabled: true,
      disabled: null,
      previousSecretUntil: null,
      createdAt: expect.stringMatching(/Z$/),
    });
    expect(await (await read(`/v1/webhooks/${shown.id}`)).json()).toEqual(shown);
    expect(await (await read("/v1/webhooks")).json()).toEqual({ object: "list", data: [shown] });
  });

  test.each([
    ["http://hooks.example.com/", "url"],
    ["https://127.0.0.1/", "url"],
    ["https://0x7f.1/", "url"],
    ["https://[::ffff:10.0.0.1]/", "url"],
    ["https://169.254.169.254/latest/meta-data", "url"],
    ["https://metadata.google.internal/", "url"],
    ["https://localhost:8787/admin/tenants", "url"],
    ["https://user:pass@hooks.example.com/", "url"],
    ["file:///etc/passwd", "url"],
    ["hooks.example.com", "url"],
    [`https://hooks.example.com/${"a".repeat(2_048)}`, "url"],
  ])("does not go to %s", async (url, path) => {
    expect(await problemOf(await create({ url }))).toEqual({
      status: 400,
      code: "invalid_body",
      paths: [path],
    });
    const { id } = await created();
    expect(await problemOf(await patch(id, { url }))).toMatchObject({ code: "invalid_body", paths: [path] });
  });

  test.each([
    [{ url: URL_OF, events: ["task.bidding"] }, "events[0]"],
    [{ url: URL_OF, events: [] }, "events"],
    [{ url: URL_OF, events: ["task.failed", "task.failed"] }, "events"],
    [{ url: URL_OF, secret: "whsec_mine" }, "secret"],
    [{}, "url"],
  ])("is refused as %j", async (body, path) => {
    const { status, paths } = await problemOf(await create(body));
    expect([status, paths]).toEqual([400, [path]]);
  });

  test("is changed field by field, disabled and enabled, and deleted", async () => {
    const { id } = await created();
    expect(await (await patch(id, { events: ["task.finished"] })).json()).toMatchObject({
      url: URL_OF,
      events: ["task.finished"],
      enabled: true,
    });
    expect(await (await patch(id, { enabled: false, events: null })).json()).toMatchObject({
      events: null,
      enabled: false,
      disabled: { reason: "asked", at: expect.any(String) },
    });
    const tested = await post(`/v1/webhooks/${id}/test`, {}, tenant.auth);
    expect(await problemOf(tested)).toEqual({ status: 409, code: "webhook_disabled", paths: [] });
    expect(await (await patch(id, { enabled: true })).json()).toMatchObject({
      enabled: true,
      disabled: null,
    });
    const removed = await call(`/v1/webhooks/${id}`, { method: "DELETE", headers: tenant.auth });
    expect(await removed.json()).toEqual({ object: "webhook", id, deleted: true });
    const gone = await read(`/v1/webhooks/${id}`);
    expect(await fingerprint(gone)).toEqual(
      await fingerprint(await read(`/v1/webhooks/${newId("whk", config.source)}`)),
    );
    expect(await fingerprint(await read("/v1/webhooks/nonsense"))).toMatchObject({ status: 404 });
  });

  test("is one of so many, and no more", async () => {
    for (let at = 0; at < MAX_WEBHOOKS; at += 1) await created();
    expect(await problemOf(await create())).toEqual({ status: 409, code: "too_many_webhooks", paths: [] });
  });

  test("of a key that opens nothing is refused like any other", async () => {
    const auth = { Authorization: `Bearer ${tenant.key.slice(0, -48)}${"0".repeat(48)}` };
    const statuses = await Promise.all(
      [post("/v1/webhooks", { url: URL_OF }, auth), call("/v1/webhooks", { headers: auth })].map(
        async (response) => (await response).status,
      ),
    );
    expect(statuses).toEqual([401, 401]);
  });
});

describe("a delivery", () => {
  test("of a task's end comes signed, is in the history, and comes again on request", async () => {
    const { id, secret } = await created();
    const taskId = await failedTask(tenant);
    await carry(id);
    const [sent] = receiver.sent;
    if (sent === undefined) throw new Error("nothing was sent");
    expect(sent.url).toBe(URL_OF);
    expect(Receiver.verified(sent, secret)).toMatchObject({
      type: "task.failed",
      data: { taskId, state: "failed", failureReason: "no_bids" },
    });
    const { data } = await deliveries(id);
    expect(data).toEqual([
      {
        object: "webhook_delivery",
        id: sent.id,
        webhookId: id,
        type: "task.failed",
        taskId,
        state: "delivered",
        reason: null,
        createdAt: expect.any(String),
        nextAttemptAt: null,
        attempts: [{ at: expect.any(String), ms: expect.any(Number), status: 204, error: null }],
      },
    ]);
    const path = `/v1/webhooks/${id}/deliveries/${sent.id}/redeliver`;
    const asked = await post(path, {}, tenant.auth);
    expect(asked.status).toBe(202);
    expect(await asked.json()).toMatchObject({
      id: sent.id,
      state: "pending",
      nextAttemptAt: expect.any(String),
    });
    await carry(id);
    expect(receiver.sent.map((one) => one.id)).toEqual([sent.id, sent.id]);
    expect((await deliveries(id)).data[0]?.attempts).toHaveLength(2);
    const unknown = `/v1/webhooks/${id}/deliveries/${newId("dlv", config.source)}/redeliver`;
    expect(await problemOf(await post(unknown, {}, tenant.auth))).toMatchObject({
      code: "delivery_not_found",
    });
  });

  test("of a test event comes to an endpoint whatever it has chosen", async () => {
    const { id, secret } = await created({ url: URL_OF, events: ["task.finished"] });
    const tested = await post(`/v1/webhooks/${id}/test`, {}, tenant.auth);
    expect(tested.status).toBe(202);
    await carry(id);
    expect(receiver.sent.map((sent) => Receiver.verified(sent, secret))).toMatchObject([
      { type: "webhook.test", data: { webhookId: id } },
    ]);
  });

  test("is signed by the old and the new secret after a rotation", async () => {
    const { id, secret } = await created();
    const rotated = await (
      await post(`/v1/webhooks/${id}/rotate`, { overlapS: 60 }, tenant.auth)
    ).json<Webhook>();
    expect(rotated).toMatchObject({ id, previousSecretUntil: expect.any(String) });
    expect(rotated.secret).not.toBe(secret);
    await post(`/v1/webhooks/${id}/test`, {}, tenant.auth);
    await carry(id);
    const [sent] = receiver.sent;
    if (sent === undefined) throw new Error("nothing was sent");
    for (const one of [secret, rotated.secret]) expect(() => Receiver.verified(sent, one)).not.toThrow();
    const shown = await (await read("/v1/webhooks")).text();
    expect([secret, rotated.secret].filter((one) => shown.includes(one))).toEqual([]);
  });

  test("is found page by page, newest first, and by its state", async () => {
    const { id } = await created();
    const made: string[] = [];
    for (let at = 0; at < 5; at += 1) {
      const tested = await post(`/v1/webhooks/${id}/test`, {}, tenant.auth);
      made.push((await tested.json<Delivery>()).id);
    }
    const newestFirst = made.toSorted().toReversed();
    const first = await deliveries(id, "?limit=2");
    const second = await deliveries(id, `?limit=2&cursor=${first.nextCursor}`);
    const third = await deliveries(id, `?limit=2&cursor=${second.nextCursor}`);
    const pages = [first, second, third].map(({ data }) => data.map((one) => one.id));
    expect(pages).toEqual([newestFirst.slice(0, 2), newestFirst.slice(2, 4), newestFirst.slice(4)]);
    expect(third.nextCursor).toBeNull();
    expect((await deliveries(id, "?state=pending")).data).toHaveLength(5);
    expect((await deliveries(id, "?state=delivered")).data).toEqual([]);
    const paths = async (query: string) =>
      (await problemOf(await read(`/v1/webhooks/${id}/deliveries${query}`))).paths;
    expect(await paths("?state=lost")).toEqual(["query state"]);
    expect(await paths("?cursor=1&limit=0")).toEqual(["query limit", "query cursor"]);
  });
});
