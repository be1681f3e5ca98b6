/** Policies and jury rules through the real rooms: what each leaves out, and what an unruly juror costs. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { Answer, JuryAnswer } from "../../../src/agents/model-port.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { Agent } from "../../../src/market/agent.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema } from "../../../src/market/receipt-schema.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  DEAR,
  eventsOf,
  evictRooms,
  MIDDLE,
  openMarket,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";

useStoppedClock();

const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
const VERDICTS = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };

async function run(
  input: Partial<TaskInput>,
  models = new ScriptedModels({ bids: BIDS, verdicts: VERDICTS, steps: [{ text: "42" }] }),
) {
  const day = await openMarket();
  const { taskId, room, holder } = await day.admit(input);
  const { tenantId } = day;
  await runAuction(auctionDeps(models), holder);
  await runSlice(traceDeps(models), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
  return { day, models, room, view: await room.view(), events: await eventsOf(room) };
}

describe("a policy without an auction", () => {
  test.each([
    ["cheapest", CHEAP],
    [`always:${MIDDLE}`, MIDDLE],
    [`static-mix:${DEAR}=2,${CHEAP}=0`, DEAR],
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

describe("what is recorded of a policy's name", () => {
  test.each([
    ["sale-no-memory", "sale:memory=off"],
    ["sale:self=on,size=2", "sale:size=2"],
    [`static-mix:${MIDDLE}=1.0,${CHEAP}=3`, `static-mix:${CHEAP}=3,${MIDDLE}=1`],
  ])(
    "%s stands as %s in the receipt and in the history, and the receipt's rules follow from it",
    async (policy, canonical) => {
      const { day, room } = await run({ policy });
      const receipt = receiptSchema.parse(await room.receipt());
      expect(receipt.policy.name).toBe(canonical);
      expect(recompute(receipt).ok).toBe(true);
      const lying = { ...receipt, policy: { ...receipt.policy, name: "sale" } };
      expect(recompute(lying)).toMatchObject({ failure: [{ path: "policy.name", stated: "sale" }] });
      const rows = (await day.market.historyBatch(100)).map(({ row }) => row);
      expect(rows.find((row) => row.table === "auctions")).toMatchObject({ policy: canonical });
    },
  );
});

describe("a sparse jury", () => {
  test("of m: m jurors judge all bids, the others their own alone", async () => {
    const { events } = await run({ policy: "sale:size=2" });
    const verdicts = events.filter((event) => event.type === "verdict-received");
    const judged = verdicts.map((event) => Object.keys(event.scores).length);
    expect(judged.toSorted((a, b) => a - b)).toEqual([1, 3, 3]);
    const alone = verdicts.find((event) => Object.keys(event.scores).length === 1);
    expect(Object.keys(alone?.scores ?? {})).toEqual([alone?.jurorId]);
  });

  test("without self-assessment the others are not asked", async () => {
    const { models } = await run({ policy: "sale:size=2,self=off" });
    expect(models.asked.filter((call) => call.startsWith("jury"))).toHaveLength(2);
  });
});

describe("weights", () => {
  const FITTED = { cost: 0.001, entropy: 0.2, jurors: { [CHEAP]: 0.1, [MIDDLE]: 0, [DEAR]: 0.3 } };
  const MEAN = { cost: 0.002, entropy: 0, jurors: { [CHEAP]: 0, [MIDDLE]: 0.4, [DEAR]: 0.1 } };

  test("of the two fits stand beside each other, and a task chooses among them and the default ones", async () => {
    const day = await openMarket();
    const initial = (await day.market.agents()).policy?.weights;
    expect(await day.market.setPolicy({ weights: FITTED, fit: { aggregation: "max" } })).toMatchObject({
      ok: true,
      value: { policy: { name: "sale", version: 2, weights: FITTED }, meanWeights: null, meanFit: null },
    });
    const set = await day.market.setPolicy({ meanWeights: MEAN, meanFit: { aggregation: "mean" } });
    expect(set).toMatchObject({
      ok: true,
      value: {
        policy: expect.objectContaining({ name: "sale", version: 3, weights: FITTED }),
        weights: FITTED,
        fit: { aggregation: "max" },
        meanWeights: MEAN,
        meanFit: { aggregation: "mean" },
      },
    });
    for (const [policy, weights] of [
      ["sale", FITTED],
      ["sale:weights=default", initial],
      ["sale-mean", MEAN],
    ] as const) {
      const { room, holder } = await day.admit({ policy });
      const models = new ScriptedModels({ bids: BIDS, verdicts: VERDICTS, steps: [] });
      await runAuction(auctionDeps(models), holder);
      expect((await room.receipt())?.policy).toMatchObject({ version: 3, weights });
    }
  });

  test("that come without figures lose those of the fit before them", async () => {
    const day = await openMarket();
    await day.market.setPolicy({ weights: FITTED, fit: { gap: 0 } });
    expect(await day.market.setPolicy({ weights: MEAN })).toMatchObject({
      value: { weights: MEAN, fit: null },
    });
  });

  test("fitted to the mean: without them nothing that asks for them is admitted or set", async () => {
    const day = await openMarket();
    await expect(day.admit({ policy: "sale-mean" })).rejects.toThrow("no_mean_weights");
    const refused = { ok: false, failure: { reason: "no_mean_weights" } };
    expect(await day.market.setPolicy({ name: "sale:weights=mean" })).toEqual(refused);
    expect(await day.market.setPolicy({ name: "sale-mean", meanWeights: MEAN })).toMatchObject({
      value: { policy: { name: "sale:weights=mean", version: 2, weights: MEAN } },
    });
    // The tenant's own policy needs them now.
    expect(await day.market.setPolicy({ meanWeights: null })).toEqual(refused);
    expect((await day.market.agents()).policy?.weights).toEqual(MEAN);
  });

  test("a tenant's document from before there were any to the mean still loads", async () => {
    const day = await openMarket();
    await day.market.setPolicy({ weights: FITTED, fit: null });
    await runInDurableObject(day.market, (_room, state) => {
      state.storage.sql.exec("UPDATE tenant SET body = json_remove(body, '$.meanWeights', '$.meanFit')");
    });
    await evictRooms(day.market);
    expect(await day.market.readPolicy()).toMatchObject({
      weights: FITTED,
      meanWeights: null,
      meanFit: null,
    });
    await expect(day.admit({ policy: "sale-mean" })).rejects.toThrow("no_mean_weights");
    expect(await day.market.setPolicy({ meanWeights: MEAN })).toMatchObject({ ok: true });
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
