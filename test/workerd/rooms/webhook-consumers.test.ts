/** Who is handed a delivery, and when the consumer is called for it. */
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ATTEMPT_MS, DELIVERY_CLAIM_MS, RETRY_AFTER_MS } from "../../../src/market/delivery.ts";
import { consumeWebhooks, type WebhookDeps } from "../../../src/tenancy/webhooks/consume-webhooks.ts";
import { AT_ONCE } from "../../../src/tenancy/webhooks/delivery-desk.ts";
import { CALL_AGAIN_MS } from "../../../src/tenancy/webhooks/webhook-calls.ts";
import { config, evictRooms, useStoppedClock } from "./market-day.ts";
import { openWebhookDay, RECEIVER, type Sent } from "./webhook-day.ts";

/** The platform ends a consumer after this long. */
const INVOCATION_MS = 15 * 60_000;

const clock = useStoppedClock();

/** What the room puts on the webhooks' queue from now on. */
function watchQueue(): { readonly sent: unknown[] } {
  const sent: unknown[] = [];
  const spy = vi.spyOn(config.webhookQueue, "send");
  spy.mockImplementation(async (message) => {
    sent.push(message);
    return undefined as never;
  });
  return { sent };
}
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a consumer", () => {
  test("that dies between sending and reporting leaves it to the next, under the same id", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    const broken = {
      ...config,
      marketRoom: <Port>() =>
        ({
          claimDeliveries: async () => day.market.claimDeliveries(webhookId),
          reportDeliveries: async () => {
            throw new Error("the consumer died");
          },
        }) as Port,
    };
    await expect(day.carry(webhookId, { config: broken })).rejects.toThrow("died");
    expect(day.receiver.sent).toHaveLength(1);
    await day.carry(webhookId);
    expect(day.receiver.sent).toHaveLength(1);
    expect(await day.timerOf(webhookId)).toBe(Date.now() + DELIVERY_CLAIM_MS);
    await evictRooms(day.market);
    clock.pass(DELIVERY_CLAIM_MS);
    await day.carry(webhookId);
    const [first, second] = day.receiver.sent;
    expect(second?.id).toBe(first?.id);
    expect(second?.body).toBe(first?.body);
    expect(await day.deliveries(webhookId)).toMatchObject([{ state: "delivered" }]);
  });

  test("that dies each time, whatever it is that kills it, ends with the schedule", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    const broken = {
      ...config,
      marketRoom: <Port>() =>
        ({
          claimDeliveries: async () => day.market.claimDeliveries(webhookId),
          reportDeliveries: async () => Promise.reject(new Error("the consumer died")),
        }) as Port,
    };
    const startedAtMs = Date.now();
    for (let due = await day.timerOf(webhookId); due !== null; due = await day.timerOf(webhookId)) {
      clock.pass(Math.max(0, due - Date.now()));
      await day.carry(webhookId, { config: broken }).catch(() => undefined);
      if (Date.now() > startedAtMs + 10 * 24 * 3_600_000 || day.receiver.sent.length > 20) break;
    }
    expect(day.receiver.sent).toHaveLength(RETRY_AFTER_MS.length + 1);
    const [delivery] = await day.deliveries(webhookId);
    expect(delivery).toMatchObject({ state: "failed", reason: "exhausted" });
    expect(new Set(delivery?.attempts.map(({ error }) => error))).toEqual(new Set(["lost"]));
    expect(delivery?.attempts).toHaveLength(RETRY_AFTER_MS.length + 1);
  });

  test("shares nothing with another that comes at the same time", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    for (let at = 0; at < 12; at += 1) await day.endTask();
    await Promise.all([day.carry(webhookId), day.carry(webhookId), day.carry(webhookId)]);
    await day.carry(webhookId);
    expect(day.receiver.sent).toHaveLength(12);
    expect(new Set(day.receiver.sent.map(({ id }) => id)).size).toBe(12);
    expect(await day.deliveries(webhookId, "delivered")).toHaveLength(12);
  });

  test("never has an endpoint be sent more than a few at a time", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    for (let at = 0; at < 12; at += 1) await day.endTask();
    let underWay = 0;
    let most = 0;
    day.receiver.answer = async () => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setTimeout(resolve, 5));
      underWay -= 1;
      return new Response();
    };
    await Promise.all([day.carry(webhookId), day.carry(webhookId)]);
    await day.carry(webhookId);
    expect(most).toBe(AT_ONCE);
    expect(await day.deliveries(webhookId, "delivered")).toHaveLength(12);
  });

  test("that hangs at a slow endpoint keeps no other endpoint waiting", async () => {
    const day = await openWebhookDay();
    const slow = await day.endpoint({ url: `${RECEIVER}/slow` });
    const quick = await day.endpoint({ url: `${RECEIVER}/quick` });
    for (let at = 0; at < 8; at += 1) await day.endTask();
    const released = Promise.withResolvers<Response>();
    const got: string[] = [];
    day.receiver.answer = async ({ url }: Sent) => {
      if (url.endsWith("/slow")) return (await released.promise).clone();
      got.push(url);
      return new Response();
    };
    const deps: WebhookDeps = { config, fetch: day.receiver.fetch, resolve: async () => [] };
    const messages = [slow, quick].map(({ webhookId }, at) => ({
      id: String(at),
      timestamp: new Date(),
      attempts: 1,
      body: { kind: "webhook", tenantId: day.tenantId, webhookId },
    }));
    const batch = createMessageBatch("saleroom-webhooks", messages);
    const consumed = consumeWebhooks(deps, batch);
    await vi.waitFor(() => expect(got).toHaveLength(8));
    expect(await day.deliveries(slow.webhookId, "delivered")).toEqual([]);
    expect(await day.deliveries(quick.webhookId, "delivered")).toHaveLength(8);
    released.resolve(new Response());
    await consumed;
    expect(await day.deliveries(slow.webhookId, "delivered")).toHaveLength(8);
    expect((await getQueueResult(batch, createExecutionContext())).explicitAcks).toHaveLength(2);
  });

  test("that meets a slow endpoint with a long backlog leaves the rest to the next before its own time is over", async () => {
    const queue = watchQueue();
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    for (let at = 0; at < 250; at += 1) await day.endTask();
    const startedAtMs = Date.now();
    let held = 0;
    day.receiver.answer = () => {
      held += 1;
      // Each batch takes as long as an attempt may.
      if (held % AT_ONCE === 0) clock.pass(ATTEMPT_MS);
      return new Response();
    };
    queue.sent.length = 0;
    await day.carry(webhookId);
    expect(Date.now() - startedAtMs).toBeLessThan(INVOCATION_MS);
    expect(day.receiver.sent.length).toBeLessThan(250);
    expect(queue.sent.at(-1)).toEqual({ kind: "webhook", tenantId: day.tenantId, webhookId });
    expect(new Set(day.receiver.sent.map(({ id }) => id)).size).toBe(day.receiver.sent.length);
  });

  test("comes again where the room is not reached, and takes what it cannot read away", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    const down = {
      ...config,
      marketRoom: <Port>() =>
        ({ claimDeliveries: async () => Promise.reject(new Error("overloaded")) }) as Port,
    };
    const body: Record<string, string> = { kind: "webhook", tenantId: day.tenantId, webhookId };
    const batch = createMessageBatch("saleroom-webhooks", [
      { id: "1", timestamp: new Date(), attempts: 1, body },
      { id: "2", timestamp: new Date(), attempts: 1, body: { ...body, url: "https://example.com" } },
    ]);
    await consumeWebhooks({ config: down, fetch: day.receiver.fetch, resolve: async () => [] }, batch);
    const result = await getQueueResult(batch, createExecutionContext());
    expect(result.retryMessages).toMatchObject([{ msgId: "1" }]);
    expect(result.explicitAcks).toEqual(["2"]);
  });
});

describe("the consumer is called", () => {
  test("at once, for one endpoint at a time, and again where it did not come", async () => {
    const queue = watchQueue();
    const day = await openWebhookDay();
    const { tenantId } = day;
    const { webhookId } = await day.endpoint();
    await day.endTask();
    await day.endTask();
    const message = { kind: "webhook", tenantId, webhookId };
    expect(queue.sent).toEqual([message]);
    clock.pass(CALL_AGAIN_MS);
    await day.ringMarket();
    expect(queue.sent).toEqual([message, message]);
    await day.carry(webhookId);
    expect(await day.timerOf(webhookId)).toBeNull();
    await day.endTask();
    expect(queue.sent).toHaveLength(3);
  });

  test("by nobody where there is no endpoint that hears", async () => {
    const queue = watchQueue();
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint({ events: ["task.finished"] });
    await day.endTask();
    expect(queue.sent).toEqual([]);
    expect(await day.timerOf(webhookId)).toBeNull();
    expect(await day.deliveries(webhookId)).toEqual([]);
  });
});
