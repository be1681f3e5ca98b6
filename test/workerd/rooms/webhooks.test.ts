/** Webhooks of a market room: what its tasks' ends leave, and when what fails comes again. */
import { describe, expect, test } from "vitest";
import { RETRY_AFTER_MS } from "../../../src/market/delivery.ts";
import { newId } from "../../../src/market/ids.ts";
import { openCalibrationDay, runTask } from "./calibration-day.ts";
import { admitOnly, CHEAP, config, DEAR, evictRooms, useStoppedClock } from "./market-day.ts";
import { answering, openWebhookDay, Receiver } from "./webhook-day.ts";

const clock = useStoppedClock();

describe("a task's end", () => {
  test("leaves a delivery for every endpoint that hears of it, whose event says how it ended", async () => {
    const day = await openWebhookDay();
    const all = await day.endpoint();
    const failures = await day.endpoint({ events: ["task.failed"] });
    const cancelled = await day.endTask();
    clock.pass(1);
    const failed = await day.endTask({ state: "failed", reason: "deadline" });
    await day.carry(all.webhookId);
    await day.carry(failures.webhookId);
    const events = day.receiver.sent.map((sent) => Receiver.verified(sent));
    expect(events.map(({ type, data }) => [type, data["taskId"]])).toEqual([
      ["task.cancelled", cancelled],
      ["task.failed", failed],
      ["task.failed", failed],
    ]);
    expect(events[1]).toEqual({
      type: "task.failed",
      timestamp: new Date().toISOString(),
      data: {
        taskId: failed,
        state: "failed",
        outcome: null,
        failureReason: "deadline",
        noSaleReason: null,
        agentId: null,
        attempts: 0,
        costUsd: 0,
        admittedAt: new Date().toISOString(),
        endedAt: new Date().toISOString(),
      },
    });
    expect(new Set(day.receiver.sent.map(({ id }) => id)).size).toBe(3);
  });

  test("without a sale says why in the name that the list of tasks has for it", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint({ events: ["task.no_sale"] });
    const taskId = await day.endTask({ state: "no_sale", reason: "deadline", relaxation: null });
    await day.carry(webhookId);
    expect(day.receiver.sent.map((sent) => Receiver.verified(sent))).toMatchObject([
      {
        type: "task.no_sale",
        data: { taskId, state: "no_sale", failureReason: null, noSaleReason: "deadline" },
      },
    ]);
  });

  test("that is reported twice is told once", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    const taskId = await day.endTask();
    await day.market.ended({ taskId, attempt: 0, end: { state: "cancelled" }, verdict: null, trace: null });
    expect(await day.deliveries(webhookId)).toHaveLength(1);
  });

  test("is told in the transaction that settles it: a room that dies after it knows", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    const taskId = await day.endTask();
    await evictRooms(day.market);
    await day.carry(webhookId);
    expect(day.receiver.sent.map((sent) => Receiver.verified(sent).data["taskId"])).toEqual([taskId]);
  });

  test("that an auction and a trace came to is told with winner and cost; a calibration's run is nobody's event", async () => {
    const calibration = await openCalibrationDay();
    const day = await openWebhookDay(calibration);
    const { webhookId } = await day.endpoint();
    const { taskId } = await calibration.pastTask();
    await calibration.carryHistory();
    const { quote } = await calibration.quote(1);
    await calibration.accept(quote.calibrationId);
    await calibration.ringMarket();
    const run = runTask(await calibration.read(quote.calibrationId), CHEAP);
    await calibration.carryOut(run, { text: "42" });
    const ended = await day.market.heldTasks();
    expect(ended.find((task) => task.taskId === run)).toMatchObject({ state: "finished" });
    await day.carry(webhookId);
    const [event, ...others] = day.receiver.sent.map((sent) => Receiver.verified(sent));
    expect(event).toMatchObject({
      type: "task.finished",
      data: { taskId, state: "finished", outcome: "pass", agentId: DEAR, attempts: 1 },
    });
    expect(event?.data["costUsd"]).toBeGreaterThan(0);
    expect(others).toEqual([]);
  });

  test("of a suspended tenant is told, too", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    const { taskId } = await admitOnly(day);
    await day.market.manageTenant("suspend");
    await day.market.ended({ taskId, attempt: 0, end: { state: "cancelled" }, verdict: null, trace: null });
    await day.carry(webhookId);
    expect(day.receiver.sent).toHaveLength(1);
  });
});

describe("a delivery that fails", () => {
  test("comes again on the schedule under the same id and with the same body, and then no more", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    day.receiver.answer = answering(500);
    for (let at = 0; at <= RETRY_AFTER_MS.length; at += 1) {
      await day.carry(webhookId);
      expect(day.receiver.sent).toHaveLength(at + 1);
      const due = await day.timerOf(webhookId);
      const wait = RETRY_AFTER_MS[at];
      if (wait === undefined) {
        expect(due).toBeNull();
        break;
      }
      const left = (due ?? 0) - Date.now();
      expect(left).toBeGreaterThanOrEqual(0.9 * wait - 1);
      expect(left).toBeLessThanOrEqual(1.1 * wait + 1);
      clock.pass(left - 1);
      await day.carry(webhookId);
      expect(day.receiver.sent).toHaveLength(at + 1);
      clock.pass(1);
    }
    expect(new Set(day.receiver.sent.map(({ id }) => id)).size).toBe(1);
    expect(new Set(day.receiver.sent.map(({ body }) => body)).size).toBe(1);
    // Each is signed at its own time.
    expect(new Set(day.receiver.sent.map(({ headers }) => headers["webhook-timestamp"])).size).toBe(10);
    const [delivery] = await day.deliveries(webhookId, "failed");
    expect(delivery).toMatchObject({ state: "failed", reason: "exhausted" });
    expect(delivery?.attempts).toHaveLength(10);
    expect(delivery?.attempts.every(({ status, error }) => status === 500 && error === "status")).toBe(true);
    clock.pass(30 * 60_000);
    await day.carry(webhookId);
    expect(day.receiver.sent).toHaveLength(10);
  });

  test("is delivered once the receiver is well again", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    day.receiver.answer = () => {
      throw new TypeError("connection refused");
    };
    await day.carry(webhookId);
    day.receiver.answer = answering(200);
    clock.pass(6_000);
    await day.carry(webhookId);
    expect(await day.deliveries(webhookId)).toMatchObject([
      {
        state: "delivered",
        reason: null,
        attempts: [
          { status: null, error: "unreachable" },
          { status: 200, error: null },
        ],
      },
    ]);
    expect(await day.timerOf(webhookId)).toBeNull();
  });

  test("waits as long as its receiver asks for", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    day.receiver.answer = answering(429, { "Retry-After": "3600" });
    await day.carry(webhookId);
    expect(await day.timerOf(webhookId)).toBe(Date.now() + 3_600_000);
  });
});

describe("a redelivery", () => {
  test("is sent at once, also of what was delivered, under the same id; its history goes on", async () => {
    const day = await openWebhookDay();
    const { webhookId } = await day.endpoint();
    await day.endTask();
    await day.carry(webhookId);
    const [delivery] = await day.deliveries(webhookId);
    if (delivery === undefined) throw new Error("no delivery");
    const { deliveryId } = delivery;
    clock.pass(1_000);
    expect(await day.order({ kind: "redeliver", webhookId, deliveryId })).toMatchObject({
      ok: true,
      value: { deliveries: [{ deliveryId, state: "pending", dueAtMs: Date.now() }] },
    });
    await day.carry(webhookId);
    expect(day.receiver.sent.map(({ id }) => id)).toEqual([deliveryId, deliveryId]);
    const [after] = await day.deliveries(webhookId);
    expect(after).toMatchObject({ state: "delivered", attempts: [{ status: 204 }, { status: 204 }] });
  });

  test("of a foreign endpoint's delivery is none", async () => {
    const day = await openWebhookDay();
    const [mine, other] = [await day.endpoint(), await day.endpoint()];
    await day.endTask();
    const [delivery] = await day.deliveries(other.webhookId);
    const deliveryId = delivery?.deliveryId ?? newId("dlv", config.source);
    const asked = await day.order({ kind: "redeliver", webhookId: mine.webhookId, deliveryId });
    expect(asked).toEqual({ ok: false, failure: { reason: "delivery_not_found" } });
  });
});
