/**
 * A holder that cannot reach its room for a lease's time gives itself up: another one does its work again, and the tenant
 * pays for each answer once. The first holder's heartbeat is 20 ms here; the second is done before its own first.
 */
import { runDurableObjectAlarm } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import type { Answer, CallLimits, ModelPort } from "../../../src/agents/model-port.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { TaskRoom } from "../../../src/index.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { aCommit } from "../../support/builders.ts";
import { BOUND, ScriptedModels, USAGE } from "../../support/scripted-models.ts";
import { sold } from "./escalation-day.ts";
import {
  admitOnly,
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  MIDDLE,
  type MarketDay,
  ONE_BID,
  openMarket,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import { accountOf, awardedTask, BIDS_MICROS, SUBMIT } from "./money-day.ts";

const clock = useStoppedClock();

const LIVELY = { ...config, leaseMs: 60 };

/** Cut off: nobody knows what it owes. */
async function cutOff<T>({ signal }: CallLimits): Promise<Answer<T>> {
  await aborted(signal);
  const failure = { reason: "cancelled", message: "cut off" } as const;
  return { ok: false, failure, bill: { status: "unconfirmed" }, ms: 5, requests: 1 };
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener("abort", resolve);
  });
}

/** Scripted models, but for what a test says. */
function like(models: ScriptedModels, other: Partial<ModelPort>): ModelPort {
  return {
    bid: async (agent, input) => models.bid(agent, input),
    judge: async (agent, input) => models.judge(agent, input),
    step: async (agent, request) => models.step(agent, request),
    rule: async (agent) => models.rule(agent),
    rulingBound: models.rulingBound,
    bidBound: models.bidBound,
    juryBound: models.juryBound,
    stepBound: models.stepBound,
    wrapUpBound: models.wrapUpBound,
    ...other,
  };
}

/** Of one kind's calls: who pays how much. */
async function paid(
  day: Parameters<typeof accountOf>[0],
  taskId: Parameters<typeof accountOf>[1],
  kind: string,
) {
  const { calls } = await accountOf(day, taskId);
  return calls
    .filter((call) => call.kind === kind)
    .map((call) => `${call.payer} ${call.status} ${call.chargedMicros + call.lostMicros}`)
    .toSorted();
}

test("a trace's holder: the step that it cut off is the house's, and the tenant's once it is made", async () => {
  const day = await openMarket();
  const { taskId, room } = await awardedTask(day);
  const message = { kind: "trace", tenantId: day.tenantId, taskId, attempt: 1 } as const;
  vi.spyOn(TaskRoom.prototype, "renewTrace").mockRejectedValue(new Error("not reached"));
  const hangs = like(new ScriptedModels({}), { step: async (_agent, _request, limits) => cutOff(limits) });
  await runSlice({ ...traceDeps(hangs), config: LIVELY }, { ...message, generation: 1 });
  clock.pass(60_001);
  await runDurableObjectAlarm(room);
  await runSlice(traceDeps(new ScriptedModels({ steps: [SUBMIT] })), { ...message, generation: 2 });
  expect(await room.view()).toMatchObject({ state: "finished", steps: 1 });
  expect(await paid(day, taskId, "trace")).toEqual([`lost unconfirmed ${BOUND}`, "tenant billed 45"]);
});

test("a panel's: the judge that it cut off is the house's, and who had spoken is not asked again", async () => {
  const day = await openMarket();
  const judged = { type: "judge", rubric: "The result is 42.", panel: 3 } as const;
  const { taskId, room } = await sold(day, { verifier: judged });
  const message = { kind: "trace", tenantId: day.tenantId, taskId, attempt: 1 } as const;
  const models = new ScriptedModels({
    steps: [{ text: "42" }],
    rulings: { [CHEAP]: "pass", [MIDDLE]: "pass" },
  });
  vi.spyOn(TaskRoom.prototype, "renewTrace").mockRejectedValue(new Error("not reached"));
  const hangs = like(models, {
    rule: async (agent, _input, limits) => (agent.id === CHEAP ? models.rule(agent) : cutOff(limits)),
  });
  await runSlice({ ...traceDeps(hangs), config: LIVELY }, { ...message, generation: 1 });
  clock.pass(60_001);
  await runDurableObjectAlarm(room);
  await runSlice(traceDeps(models), { ...message, generation: 2 });
  expect(await room.view()).toMatchObject({ outcome: "pass" });
  expect(models.asked.filter((call) => call.startsWith("judge"))).toEqual([
    `judge ${CHEAP}`,
    `judge ${MIDDLE}`,
  ]);
  expect(await paid(day, taskId, "judge")).toEqual([
    `lost unconfirmed ${BOUND}`,
    "tenant billed 45",
    "tenant billed 450",
  ]);
});

test("an auction's: bids that it could not record are the house's, and the tenant pays for those of the next", async () => {
  const day = await openMarket();
  const { taskId, room, holder } = await day.admit();
  const commits = vi.spyOn(TaskRoom.prototype, "commitAuction");
  // As often as a holder tries.
  for (let tried = 0; tried < 4; tried += 1) commits.mockRejectedValueOnce(new Error("not reached"));
  const models = new ScriptedModels({ bids: ONE_BID });
  // The dear one answers once the holder has given up, and when the room is there again.
  const late = like(models, {
    bid: async (agent, input, { signal }) => {
      if (agent.id === DEAR) await aborted(signal);
      return models.bid(agent, input);
    },
  });
  await runAuction(auctionDeps(late), holder);
  expect(commits.mock.calls.length).toBeGreaterThan(4);
  clock.pass(60_001);
  await day.ringMarket();
  expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
  await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), {
    tenantId: day.tenantId,
    taskId,
    generation: 2,
  });
  expect(await room.view()).toMatchObject({ state: "awarded" });
  await day.market.cancel(taskId);
  const tenants = (await paid(day, taskId, "bid")).filter((call) => call.startsWith("tenant"));
  expect(tenants).toEqual(["tenant billed 45", "tenant billed 450", "tenant billed 4500"]);
  expect((await accountOf(day, taskId)).chargedMicros).toBe(BIDS_MICROS);
});

/** A trace whose holder has a call under way. */
async function underWay() {
  const day = await openMarket();
  const { taskId, room } = await awardedTask(day);
  await room.takeTrace(1, 1);
  const callId = newId("cal", config.source);
  await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
  return { day, taskId, room, cutOffCall: { callId, bill: { status: "unconfirmed" }, ms: 1 } as const };
}

test("a call that was told of before is not given up: it stays the tenant's, as it was booked", async () => {
  const { day, taskId, room, cutOffCall } = await underWay();
  await room.failTraceCall(1, cutOffCall, { reason: "timeout", message: "" });
  await room.endTrace(1, cutOffCall, "stopped");
  await day.market.cancel(taskId);
  clock.pass(60_001);
  await runDurableObjectAlarm(room);
  expect(await paid(day, taskId, "trace")).toEqual([`tenant unconfirmed ${BOUND}`]);
});

test("a trace's holder that finds a cancel there ends the task, and the tenant pays: nobody asks again", async () => {
  const { day, taskId, room, cutOffCall } = await underWay();
  await day.market.cancel(taskId);
  await room.endTrace(1, cutOffCall, "stopped");
  expect(await room.view()).toMatchObject({ state: "cancelled" });
  expect(await paid(day, taskId, "trace")).toEqual([`tenant unconfirmed ${BOUND}`]);
});

/** An auction whose holder brings a bill without the answer, once it is to stop. */
async function stoppedAuction(
  stop: (task: Awaited<ReturnType<typeof admitOnly>>, day: MarketDay) => unknown,
) {
  const day = await openMarket();
  const task = await admitOnly(day);
  const { taskId, room, opening } = task;
  await room.beginAuction(1, { opening, started: [] });
  const [first] = opening.firstCalls;
  if (first === undefined) throw new Error("nobody is asked for a bid");
  await stop(task, day);
  const bill = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;
  const ended = { callId: first.callId, bill, ms: 1, givenUp: true } as const;
  expect(await room.commitAuction(1, aCommit({ ended: [ended] }))).toBe("stop");
  await room.endAuction(1, "stopped");
  return paid(day, taskId, "bid");
}

test("an auction's holder that finds a cancel there leaves its bills to the tenant, too", async () => {
  const bids = await stoppedAuction(async ({ taskId }, { market }) => market.cancel(taskId));
  expect(bids).toContain("tenant billed 45");
});

test("of an auction that is given up they are the house's: a redrive asks the same agents again", async () => {
  const bids = await stoppedAuction(async ({ room }) =>
    room.stop({ state: "failed", reason: "auction_abandoned" }),
  );
  expect(bids).toContain("lost billed 45");
  expect(bids.filter((bid) => bid.startsWith("tenant"))).toEqual([]);
});
