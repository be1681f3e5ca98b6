/**
 * A cancel and a deadline, in every state that they may find a task in.
 *
 * A holder that waits hears of either at its next heartbeat, whatever it waits for, and whether or not that listens: here a
 * heartbeat is 20 ms, and what is waited for never comes.
 */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import type { Answer, CallLimits, ModelPort } from "../../../src/agents/model-port.ts";
import type { AuctionMemory } from "../../../src/auction/auction-run.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { MarketRoom } from "../../../src/index.ts";
import type { TaskEvent } from "../../../src/market/event.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { BOUND, ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  config,
  countingTool,
  DEAR,
  eventsOf,
  openMarket,
  useStoppedClock,
  traceDeps,
  types,
  type MarketDay,
  type TaskStub,
} from "./market-day.ts";
import { BIDS, memoryOver, anIndex, runTask, VERDICTS } from "./memory-day.ts";
import { accountOf, awardedTask, booksOf, SUBMIT, USE_TOOL } from "./money-day.ts";
import { openTurns } from "./turns-day.ts";

const clock = useStoppedClock();

const LIVELY = { ...config, leaseMs: 60 };
const DEADLINE: Partial<TaskInput> = { limits: { deadlineS: 30 } };
const never = new Promise<never>(() => undefined);

/** A stop, as the task's room comes to know of it while the holder waits. */
interface Stop {
  readonly name: string;
  /** What the journal says of it before the holder has stopped. */
  readonly heard: TaskEvent["type"];
  readonly end: { readonly state: string; readonly failureReason: string | null };
  ask(day: MarketDay, taskId: TaskId, room: TaskStub): Promise<void>;
}

const STOPS: readonly Stop[] = [
  {
    name: "a cancel",
    heard: "cancel-requested",
    end: { state: "cancelled", failureReason: null },
    ask: async ({ market }, taskId) => void (await market.cancel(taskId)),
  },
  {
    name: "the deadline",
    heard: "deadline-passed",
    end: { state: "failed", failureReason: "deadline" },
    ask: async (_day, _taskId, room) => {
      clock.pass(30_001);
      await runDurableObjectAlarm(room);
    },
  },
];

/** Models whose call of this kind never answers; as the real ones do, it ends with its signal, and owes its bound. */
function hanging(kind: "bid" | "judge" | "step", models: ScriptedModels) {
  const asked = Promise.withResolvers<undefined>();
  const hang = async <T>({ signal }: CallLimits): Promise<Answer<T>> => {
    asked.resolve(undefined);
    await new Promise((resolve) => {
      signal.addEventListener("abort", resolve);
    });
    const failure = { reason: "cancelled", message: "cut off" } as const;
    return { ok: false, failure, bill: { status: "unconfirmed" }, ms: 5, requests: 1 };
  };
  const port: ModelPort = {
    bid: async (agent, input, limits) =>
      kind === "bid" && agent.id === DEAR ? hang(limits) : models.bid(agent, input),
    judge: async (agent, input, limits) => (kind === "judge" ? hang(limits) : models.judge(agent, input)),
    step: async (agent, request, limits) => (kind === "step" ? hang(limits) : models.step(agent, request)),
    rule: async (agent) => models.rule(agent),
    rulingBound: models.rulingBound,
    bidBound: models.bidBound,
    juryBound: models.juryBound,
    stepBound: models.stepBound,
    wrapUpBound: models.wrapUpBound,
  };
  return { port, asked: asked.promise };
}

/** Ended as the stop says, its money settled, and nobody is left awake for it. */
async function expectStopped(
  { end }: Stop,
  task: { readonly day: MarketDay; readonly taskId: TaskId; readonly room: TaskStub },
): Promise<void> {
  const { day, taskId, room } = task;
  // The market room's answer to the report may wait behind bills that are on their way to it.
  await vi.waitFor(async () => expect(await room.view()).toMatchObject(end));
  const events = types(await eventsOf(room));
  expect(events.filter((type) => type === "task-cancelled" || type === "task-failed")).toHaveLength(1);
  const { heldMicros, chargedMicros } = await accountOf(day, taskId);
  expect([heldMicros, chargedMicros]).toEqual([0, (await room.view())?.costMicros]);
  expect((await room.readTrace())?.calls.filter(({ status }) => status === "started")).toEqual([]);
  expect((await booksOf(day)).balances).toMatchObject({ lost: 0, overrun: 0 });
}

describe.each(STOPS)("$name", (stop) => {
  test("ends a task that waits for its turn", async () => {
    const day = await openTurns({ concurrentTasks: 1 });
    await day.task();
    const { taskId, room, opening } = await day.task({ input: DEADLINE });
    await room.open(opening);
    expect(await room.view()).toMatchObject({ state: "admitted", waitsFor: "auction" });
    await stop.ask(day, taskId, room);
    await expectStopped(stop, { day, taskId, room });
  });

  test.each([
    { state: "bidding", kind: "bid" },
    { state: "judging", kind: "judge" },
  ] as const)("reaches an auction's holder that waits, $state", async ({ state, kind }) => {
    const day = await openMarket();
    const { taskId, room, holder } = await day.admit({ ...DEADLINE, policy: "sale:memory=off" });
    const { port, asked } = hanging(kind, new ScriptedModels({ bids: BIDS, verdicts: VERDICTS }));
    const held = runAuction({ ...auctionDeps(port), config: LIVELY }, holder);
    await asked;
    await vi.waitFor(async () => expect((await room.view())?.state).toBe(state));
    await stop.ask(day, taskId, room);
    await held;
    await expectStopped(stop, { day, taskId, room });
    const told = types(await eventsOf(room)).filter((type) => type === "jury-asked" || type === stop.heard);
    expect(told).toEqual(kind === "judge" ? ["jury-asked", stop.heard] : [stop.heard]);
  });

  test("that an auction's holder hears of before the task's room does ends the task as soon as that does", async () => {
    const day = await openMarket();
    const { taskId, room, holder } = await day.admit({ ...DEADLINE, policy: "sale:memory=off" });
    const { port, asked } = hanging("bid", new ScriptedModels({ bids: BIDS, verdicts: VERDICTS }));
    const held = runAuction({ ...auctionDeps(port), config: LIVELY }, holder);
    await asked;
    vi.spyOn(MarketRoom.prototype, "renewAuction").mockImplementation(async () => "ended");
    await held;
    await stop.ask(day, taskId, room);
    await expectStopped(stop, { day, taskId, room });
  });

  test("reaches an auction's holder that waits for its memory", async () => {
    const day = await openMarket();
    const memory = memoryOver(anIndex().index);
    await runTask(day, { memory });
    const { taskId, room, holder } = await day.admit(DEADLINE);
    const recalls = Promise.withResolvers<undefined>();
    const mute: AuctionMemory = {
      ...memory,
      recall: async () => {
        recalls.resolve(undefined);
        return never;
      },
    };
    const models = new ScriptedModels({ bids: BIDS, verdicts: VERDICTS });
    const held = runAuction({ ...auctionDeps(models, mute), config: LIVELY }, holder);
    await recalls.promise;
    await vi.waitFor(async () =>
      expect((await room.readTrace())?.calls.filter(({ kind }) => kind === "jury")).toHaveLength(3),
    );
    await stop.ask(day, taskId, room);
    await held;
    await expectStopped(stop, { day, taskId, room });
  });

  test("ends an awarded task that nobody holds", async () => {
    const day = await openMarket();
    const { taskId, room } = await awardedTask(day, DEADLINE);
    await stop.ask(day, taskId, room);
    await expectStopped(stop, { day, taskId, room });
  });

  test("ends a task whose trace waits for its place", async () => {
    const day = await openTurns({ maxTraces: 1 });
    const first = await day.task();
    const second = await day.task({ input: DEADLINE });
    const { taskId, room } = second;
    await day.award(first);
    await day.award(second);
    expect(await room.view()).toMatchObject({ state: "awarded", waitsFor: "trace" });
    await stop.ask(day, taskId, room);
    await expectStopped(stop, { day, taskId, room });
  });

  test("reaches a holder that waits for its model: that call is paid at its bound, and no other is made", async () => {
    const day = await openMarket();
    const { taskId, room } = await awardedTask(day, DEADLINE);
    const { port, asked } = hanging("step", new ScriptedModels({}));
    const held = carryOut(day, taskId, { models: port });
    await asked;
    await stop.ask(day, taskId, room);
    await held;
    await expectStopped(stop, { day, taskId, room });
    const traced = (await room.readTrace())?.calls.filter(({ kind }) => kind === "trace");
    expect(traced).toMatchObject([{ status: "unconfirmed", costMicros: BOUND, payer: "tenant" }]);
  });

  test("reaches a holder whose tool does not listen, and what the agent wrote stays", async () => {
    const day = await openMarket();
    const { taskId, room } = await awardedTask(day, DEADLINE);
    const began = Promise.withResolvers<AbortSignal>();
    const deaf = {
      ...countingTool(),
      execute: async (_input: unknown, { signal }: { readonly signal: AbortSignal }) => {
        began.resolve(signal);
        return never;
      },
    };
    const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
    const held = carryOut(day, taskId, { models, tools: [deaf] });
    const signal = await began.promise;
    await stop.ask(day, taskId, room);
    await held;
    expect(signal.aborted).toBe(true);
    expect(models.asked).toHaveLength(1);
    await expectStopped(stop, { day, taskId, room });
    expect(await room.view()).toMatchObject({ steps: 1 });
  });

  test("reaches a holder whose verifier does not listen, and the result stays", async () => {
    const day = await openMarket();
    const { taskId, room } = await awardedTask(day, DEADLINE);
    const began = Promise.withResolvers<AbortSignal>();
    const verify = async (_desk: unknown, _result: string, signal: AbortSignal) => {
      began.resolve(signal);
      return never;
    };
    const held = carryOut(day, taskId, { models: new ScriptedModels({ steps: [SUBMIT] }), verify });
    const signal = await began.promise;
    expect(await room.view()).toMatchObject({ state: "verifying" });
    await stop.ask(day, taskId, room);
    await held;
    expect(signal.aborted).toBe(true);
    await expectStopped(stop, { day, taskId, room });
    expect(await room.view()).toMatchObject({ result: "42", verdict: null });
  });

  test("comes before a verdict that its holder brings without having heard of it", async () => {
    const day = await openMarket();
    const { taskId, room } = await awardedTask(day, DEADLINE);
    await carryOut(day, taskId, {
      models: new ScriptedModels({ steps: [SUBMIT] }),
      verify: async () => {
        await stop.ask(day, taskId, room);
        return { outcome: "pass", verifier: "equals", evidence: "" };
      },
      lively: false,
    });
    await expectStopped(stop, { day, taskId, room });
  });

  test("comes to a dead holder's task when the holder's time is over", async () => {
    const day = await openMarket();
    const { taskId, room } = await awardedTask(day, DEADLINE);
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    await stop.ask(day, taskId, room);
    expect((await room.view())?.state).toBe("running");
    clock.pass(config.leaseMs + 1);
    await runDurableObjectAlarm(room);
    await expectStopped(stop, { day, taskId, room });
  });
});

async function carryOut(
  { tenantId }: MarketDay,
  taskId: TaskId,
  of: { readonly models: ModelPort; readonly lively?: boolean } & NonNullable<
    Parameters<typeof traceDeps>[1]
  >,
): Promise<void> {
  const { models, lively = true, ...options } = of;
  const deps = traceDeps(models, { ...options, ...(lively && { config: LIVELY }) });
  await runSlice(deps, { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
}
