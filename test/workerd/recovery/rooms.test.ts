/** Leases that lapse, bills that come late, timers without work: found in review. */
import { aCommit, anAbstention } from "../../support/builders.ts";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import type { Answer, BidAnswer, CallLimits } from "../../../src/agents/model-port.ts";
import type { Agent } from "../../../src/market/agent.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { BOUND, ScriptedModels, USAGE } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  awardedTask,
  CHEAP,
  config,
  countingTool,
  DEAR,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
  traceDeps,
} from "../rooms/market-day.ts";

const clock = useStoppedClock();

const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const two = () => 2;
const JURY = { [CHEAP]: two, [MIDDLE]: two, [DEAR]: two };

/** Answers only when its signal aborts, as the metered call does. */
class HangingModels extends ScriptedModels {
  override async bid(_agent: Agent, _input?: unknown, limits?: CallLimits): Promise<Answer<BidAnswer>> {
    await new Promise<void>((resolve) => {
      limits?.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    return {
      ok: false,
      failure: { reason: "cancelled", message: "the call was cancelled" },
      bill: { status: "unconfirmed" },
      ms: 10,
      requests: 1,
    };
  }
}

describe("an auction that is lost to its lease", () => {
  test("lapsed: the old holder's aborted calls do not become abstentions that stand", async () => {
    const day = await openMarket();
    const { taskId, room, holder } = await day.admit();
    const where = { tenantId: day.tenantId, taskId };
    const deps = { ...auctionDeps(new HangingModels({})), config: { ...config, leaseMs: 600 } };
    const first = runAuction(deps, holder);
    await vi.waitFor(async () => expect((await room.readTrace())?.calls.length).toBe(3));
    // The lease lapses (the Worker stalled): the market announces generation 2; nobody has taken it up yet.
    clock.pass(60_001);
    await day.ringMarket();
    await first; // heartbeat: lost
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    const second = new ScriptedModels({ bids: BIDS, verdicts: JURY });
    await runAuction(auctionDeps(second), { ...where, generation: 2 });
    expect(second.asked.filter((call) => call.startsWith("bid"))).toHaveLength(3);
    expect(await room.view()).toMatchObject({ state: "awarded", failureReason: null });
  });

  test("market out of reach for three beats: the task does not fail for want of bids", async () => {
    const day = await openMarket();
    const { taskId, room, holder } = await day.admit();
    const where = { tenantId: day.tenantId, taskId };
    let beats = 0;
    const flaky = {
      ...config,
      leaseMs: 300,
      marketRoom: () => ({
        renewAuction: async () => {
          beats++;
          throw new Error("stub is broken");
        },
      }),
    } as unknown as typeof config;
    await runAuction({ ...auctionDeps(new HangingModels({})), config: flaky }, holder);
    expect(beats).toBeGreaterThanOrEqual(3);
    clock.pass(60_001);
    await day.ringMarket();
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    const second = new ScriptedModels({ bids: BIDS, verdicts: JURY });
    await runAuction(auctionDeps(second), { ...where, generation: 2 });
    expect(await room.view()).toMatchObject({ state: "awarded", failureReason: null });
  });
});

describe("a timer of an outbox lane that is empty", () => {
  test("market: is gone after it rang beside another timer that emptied the lane", async () => {
    const day = await openMarket();
    const { taskId, room } = await day.admit();
    await room.beginAuction(1, null);
    await runInDurableObject(day.market as DurableObjectStub, async (_room, state) => {
      // As if the object died between the transaction of `cancel` and its delivery, late in the auction's lease.
      const task = JSON.parse(
        state.storage.sql.exec<{ body: string }>("SELECT body FROM tasks").one().body,
      ) as Record<string, unknown>;
      state.storage.sql.exec("UPDATE tasks SET body = ?", JSON.stringify({ ...task, stopping: true }));
      state.storage.sql.exec(
        "INSERT INTO outbox (lane, id, message) VALUES (?, 1000, ?)",
        taskId,
        JSON.stringify({ kind: "stop", end: { state: "cancelled" } }),
      );
      state.storage.sql.exec(
        "INSERT OR REPLACE INTO timers (kind, subject, due_at_ms) VALUES ('outbox', ?, ?)",
        taskId,
        Date.now() + 60_000 + 1_500,
      );
    });
    await evictRooms(day.market);
    clock.pass(70_000);
    await day.ringMarket();
    const left = async () =>
      runInDurableObject(day.market as DurableObjectStub, async (_room, state) => ({
        outbox: state.storage.sql.exec("SELECT lane FROM outbox").toArray(),
        timers: state.storage.sql.exec("SELECT kind FROM timers WHERE kind = 'outbox'").toArray(),
      }));
    await vi.waitFor(async () => expect(await left()).toEqual({ outbox: [], timers: [] }), 5_000);
  });

  test("a lane's timer without entries does not ring for ever", async () => {
    const day = await openMarket();
    await day.market.historyWritten(
      (await day.market.historyBatch(100)).map((row) => row.id),
      [],
    );
    await runInDurableObject(day.market as DurableObjectStub, async (_room, state) => {
      state.storage.sql.exec(
        "INSERT INTO timers (kind, subject, due_at_ms) VALUES ('outbox', 'tsk_x', ?)",
        Date.now(),
      );
      await state.storage.setAlarm(Date.now());
    });
    const rings: boolean[] = [];
    for (let n = 0; n < 4; n++) {
      rings.push(await runDurableObjectAlarm(day.market));
      clock.pass(6_000);
    }
    expect(rings).toEqual([true, false, false, false]);
  });
});

describe("a late bill", () => {
  test("of a fenced holder corrects the bound that was counted for it", async () => {
    const day = await openMarket();
    const { taskId, room } = await day.admit();
    await room.beginAuction(1, null);
    const callId = newId("cal", config.source);
    await room.commitAuction(
      1,
      aCommit({ started: [{ callId, kind: "bid", agentId: CHEAP, boundMicros: BOUND }] }),
    );
    clock.pass(60_001);
    await day.ringMarket();
    await day.market.takeAuction(taskId, 2);
    await room.beginAuction(2, null);
    const bill = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;
    const bid = anAbstention({ agentId: CHEAP, usage: USAGE, costMicros: asMicros(45), reason: "empty" });
    await room.commitAuction(1, aCommit({ bids: [{ call: { callId, bill, ms: 5 }, bid }] }));
    const calls = (await room.readTrace())?.calls ?? [];
    expect(calls.find((call) => call.callId === callId)).toMatchObject({ status: "billed", costMicros: 45 });
  });
});

describe("a tool call that was cut short because the lease seemed lost", () => {
  test("is not committed as the tool's answer", async () => {
    const { room, message } = await awardedTask();
    // The room does not answer renewals for a while, then it is back.
    const flaky = new Proxy(room, {
      get: (target, name) =>
        name === "renewTrace"
          ? async () => {
              throw new Error("unreachable");
            }
          : (...args: unknown[]) =>
              (target as unknown as Record<PropertyKey, (...a: unknown[]) => unknown>)[name]?.(...args),
    });
    const hanging = {
      ...countingTool(),
      execute: async (_input: unknown, context: { signal: AbortSignal }) => {
        await new Promise<void>((resolve) => context.signal.addEventListener("abort", () => resolve()));
        throw new Error("aborted");
      },
    };
    const models = new ScriptedModels({
      steps: [{ tool: "http", input: { url: "x" } }, { fails: "cancelled" }],
    });
    const deps = traceDeps(models, { tools: [hanging] });
    const slow = { ...config, leaseMs: 300, taskRoom: () => flaky } as unknown as typeof config;
    await runSlice({ ...deps, config: slow }, message(1));
    const steps = (await room.readTrace())?.steps ?? [];
    expect(steps.map((step) => step.toolCalls.map((call) => call.outcome))).toEqual([]);
  });
});
