/** A market room's webhook endpoints: disabled, deleted, moved, rotated; and what is kept of their deliveries. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { AT_ONCE, MAX_PENDING } from "../../../src/tenancy/webhooks/delivery-desk.ts";
import { KEPT_DELIVERIES, KEPT_MS } from "../../../src/tenancy/webhooks/webhook-store.ts";
import { config, evictRooms, useStoppedClock } from "./market-day.ts";
import { answering, openWebhookDay, Receiver, RECEIVER, SECRET, type WebhookDay } from "./webhook-day.ts";

const clock = useStoppedClock();

describe("an endpoint", () => {
  test("that is gone is disabled, says why, and what waited for it has failed", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    for (let at = 0; at < 7; at += 1) await day.endTask();
    day.receiver.answer = answering(410);
    await day.carry(webhookId);
    expect(day.receiver.sent).toHaveLength(AT_ONCE);
    expect(await day.read(webhookId)).toMatchObject({ disabled: { reason: "gone", atMs: Date.now() } });
    const settled = await day.deliveries(webhookId, "failed");
    expect(settled.map(({ reason }) => reason)).toEqual(Array.from({ length: 7 }, () => "disabled"));
    await day.endTask();
    expect(await day.deliveries(webhookId)).toHaveLength(7);
    expect(await day.timerOf(webhookId)).toBeNull();
    const [delivery] = settled;
    if (delivery === undefined) throw new Error("no delivery");
    const again = { kind: "redeliver", webhookId, deliveryId: delivery.deliveryId } as const;
    expect(await day.order(again)).toEqual({ ok: false, failure: { reason: "webhook_disabled" } });

    await day.order({ kind: "change", webhookId, settings: {}, enabled: true });
    day.receiver.answer = answering(204);
    expect(await day.order(again)).toMatchObject({ ok: true });
    await day.endTask();
    await day.carry(webhookId);
    expect(await day.deliveries(webhookId, "delivered")).toHaveLength(2);
  });

  test("that is deleted takes its deliveries with it, also one under way", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    day.receiver.answer = async () => {
      await day.order({ kind: "remove", webhookId });
      return new Response(null, { status: 500 });
    };
    await day.carry(webhookId);
    expect(await day.timerOf(webhookId)).toBeNull();
    expect(await day.order({ kind: "read", webhookId })).toMatchObject({ ok: false });
    const rows = await runInDurableObject(day.market, (_, { storage }) =>
      storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM deliveries").one(),
    );
    expect(rows.n).toBe(0);
    clock.pass(60_000);
    await day.carry(webhookId);
    expect(day.receiver.sent).toHaveLength(1);
  });

  test("whose address changed is sent what waits at the new one", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    await day.order({ kind: "change", webhookId, settings: { url: `${RECEIVER}/new` } });
    await day.carry(webhookId);
    expect(day.receiver.sent.map(({ url }) => url)).toEqual([`${RECEIVER}/new`]);
  });

  test("that was given a new address is not disabled by what the old one says", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    await day.endTask();
    day.receiver.answer = async () => {
      await day.order({ kind: "change", webhookId, settings: { url: `${RECEIVER}/new` } });
      return new Response(null, { status: 410 });
    };
    await day.carry(webhookId);
    day.receiver.answer = answering(204);
    expect(await day.read(webhookId)).toMatchObject({ url: `${RECEIVER}/new`, disabled: null });
    clock.pass(10_000);
    await day.carry(webhookId);
    expect(day.receiver.sent.map(({ url }) => url).toSorted()).toEqual(
      ["hook", "hook", "new", "new"].map((path) => `${RECEIVER}/${path}`),
    );
    expect(await day.deliveries(webhookId, "delivered")).toHaveLength(2);
  });

  test("whose address is not public any more is not called", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint({ url: "https://rebound.example.com/" });
    await day.endTask();
    await day.carry(webhookId, { resolve: async () => ["169.254.169.254"] });
    expect(day.receiver.sent).toEqual([]);
    expect(await day.deliveries(webhookId)).toMatchObject([
      { state: "pending", attempts: [{ status: null, error: "not_public" }] },
    ]);
  });

  test("signs with both secrets for the overlap of a rotation, and with the new one after it", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    const next = `whsec_${btoa("another secret, also long enough")}`;
    await day.order({ kind: "rotate", webhookId, secret: next, overlapS: 60 });
    await day.endTask();
    await day.carry(webhookId);
    clock.pass(60_000);
    await day.endTask();
    await day.carry(webhookId);
    const [both, alone] = day.receiver.sent;
    if (both === undefined || alone === undefined) throw new Error("nothing was sent");
    expect(() => Receiver.verified(alone, next)).not.toThrow();
    expect(() => Receiver.verified(alone, SECRET)).toThrow("No matching signature");
    vi.setSystemTime(Date.now() - 60_000);
    expect(() => Receiver.verified(both, SECRET)).not.toThrow();
    expect(() => Receiver.verified(both, next)).not.toThrow();
  });
});

describe("what is kept", () => {
  /** Deliveries that nobody fetches are the backlog. */
  const fill = async (day: WebhookDay, webhookId: string, count: number, fields: { settled: boolean }) =>
    runInDurableObject(day.market, (_, { storage }) => {
      for (let at = 0; at < count; at += 1) {
        const id = newId("dlv", config.source);
        const state = fields.settled ? "delivered" : "pending";
        const body = {
          deliveryId: id,
          webhookId,
          state,
          createdAtMs: Date.now(),
          dueAtMs: 0,
          heldUntilMs: 0,
        };
        storage.sql.exec(
          "INSERT INTO deliveries VALUES (?, ?, ?, ?, 0, ?, ?)",
          id,
          webhookId,
          state,
          Date.now(),
          fields.settled ? null : Date.now(),
          JSON.stringify({ ...body, attempts: [], failures: 0, run: 1, claim: 0, payload: "{}" }),
        );
      }
    });
  const countOf = async (day: WebhookDay) =>
    runInDurableObject(day.market, (_, { storage }) =>
      storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM deliveries").one(),
    ).then(({ n }) => n);

  test("are an endpoint's newest settled deliveries, and whatever is pending", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await fill(day, webhookId, 2, { settled: false });
    clock.pass(1);
    await fill(day, webhookId, KEPT_DELIVERIES + 50, { settled: true });
    clock.pass(1);
    await day.endTask();
    expect(await countOf(day)).toBe(KEPT_DELIVERIES + 3);
    expect(await day.deliveries(webhookId, "pending")).toHaveLength(3);
  });

  test("for thirty days", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    await day.carry(webhookId);
    clock.pass(KEPT_MS - 1);
    expect(await day.deliveries(webhookId)).toHaveLength(1);
    clock.pass(1);
    expect(await day.deliveries(webhookId)).toEqual([]);
    await evictRooms(day.market);
    await day.endTask();
    expect(await countOf(day)).toBe(1);
  });

  test("of more than may be pending, is not sent until it is asked for", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await fill(day, webhookId, MAX_PENDING, { settled: false });
    await day.endTask();
    expect(await day.deliveries(webhookId, "failed")).toMatchObject([{ state: "failed", reason: "backlog" }]);
  });
});
