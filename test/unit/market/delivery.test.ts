import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  abandonDelivery,
  claimDelivery,
  deliveryDueAt,
  DELIVERY_CLAIM_MS,
  endAttempt,
  JITTER,
  MAX_KEPT_ATTEMPTS,
  MAX_RETRY_AFTER_MS,
  openDelivery,
  redeliver,
  RETRY_AFTER_MS,
  type Attempt,
  type Delivery,
  type DeliveryReport,
} from "../../../src/market/delivery.ts";
import { newId } from "../../../src/market/ids.ts";
import { fixedSource } from "../../support/builders.ts";

const T0 = 1_000_000;
const made = {
  deliveryId: newId("dlv", fixedSource()),
  webhookId: newId("whk", fixedSource()),
  type: "task.finished",
  taskId: newId("tsk", fixedSource()),
  payload: "{}",
  createdAtMs: T0,
} as const;
const aDelivery = () => openDelivery(made, false);
const OK: Attempt = { atMs: T0, ms: 3, status: 204, error: null };
const DOWN: Attempt = { atMs: T0, ms: 3, status: null, error: "unreachable" };

const reportOf = (
  claimed: Delivery,
  attempt: Attempt,
  retryAfterMs: number | null = null,
): DeliveryReport => ({
  deliveryId: claimed.deliveryId,
  claim: claimed.claim,
  run: claimed.run,
  attempt,
  retryAfterMs,
});

/** Claimed and tried as soon as it is due. */
function tried(
  delivery: Delivery,
  attempt: Attempt,
  options: { chance?: number; retryAfterMs?: number } = {},
) {
  const nowMs = deliveryDueAt(delivery) ?? 0;
  const claimed = claimDelivery(delivery, nowMs);
  const report = reportOf(claimed, attempt, options.retryAfterMs ?? null);
  return { nowMs, next: endAttempt(claimed, report, { nowMs, chance: options.chance ?? 0.5 }) };
}

/** Waits from each failure to the next try, until it is given up. */
function waits(chance: number): number[] {
  const found: number[] = [];
  let delivery = aDelivery();
  for (;;) {
    const { nowMs, next } = tried(delivery, DOWN, { chance });
    const due = deliveryDueAt(next);
    if (due === null) return found;
    found.push(due - nowMs);
    delivery = next;
  }
}

describe("a delivery", () => {
  test("is tried at once and then over three days, ten times in all, and has failed then", () => {
    const hours = RETRY_AFTER_MS.map((ms) => ms / 3_600_000);
    expect(hours.map((h) => Math.round(h * 3_600))).toEqual([
      5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400,
    ]);
    expect(deliveryDueAt(aDelivery())).toBe(T0);
    expect(waits(0.5)).toEqual(RETRY_AFTER_MS);
    let delivery = aDelivery();
    for (let at = 0; at < 10; at += 1) ({ next: delivery } = tried(delivery, DOWN));
    expect(delivery).toMatchObject({ state: "failed", reason: "exhausted" });
    expect(delivery.attempts).toHaveLength(10);
  });

  test("waits a little less or more than the schedule, by chance", () => {
    expect(waits(0)).toEqual(RETRY_AFTER_MS.map((ms) => Math.round(ms * (1 - JITTER))));
    const last = waits(0.999_999).at(-1) ?? 0;
    expect(last / (RETRY_AFTER_MS.at(-1) ?? 1)).toBeCloseTo(1 + JITTER, 3);
  });

  test("gives a receiver the time that it asks for, up to a day, and never less than the schedule", () => {
    const waitAfter = (retryAfterMs: number) => {
      const { nowMs, next } = tried(aDelivery(), DOWN, { retryAfterMs });
      return (deliveryDueAt(next) ?? 0) - nowMs;
    };
    expect(waitAfter(60_000)).toBe(60_000);
    expect(waitAfter(1)).toBe(RETRY_AFTER_MS[0]);
    expect(waitAfter(1e12)).toBe(MAX_RETRY_AFTER_MS);
  });

  test("is nobody else's while somebody has it, and another's once a claim's time is over", () => {
    const claimed = claimDelivery(aDelivery(), T0);
    expect(deliveryDueAt(claimed)).toBe(T0 + DELIVERY_CLAIM_MS);
    const again = claimDelivery(claimed, T0 + DELIVERY_CLAIM_MS);
    const late = endAttempt(again, reportOf(claimed, DOWN), { nowMs: T0, chance: 0.5 });
    expect(late).toEqual(again);
    const done = endAttempt(again, reportOf(again, OK), { nowMs: T0, chance: 0.5 });
    const lost = { atMs: T0, ms: DELIVERY_CLAIM_MS, status: null, error: "lost" };
    expect(done).toMatchObject({ state: "delivered", failures: 1, attempts: [lost, OK] });
    expect(endAttempt(done, reportOf(claimed, DOWN), { nowMs: T0, chance: 0.5 })).toEqual(done);
  });

  test("whose holders die waits as after failures, from when they had it, and fails in the end", () => {
    const first = claimDelivery(aDelivery(), T0);
    const secondMs = T0 + DELIVERY_CLAIM_MS;
    const second = claimDelivery(first, secondMs);
    expect(second.claim).toBe(first.claim + 1);
    const waiting = claimDelivery(second, secondMs + DELIVERY_CLAIM_MS);
    expect(waiting).toMatchObject({ state: "pending", claim: second.claim, heldUntilMs: 0, failures: 2 });
    expect(deliveryDueAt(waiting)).toBe(secondMs + (RETRY_AFTER_MS[1] ?? 0));
    const last = { ...second, failures: RETRY_AFTER_MS.length };
    expect(claimDelivery(last, secondMs + DELIVERY_CLAIM_MS)).toMatchObject({
      state: "failed",
      reason: "exhausted",
    });
  });

  test("asked for again is sent again, whatever an attempt under way comes to", () => {
    const claimed = claimDelivery(aDelivery(), T0);
    const again = redeliver(claimed, T0 + 5);
    const next = endAttempt(again, reportOf(claimed, OK), { nowMs: T0 + 9, chance: 0.5 });
    expect(next).toMatchObject({
      state: "pending",
      failures: 0,
      attempts: [OK],
      deliveryId: made.deliveryId,
    });
    expect(deliveryDueAt(next)).toBe(T0 + 5);
    const settled = tried(next, OK).next;
    expect(settled).toMatchObject({ state: "delivered", payload: made.payload });
    expect(redeliver(settled, T0 + 50)).toMatchObject({ state: "pending", dueAtMs: T0 + 50 });
  });

  test("of a disabled endpoint has failed, unless the attempt under way comes through", () => {
    const claimed = claimDelivery(aDelivery(), T0);
    const abandoned = abandonDelivery(claimed);
    expect(deliveryDueAt(abandoned)).toBeNull();
    const told = (attempt: Attempt) =>
      endAttempt(abandoned, reportOf(claimed, attempt), { nowMs: T0, chance: 0.5 });
    expect(told(DOWN)).toMatchObject({ state: "failed", reason: "disabled", attempts: [DOWN] });
    expect(told(OK)).toMatchObject({ state: "delivered", reason: null });
  });

  test("beyond the backlog is kept, and sent on request", () => {
    const kept = openDelivery(made, true);
    expect(kept).toMatchObject({ state: "failed", reason: "backlog" });
    expect(deliveryDueAt(kept)).toBeNull();
    expect(deliveryDueAt(redeliver(kept, T0))).toBe(T0);
  });

  test("keeps its latest attempts only", () => {
    let delivery = aDelivery();
    for (let at = 0; at < 30; at += 1) {
      delivery = tried(redeliver(delivery, T0 + at), { ...OK, atMs: T0 + at }).next;
    }
    expect(delivery.attempts).toHaveLength(MAX_KEPT_ATTEMPTS);
    expect(delivery.attempts.at(-1)?.atMs).toBe(T0 + 29);
  });
});

test("whoever dies when, a delivery is never lost: pending, it is due; settled, somebody said so", () => {
  const step = fc.constantFrom("ok", "down", "die", "late-ok", "late-down", "again");
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let delivery = aDelivery();
      let nowMs = T0;
      const dead: Delivery[] = [];
      let confirmed = false;
      for (const one of steps) {
        const due = deliveryDueAt(delivery);
        if (one === "again") {
          delivery = redeliver(delivery, nowMs);
          confirmed = false;
        } else if (one.startsWith("late")) {
          const holder = dead.shift();
          if (holder === undefined) continue;
          const before = delivery;
          delivery = endAttempt(delivery, reportOf(holder, one === "late-ok" ? OK : DOWN), {
            nowMs,
            chance: 0.5,
          });
          if (holder.claim !== before.claim) expect(delivery).toEqual(before);
          else if (one === "late-ok" && holder.run === before.run) confirmed = true;
        } else if (due !== null) {
          nowMs = Math.max(nowMs, due);
          const claimed = claimDelivery(delivery, nowMs);
          expect(deliveryDueAt(claimed)).toBeGreaterThan(nowMs);
          delivery = claimed;
          if (one === "die") dead.push(claimed);
          else {
            delivery = endAttempt(claimed, reportOf(claimed, one === "ok" ? OK : DOWN), {
              nowMs,
              chance: 0.5,
            });
            confirmed ||= one === "ok";
          }
        }
        expect(delivery.state === "delivered").toBe(confirmed);
        if (delivery.state === "failed") expect(delivery.failures).toBe(RETRY_AFTER_MS.length + 1);
        if (delivery.state === "pending") expect(deliveryDueAt(delivery)).not.toBeNull();
      }
    }),
  );
});
