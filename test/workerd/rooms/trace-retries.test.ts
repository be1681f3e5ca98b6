/** A step's call that fails is made again as a new call: a few times, recorded each time, and for nobody who is to stop. */
import { describe, expect, test } from "vitest";
import { runDurableObjectAlarm } from "cloudflare:test";
import type { CallFailureReason } from "../../../src/market/call.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import type { TraceDeps } from "../../../src/trace/trace-run.ts";
import { ScriptedModels, WorkerDied, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  awardedTask,
  eventsOf,
  evictRooms,
  useStoppedClock,
  traceDeps,
  type TaskStub,
} from "./market-day.ts";
import { accountOf } from "./money-day.ts";
import { requestsOf, slice as sliceOf } from "./takeover-day.ts";

const clock = useStoppedClock();

type Steps = readonly (ScriptedStep | readonly ScriptedStep[])[];

/** Nobody else can take over. */
async function awarded(input: Partial<TaskInput> = {}) {
  const { day, taskId, room, message } = await awardedTask(input);
  const slice = async (
    generation: number,
    steps: Steps,
    deps: Partial<TraceDeps> = {},
    diesAtCall?: number,
  ) => {
    const models = new ScriptedModels({ steps, ...(diesAtCall !== undefined && { diesAtCall }) });
    await runSlice(traceDeps(models, deps), message(generation));
    return models.asked;
  };
  return { day, taskId, room, slice };
}

/** Their bills; calls of one millisecond have no order. */
async function traceCalls(room: TaskStub): Promise<string[]> {
  const { calls = [] } = (await room.readTrace()) ?? {};
  const bills = calls.filter(({ kind }) => kind === "trace").map(({ status }) => status);
  return bills.toSorted();
}

const fails = (reason: CallFailureReason): ScriptedStep => ({ fails: reason });
const RESULT: ScriptedStep = { text: "42" };
const LOOK: ScriptedStep = { tool: "http", input: {} };

describe("a call that fails", () => {
  test("is made again, and the step goes on as if nothing had been", async () => {
    const { day, taskId, room, slice } = await awarded();
    const steps = [[fails("rate_limited"), fails("unreachable"), LOOK], RESULT];
    expect(await slice(1, steps)).toHaveLength(4);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
    expect(await traceCalls(room)).toEqual(["billed", "billed", "refused", "refused"]);
    const { heldMicros, chargedMicros } = await accountOf(day, taskId);
    expect([heldMicros, chargedMicros]).toEqual([0, (await room.view())?.costMicros]);
    const told = (await eventsOf(room)).filter(({ type }) => type === "call-failed");
    expect(told).toMatchObject([
      { attempt: 1, step: 1, reason: "rate_limited", failed: 1, retryInMs: expect.any(Number) as number },
      { attempt: 1, step: 1, reason: "unreachable", failed: 2, retryInMs: expect.any(Number) as number },
    ]);
  });

  test("is waited for as long as the room says, each time longer", async () => {
    const { slice } = await awarded();
    const waits: number[] = [];
    const sleep = async (ms: number) => void waits.push(ms);
    await slice(1, [[fails("rate_limited"), fails("rate_limited"), RESULT]], { sleep });
    expect(waits[0]).toBeGreaterThanOrEqual(500);
    expect(waits[1]).toBeGreaterThanOrEqual(2_000);
  });

  test("ends the trace after three, with each of them booked", async () => {
    const { room, slice } = await awarded();
    expect(await slice(1, [fails("rate_limited")])).toHaveLength(3);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed", steps: 0 });
    expect(await traceCalls(room)).toEqual(["refused", "refused", "refused"]);
    expect((await eventsOf(room)).filter(({ type }) => type === "call-failed").at(-1)).toMatchObject({
      failed: 3,
      retryInMs: null,
    });
  });

  test("of what stays as it is, is not made again", async () => {
    const { room, slice } = await awarded();
    expect(await slice(1, [fails("misconfigured")])).toHaveLength(1);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed" });
  });

  test("for an answer without words or calls is billed, and no step", async () => {
    const { room, slice } = await awarded();
    expect(await slice(1, [[{ text: " " }, RESULT]])).toHaveLength(2);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 1 });
    expect(await traceCalls(room)).toEqual(["billed", "billed"]);
  });

  test("for calls that nobody can read is one only after three steps of them: a model may mend what it is told", async () => {
    const { room, slice } = await awarded();
    const broken: ScriptedStep = { tool: "http", input: "{url: " };
    expect(await slice(1, [broken, broken, broken, [broken, RESULT]])).toHaveLength(5);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 4 });
    const mended = await awarded();
    expect(await mended.slice(1, [broken, broken, LOOK, broken, broken, broken, RESULT])).toHaveLength(7);
    const hopeless = await awarded();
    expect(
      await hopeless.slice(
        1,
        Array.from({ length: 9 }, () => broken),
      ),
    ).toHaveLength(5);
    const seen = { state: "failed", failureReason: "agent_failed", steps: 3 };
    expect(await hopeless.room.view()).toMatchObject(seen);
  });

  test("of another step is counted anew", async () => {
    const { room, slice } = await awarded();
    const twice = [fails("unreachable"), fails("unreachable")];
    expect(
      await slice(1, [
        [...twice, LOOK],
        [...twice, RESULT],
      ]),
    ).toHaveLength(6);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });
});

test("after an answer of no use the model draws anew; after an error it is asked just as before", async () => {
  const { day, taskId } = await awarded();
  const models = new ScriptedModels({ steps: [[{ text: "" }, fails("unreachable"), RESULT]] });
  const requests = requestsOf(models);
  await sliceOf(day, { taskId }, { attempt: 1, steps: [], models });
  expect(requests.map(({ seed }) => seed)).toEqual([7, 8, 8]);
});

describe("retries", () => {
  test("are counted over the deaths of holders and of rooms", async () => {
    const { day, room, slice } = await awarded();
    await expect(slice(1, [fails("rate_limited")], {}, 2)).rejects.toThrow(WorkerDied);
    await day.market.readPolicy();
    await evictRooms(day.market, room);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    // One failed before the death, and the one that the dead holder began is nobody's failure.
    expect(await slice(2, [fails("rate_limited")])).toHaveLength(2);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed" });
  });

  test("are counted over slices: where the slice's time is up, the next one makes the call", async () => {
    const { room, slice } = await awarded();
    const sleep = async () => clock.pass(26_000);
    expect(await slice(1, [fails("unreachable")], { sleep })).toHaveLength(1);
    expect(await room.view()).toMatchObject({ state: "running" });
    expect(await slice(2, [fails("unreachable")], { sleep })).toHaveLength(1);
    expect(await slice(3, [fails("unreachable")], { sleep })).toHaveLength(1);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed" });
  });

  test("end with a cancel that comes in the wait: nothing more is asked", async () => {
    const { day, taskId, room, slice } = await awarded();
    const sleep = async () => void (await day.market.cancel(taskId));
    expect(await slice(1, [fails("rate_limited")], { sleep })).toHaveLength(1);
    expect(await room.view()).toMatchObject({ state: "cancelled" });
    expect(await traceCalls(room)).toEqual(["refused"]);
  });

  test("end with a cancel that came before the failure was told", async () => {
    const { day, taskId, room } = await awarded();
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    await day.market.cancel(taskId);
    const ended = { callId: "cal_00000000000000000000000000", bill: { status: "refused" }, ms: 1 } as const;
    expect(await room.failTraceCall(1, ended as never, { reason: "unreachable", message: "" })).toBeNull();
    expect(await room.view()).toMatchObject({ state: "cancelled" });
  });

  test("end with the deadline that passes in the wait", async () => {
    const { room, slice } = await awarded({ limits: { deadlineS: 60 } });
    const sleep = async () => {
      clock.pass(60_001);
      await runDurableObjectAlarm(room);
    };
    expect(await slice(1, [fails("rate_limited")], { sleep })).toHaveLength(1);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "deadline" });
  });

  test("are not for a holder that was replaced: its call is booked, and it leaves", async () => {
    const { room, slice } = await awarded();
    const sleep = async () => {
      clock.pass(60_001);
      await runDurableObjectAlarm(room);
    };
    expect(await slice(1, [fails("rate_limited")], { sleep })).toHaveLength(1);
    expect(await slice(2, [RESULT])).toHaveLength(1);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });
});
