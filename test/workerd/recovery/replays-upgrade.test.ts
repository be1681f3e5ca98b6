/** Idempotency-Keys of tasks from before there was more that they were kept of; and Workers of that version. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { sha256Hex } from "../../../src/api/digest.ts";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import type { IdempotentRequest } from "../../../src/tenancy/idempotency.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { config, evictRooms, openMarket, useStoppedClock, type MarketDay } from "../rooms/market-day.ts";
import { ask } from "../rooms/money-day.ts";
import { rewind } from "./rewind.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
const BEFORE = MARKET_SCHEMA.steps.findIndex((step) => step.includes("CREATE TABLE replays"));

const clock = useStoppedClock();

/** As Workers tell of a key now, and as they did. */
const older = { key: "once", bodyHash: "b1" };
const newer: IdempotentRequest = { ...older, keyHash: await sha256Hex("once"), route: "POST /v1/tasks" };

async function answerTo(day: MarketDay, idempotency: IdempotentRequest) {
  const { answer } = await ask(day, {}, { idempotency });
  return answer.ok ? { id: answer.value.taskId, replayed: answer.value.replayed } : answer.failure.reason;
}

/** A room of the version before, that has admitted this task under the key. */
async function roomBefore(): Promise<{ readonly day: MarketDay; readonly taskId: TaskId }> {
  const day = await openMarket();
  const taskId = newId("tsk", config.source);
  await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) => {
    const { key, bodyHash: body_hash } = older;
    const idempotency = [{ key, body_hash, task_id: taskId, expires_at_ms: Date.now() + DAY_MS }];
    await rewind(storage, { schema: MARKET_SCHEMA, version: BEFORE, older: { idempotency } });
  });
  await evictRooms(day.market);
  return { day, taskId };
}

describe("a key that was used before the upgrade", () => {
  test("is answered the same after it, whichever version the Worker has", async () => {
    const { day, taskId } = await roomBefore();
    expect(await answerTo(day, newer)).toEqual({ id: taskId, replayed: true });
    expect(await answerTo(day, older)).toEqual({ id: taskId, replayed: true });
    expect(await answerTo(day, { ...newer, bodyHash: "b2" })).toBe("idempotency_conflict");
    expect(await answerTo(day, { ...newer, route: "POST /v1/keys" })).toBe("idempotency_conflict");
  });

  test("is known for the rest of its 24 h, and free after them", async () => {
    const { day, taskId } = await roomBefore();
    clock.pass(DAY_MS - 1);
    expect(await answerTo(day, newer)).toEqual({ id: taskId, replayed: true });
    clock.pass(1);
    const later = await answerTo(day, newer);
    expect(later).toMatchObject({ replayed: false });
    expect(await answerTo(day, newer)).toMatchObject({ ...(later as object), replayed: true });
  });
});

describe("while a deployment rolls out", () => {
  test.each([
    ["the version before", older, newer],
    ["this one", newer, older],
  ])("what a Worker of %s had admitted is found by one of the other", async (_, first, second) => {
    const day = await openMarket();
    const made = await answerTo(day, first);
    expect(made).toMatchObject({ replayed: false });
    expect(await answerTo(day, second)).toEqual({ ...(made as object), replayed: true });
  });
});
