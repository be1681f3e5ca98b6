/** The alarm of a task's room while its trace is carried out: moved as seldom as may be, and no bill is forgotten for that. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { Outbox } from "../../../src/durable/outbox.ts";
import { MarketRoom } from "../../../src/index.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { BOUND, USAGE } from "../../support/scripted-models.ts";
import {
  alarmOf,
  awardedTask,
  CHEAP,
  config,
  evictRooms,
  useStoppedClock,
  type AwardedTask,
  type TaskStub,
} from "./market-day.ts";
import { accountOf } from "./money-day.ts";

const clock = useStoppedClock();

const bill = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;

/** Held, with nothing of its auction left to tell. */
async function heldTask(): Promise<AwardedTask> {
  const task = await awardedTask();
  await task.room.takeTrace(1, 1);
  await task.room.wake();
  return task;
}

async function oneStep(room: TaskStub, step: number): Promise<void> {
  const callId = newId("cal", config.source);
  await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
  const { usage, costMicros } = bill;
  const answered = { step, text: "so far", toolCalls: [], assistant: null, usage, costMicros };
  await room.commitAnswer(1, { callId, bill, ms: 1 }, answered, null);
}

test("steps and their bills do not move it: it stands early enough", async () => {
  const { room } = await heldTask();
  const before = await alarmOf(room);
  for (let step = 1; step <= 3; step += 1) {
    clock.pass(10_000);
    await oneStep(room, step);
    expect(await alarmOf(room)).toBe(before);
  }
});

test("where it rings and nothing is due, it is set once, by the lease as that stands then", async () => {
  const { room } = await heldTask();
  clock.pass(config.leaseMs - 1);
  await room.renewTrace(1);
  clock.pass(1);
  const set = await runInDurableObject(room, (_room, { storage }) => vi.spyOn(storage, "setAlarm"));
  await runDurableObjectAlarm(room);
  expect(set).toHaveBeenCalledTimes(1);
  expect(await alarmOf(room)).toBe(Date.now() - 1 + config.leaseMs);
});

test("a bill that could not be told before its room died is told when it rings", async () => {
  const { day, taskId, room } = await heldTask();
  const { chargedMicros } = await accountOf(day, taskId);
  const dueAtMs = Date.now() + config.leaseMs;
  // It comes to nothing: the room has died.
  const told = vi.spyOn(Outbox.prototype, "flush").mockResolvedValue();
  try {
    await oneStep(room, 1);
    await vi.waitFor(() => expect(told).toHaveBeenCalled());
    await evictRooms(room);
  } finally {
    told.mockRestore();
  }
  expect(await dueAtMsOf(room)).toBe(dueAtMs);
  expect((await accountOf(day, taskId)).chargedMicros).toBe(chargedMicros);
  clock.pass(config.leaseMs);
  await runDurableObjectAlarm(room);
  expect((await accountOf(day, taskId)).chargedMicros).toBe(chargedMicros + bill.costMicros);
});

test("a bill that comes late does not put off what is owed already", async () => {
  const { room } = await heldTask();
  const callId = newId("cal", config.source);
  await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
  const ended = vi.spyOn(MarketRoom.prototype, "ended").mockRejectedValue(new Error("out of reach"));
  try {
    await room.endTrace(1, null, "agent_failed");
    const owedAtMs = await dueAtMsOf(room);
    await room.endTrace(1, { callId, bill, ms: 1 }, "agent_failed");
    expect(await dueAtMsOf(room)).toBe(owedAtMs);
  } finally {
    ended.mockRestore();
  }
});

/** When what its room owes is told at the latest; undefined: it owes nothing. */
async function dueAtMsOf(room: TaskStub): Promise<SqlStorageValue | undefined> {
  return runInDurableObject(room, (_room, { storage }) => {
    const query = "SELECT due_at_ms FROM timers WHERE kind = 'outbox'";
    return storage.sql.exec(query).toArray()[0]?.["due_at_ms"];
  });
}
