/** What is given up and gone on with is paid once: by the tenant what stands, by the house what its dead holders had begun. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import type { ModelPort } from "../../../src/agents/model-port.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { TaskRoom } from "../../../src/index.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { aUsage } from "../../support/builders.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { awardedTo, sold } from "./escalation-day.ts";
import {
  auctionDeps,
  awardedTask,
  CHEAP,
  config,
  DEAR,
  MIDDLE,
  ONE_BID,
  openMarket,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import { accountOf, booksOf } from "./money-day.ts";
import {
  abandonedAuction,
  auctionLease,
  failToDeath,
  goOn,
  leaseOf,
  ring,
  stuckId,
  SUBMIT,
  traceMessage,
  type StuckTask,
} from "./stuck-day.ts";

const clock = useStoppedClock();

const BOUND = asMicros(5_000);

/** What has been spent is told to the market room. */
async function told({ room }: StuckTask): Promise<void> {
  await room.wake();
}

/** Holders of the first attempt die one after the other; the last of them with a call under way. */
async function abandon(task: StuckTask) {
  const callId = newId("cal", config.source);
  for (let deaths = 0; deaths < 6; deaths += 1) {
    const { generation } = await leaseOf(task);
    expect((await task.room.takeTrace(1, generation)).ok).toBe(true);
    if (deaths === 5) {
      const { agentId = null } = (await task.room.view()) ?? {};
      const call = { callId, kind: "trace", agentId, boundMicros: BOUND } as const;
      expect(await task.room.startTraceCall(generation, call)).toBe("continue");
    }
    clock.pass(60_001);
    await ring(task);
  }
  return callId;
}

describe("a call under way of a holder that died is the house's, where", () => {
  test("another agent takes the trace over", async () => {
    const day = await openMarket();
    const task = { day, ...(await sold(day, { escalation: null })) };
    await told(task);
    const { chargedMicros } = await accountOf(day, task.taskId);
    const callId = await abandon(task);
    await awardedTo(task.room, 2);
    const account = await accountOf(day, task.taskId);
    expect(account.calls.find((call) => call.callId === callId)).toMatchObject({
      status: "unconfirmed",
      payer: "lost",
      chargedMicros: 0,
      lostMicros: BOUND,
    });
    expect(account.chargedMicros).toBe(chargedMicros);
    // Its bill, late: the provider's word replaces the bound, and the house pays it.
    const costMicros = asMicros(1_000);
    const bill = { status: "billed", usage: aUsage(), costMicros } as const;
    await task.room.failTraceCall(1, { callId, bill, ms: 1 }, { reason: "timeout", message: "late" });
    await runDurableObjectAlarm(task.room);
    await vi.waitFor(async () => expect((await booksOf(day)).balances.lost).toBe(0 - costMicros), 5_000);
  });

  test("the trace is redriven", async () => {
    const task = await awardedTask();
    await told(task);
    const { chargedMicros } = await accountOf(task.day, task.taskId);
    const faulty = vi.spyOn(TaskRoom.prototype, "commitAnswer").mockRejectedValue(new RangeError("a fault"));
    const models = new ScriptedModels({ steps: [SUBMIT] });
    await failToDeath(traceDeps(models), traceMessage(task, 1), clock.pass);
    faulty.mockRestore();
    await task.day.market.redriveStuck(await stuckId(task));
    await goOn(task, traceDeps(new ScriptedModels({ steps: [SUBMIT] })));
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
    const account = await accountOf(task.day, task.taskId);
    const paid = account.calls.filter((call) => call.kind === "trace" && call.chargedMicros > 0);
    expect(paid).toMatchObject([{ status: "billed", chargedMicros: 45 }]);
    expect(account.chargedMicros).toBe(chargedMicros + 45);
  });
});

async function resume({ day, taskId }: StuckTask) {
  const { generation } = await auctionLease(day, taskId);
  expect((await day.market.takeAuction(taskId, generation)).ok).toBe(true);
  const holder = { tenantId: day.tenantId, taskId, generation };
  const models = new ScriptedModels({ bids: ONE_BID });
  const bid = vi.spyOn<ModelPort, "bid">(models, "bid");
  await runAuction(auctionDeps(models), holder);
  return bid.mock.calls.map(([, , { deadlineAtMs }]) => deadlineAtMs);
}

describe("an auction that is redriven", () => {
  test("has its tenant pay each bid once", async () => {
    const task = await abandonedAuction(clock.pass);
    const { day, taskId } = task;
    await day.market.redriveStuck(await stuckId(task));
    await resume(task);
    await told(task);
    const { calls } = await accountOf(day, taskId);
    const bids = calls.filter((call) => call.kind === "bid" && call.chargedMicros > 0);
    expect(bids.map(({ status }) => status)).toEqual(["billed", "billed", "billed"]);
  });

  test("has its time anew, too: whoever resumes it after its first deadline hears bids", async () => {
    const task = await abandonedAuction(clock.pass);
    clock.pass(10_000_000);
    await task.day.market.redriveStuck(await stuckId(task));
    const deadlines = await resume(task);
    expect(deadlines).toHaveLength(3);
    for (const untilMs of deadlines) expect(untilMs).toBeGreaterThan(Date.now() + 10_000);
    expect(await task.room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
  });
});

describe("a trace that is redriven", () => {
  test("with rulings of its panel asks no judge again", async () => {
    const day = await openMarket();
    const judged = { type: "judge", rubric: "The result is 42.", panel: 3 } as const;
    const task = { day, ...(await sold(day, { verifier: judged, escalation: null })) };
    const faulty = vi.spyOn(TaskRoom.prototype, "commitVerdict").mockRejectedValue(new RangeError("a fault"));
    const rulings = { [CHEAP]: "pass", [MIDDLE]: "pass" } as const;
    const models = new ScriptedModels({ steps: [{ text: "42" }], rulings });
    await failToDeath(traceDeps(models), traceMessage(task, 1), clock.pass);
    faulty.mockRestore();
    expect(models.asked.filter((call) => call.startsWith("judge"))).toHaveLength(2);
    await day.market.redriveStuck(await stuckId(task));
    const again = new ScriptedModels({ rulings });
    await goOn(task, traceDeps(again));
    expect(again.asked).toEqual([]);
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", attempts: 2 });
  });

  test("goes on with what its own limit leaves, however little of a whole trace that is", async () => {
    const day = await openMarket();
    const task = { day, ...(await sold(day, { limits: { maxCostUsd: 0.2 } })) };
    await told(task);
    const { heldMicros, chargedMicros } = await accountOf(day, task.taskId);
    const { generation } = await leaseOf(task);
    expect((await task.room.takeTrace(1, generation)).ok).toBe(true);
    const callId = newId("cal", config.source);
    const costMicros = asMicros(200_000 - chargedMicros - 500);
    expect(heldMicros).toBeGreaterThan(0);
    const call = { callId, kind: "trace", agentId: DEAR, boundMicros: costMicros } as const;
    expect(await task.room.startTraceCall(generation, call)).toBe("continue");
    const usage = aUsage();
    const step = { step: 1, text: "42", toolCalls: [], assistant: null, usage, costMicros };
    const ended = { callId, bill: { status: "billed", usage, costMicros }, ms: 1 } as const;
    await task.room.commitAnswer(generation, ended, step, "42");
    clock.pass(60_001);
    await ring(task);
    const faulty = vi.spyOn(TaskRoom.prototype, "commitVerdict").mockRejectedValue(new RangeError("a fault"));
    await failToDeath(
      traceDeps(new ScriptedModels({})),
      traceMessage(task, (await leaseOf(task)).generation),
      clock.pass,
    );
    faulty.mockRestore();
    expect((await day.market.redriveStuck(await stuckId(task))).ok).toBe(true);
    await goOn(task, traceDeps(new ScriptedModels({})));
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
    expect((await booksOf(day)).balances.held).toBe(0);
  });
});
