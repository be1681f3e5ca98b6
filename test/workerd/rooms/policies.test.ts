/** Policies and jury rules through the real rooms: what each leaves out, and what an unruly juror costs. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Answer, JuryAnswer } from "../../../src/agents/model-port.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { Agent } from "../../../src/market/agent.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  DEAR,
  eventsOf,
  MIDDLE,
  openMarket,
  stopTheClock,
  traceDeps,
} from "./market-day.ts";

beforeEach(() => {
  stopTheClock();
});
afterEach(() => {
  vi.useRealTimers();
});

const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
const VERDICTS = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };

async function run(
  input: Partial<TaskInput>,
  models = new ScriptedModels({ bids: BIDS, verdicts: VERDICTS, steps: [{ text: "42" }] }),
) {
  const day = await openMarket();
  const { taskId, room } = await day.admit(input);
  const { tenantId } = day;
  await runAuction(auctionDeps(models), { tenantId, taskId, generation: 1 });
  await runSlice(traceDeps(models), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
  return { models, room, view: await room.view(), events: await eventsOf(room) };
}

describe("a policy without an auction", () => {
  test.each([
    ["cheapest", CHEAP],
    [`always:${MIDDLE}`, MIDDLE],
  ])("%s asks nobody for a bid and costs nothing but the trace", async (policy, winner) => {
    const { models, view, events } = await run({ policy });
    expect(models.asked).toEqual([`step ${winner} 1`]);
    expect(view).toMatchObject({
      agentId: winner,
      state: "finished",
      costs: { bidMicros: 0, juryMicros: 0 },
    });
    expect(events.find((event) => event.type === "auction-cleared")).toMatchObject({ round: 0, ranking: [] });
  });

  test("a name that is none in the pool is refused before anything is admitted", async () => {
    const day = await openMarket();
    await expect(day.admit({ policy: "always:agt_nobody" })).rejects.toThrow("unknown_policy");
    expect(await day.market.heldTasks()).toEqual([]);
  });
});

describe("an ablation", () => {
  test("sale-no-jury judges by cost and entropy alone", async () => {
    const { models, view } = await run({ policy: "sale-no-jury" });
    expect(models.asked.filter((call) => call.startsWith("jury"))).toEqual([]);
    expect(view?.agentId).toBe(CHEAP);
  });

  test("sale-single-juror asks one", async () => {
    const { models } = await run({ policy: "sale-single-juror" });
    expect(models.asked.filter((call) => call.startsWith("jury"))).toHaveLength(1);
  });

  test("sale-no-self shows nobody its own bid", async () => {
    const { events } = await run({ policy: "sale-no-self" });
    for (const event of events) {
      if (event.type === "verdict-received") expect(event.scores).not.toHaveProperty(event.jurorId);
    }
    expect(events.filter((event) => event.type === "verdict-received")).toHaveLength(3);
  });

  test("sale-no-entropy leaves the term out", async () => {
    const { events } = await run({ policy: "sale-no-entropy" });
    expect(events.find((event) => event.type === "auction-cleared")).toMatchObject({ entropyUsed: false });
  });

  test("sale-pointwise asks once per juror and bid, and comes to the same verdicts", async () => {
    const { models, view } = await run({ policy: "sale-pointwise" });
    expect(models.asked.filter((call) => call.startsWith("jury"))).toHaveLength(9);
    expect(view?.agentId).toBe(DEAR);
  });
});

describe("a juror whose batch is no use", () => {
  /** Malformed over several bids, sound over one. */
  class Confused extends ScriptedModels {
    override async judge(
      agent: Agent,
      input: { readonly bids: readonly { readonly label: string; readonly strategy: string }[] },
    ): Promise<Answer<JuryAnswer>> {
      const answer = await super.judge(agent, input);
      if (agent.id !== MIDDLE || input.bids.length === 1) return answer;
      const failure = { reason: "malformed", message: "prose" } as const;
      return { ok: false, failure, bill: answer.bill, ms: answer.ms, requests: 1 };
    }
  }

  test("is asked bid by bid, stays on the jury, and every call is paid", async () => {
    const models = new Confused({ bids: BIDS, verdicts: VERDICTS, steps: [{ text: "42" }] });
    const { room, events } = await run({}, models);
    expect(events.filter((event) => event.type === "juror-left")).toEqual([]);
    expect(events.filter((event) => event.type === "verdict-received")).toHaveLength(3);
    const calls = (await room.readTrace())?.calls ?? [];
    const jury = calls.filter((call) => call.kind === "jury");
    expect(jury.filter((call) => call.agentId === MIDDLE)).toHaveLength(4);
    expect(jury.every((call) => call.status === "billed")).toBe(true);
  });
});
