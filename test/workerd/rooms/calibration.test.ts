/** A calibration run through the real rooms: what it is to its agent, its tenant, the history and the memory. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { StepRequest } from "../../../src/agents/model-port.ts";
import type { Agent } from "../../../src/market/agent.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { usable } from "../../../src/market/fit/usable.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema } from "../../../src/market/receipt-schema.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { BIDS, openCalibrationDay, runTask, standing } from "./calibration-day.ts";
import { CHEAP, DEAR, eventsOf, MIDDLE, useStoppedClock, taskRoom, traceDeps, types } from "./market-day.ts";

const clock = useStoppedClock();

/** One past task, quoted, accepted and begun. */
async function begun() {
  const day = await openCalibrationDay();
  const past = await day.pastTask({ metadata: { ticket: "42" }, limits: { maxSteps: 3 }, tools: [] });
  await day.carryHistory();
  const id = (await day.quote(1)).quote.calibrationId;
  await day.accept(id);
  await day.ringMarket();
  const view = await day.read(id);
  return { day, past, id, run: (agentId: AgentId) => runTask(view, agentId) };
}

describe("a quote", () => {
  test("prices the runs of every agent that is not known, and runs nothing", async () => {
    const day = await openCalibrationDay();
    const { taskId, room } = await day.pastTask({ tools: ["http"] });
    await day.carryHistory();
    const view = await day.quote(7);
    expect(view).toMatchObject({ state: "quoted", acceptedAtMs: null });
    expect(standing(view)).toEqual([`${CHEAP} quoted`, `${MIDDLE} quoted`]);
    expect(view.quote).toMatchObject({ asked: 7, examined: 1, tasks: [{ taskId, tools: ["http"] }] });
    // DEAR's one trace is all there is: a tenth of its price, a tenth of its cost.
    const dear = (await room.view())?.costs.traceMicros ?? 0;
    expect(view.runs.map((run) => run.expectedMicros)).toEqual([dear / 100, dear / 10].map(Math.ceil));
    expect(view.runs.every((run) => run.boundMicros > (run.expectedMicros ?? 0))).toBe(true);
    await day.ringMarket();
    expect(await day.market.heldTasks()).toEqual([]);
  });

  test("says of what is not suitable why", async () => {
    const day = await openCalibrationDay();
    await day.pastTask({ policy: `always:${CHEAP}` });
    await day.pastTask({ policy: "sale-no-jury" });
    await day.pastTask();
    await day.carryHistory();
    const { quote, runs } = await day.quote(5);
    expect(runs).toHaveLength(2);
    expect(quote).toMatchObject({ examined: 3, unsuitable: { bids_missing: 1, juror_lost: 1 } });
  });

  test("takes the newest tasks first", async () => {
    const day = await openCalibrationDay();
    const past = [];
    for (let n = 0; n < 3; n++) {
      past.push(await day.pastTask());
      clock.pass(1_000);
    }
    await day.carryHistory();
    const { quote } = await day.quote(2);
    expect(quote.tasks.map(({ taskId }) => taskId)).toEqual([past[2]?.taskId, past[1]?.taskId]);
  });
});

describe("a calibration run", () => {
  /** Remembers what it was asked to do. */
  class Listening extends ScriptedModels {
    readonly requests: StepRequest[] = [];
    override async step(agent: Agent, request: StepRequest) {
      this.requests.push(request);
      return super.step(agent, request);
    }
  }
  test("asks its agent what an award would have asked it, and nobody for a bid", async () => {
    const { day, past, run } = await begun();
    const models = new Listening({ steps: [{ text: "41" }] });
    const message = { tenantId: day.tenantId, taskId: run(CHEAP), attempt: 1, generation: 1 } as const;
    await runSlice(traceDeps(models), { kind: "trace", ...message });
    expect(models.asked).toEqual([`step ${CHEAP} 1`]);
    const [request] = models.requests;
    expect(request?.prompt).toMatchObject({ task: "What is six times seven?", strategy: BIDS[CHEAP] });
    // The same draws as the past auction's: its seed, and through it the fences of the prompt.
    const receipt = await past.room.receipt();
    expect(request?.seed).toBe(receipt?.seed);
  });

  test("is the tenant's task, marked, within the past task's limits", async () => {
    const { day, past, run } = await begun();
    await day.carryOut(run(CHEAP), { text: "41" });
    const room = taskRoom(day.tenantId, run(CHEAP));
    const calibrates = { taskId: past.taskId, auctionId: (await past.room.receipt())?.task.auctionId };
    expect(await room.view()).toMatchObject({
      state: "finished",
      outcome: "fail",
      agentId: CHEAP,
      calibrates,
      metadata: {},
      costs: { bidMicros: 0, juryMicros: 0, refineMicros: 0 },
    });
    const events = await eventsOf(room);
    expect(types(events).slice(0, 4)).toEqual([
      "task-admitted",
      "calibration-opened",
      "task-awarded",
      "trace-taken-up",
    ]);
    expect(events[1]).toMatchObject({ agentId: CHEAP, calibrates });
    expect(types(events)).not.toContain("auction-cleared");
    const held = (await day.market.heldTasks()).find((row) => row.taskId === run(CHEAP));
    expect(held).toMatchObject({
      calibratesTaskId: calibrates.taskId,
      calibratesAuctionId: calibrates.auctionId,
      costMicros: (await room.view())?.costMicros,
    });
    expect(held?.costMicros).toBeGreaterThan(0);
  });

  test("has a deadline of its own, and stops when its tenant cancels it", async () => {
    const { day, run } = await begun();
    const room = taskRoom(day.tenantId, run(CHEAP));
    const view = await room.view();
    expect((view?.deadlineAtMs ?? 0) - (view?.admittedAtMs ?? 0)).toBe(3_600_000);
    expect(await day.market.cancel(run(CHEAP))).toBe(true);
    expect(await room.view()).toMatchObject({ state: "cancelled" });
  });

  test("has a receipt that names the auction it calibrates, and agrees with itself", async () => {
    const { day, past, run } = await begun();
    const receipt = receiptSchema.parse(await taskRoom(day.tenantId, run(MIDDLE)).receipt());
    const auctionId = (await past.room.receipt())?.task.auctionId;
    expect(receipt).toMatchObject({
      policy: {
        name: "calibration",
        rules: { agentId: MIDDLE, calibrates: { auctionId }, strategy: BIDS[MIDDLE] },
      },
      bids: [],
      decision: { clearing: { winner: MIDDLE, round: 0 } },
    });
    expect(receipt.task.auctionId).not.toBe(auctionId);
    expect(recompute(receipt).ok).toBe(true);
  });
});

describe("what comes of it", () => {
  test("the fit knows a pass and a fail of one task, and nobody's memory is touched", async () => {
    const { day, id, run } = await begun();
    const remembered = await day.memory();
    expect(remembered).toHaveLength(1);
    expect(usable(await day.training()).auctions).toEqual([]);
    await day.carryOut(run(CHEAP), { text: "41" });
    await day.carryOut(run(MIDDLE), { text: "42" });
    // Ended, but the fit would not see it yet.
    expect(await day.read(id)).toMatchObject({
      state: "running",
      runs: [{ status: "ended" }, { status: "ended" }],
    });
    await day.carryHistory();
    expect((await day.read(id)).state).toBe("ended");
    const [auction, ...more] = usable(await day.training()).auctions;
    expect(more).toEqual([]);
    expect(auction?.outcomes).toEqual({ [CHEAP]: "fail", [MIDDLE]: "pass", [DEAR]: "pass" });
    const costs = (await day.read(id)).runs.map(({ costMicros }) => costMicros);
    expect([auction?.traceCostMicros[CHEAP], auction?.traceCostMicros[MIDDLE]]).toEqual(costs);
    expect(await day.memory()).toEqual(remembered);
    const auctions = await env.DB.prepare("SELECT count(*) AS n FROM auctions WHERE tenant_id = ?")
      .bind(day.tenantId)
      .first<{ n: number }>();
    expect(auctions?.n).toBe(1);
  });

  test("what is known is not quoted again; what told nothing is", async () => {
    const { day, run } = await begun();
    await day.carryOut(run(CHEAP), { text: "41" });
    await day.carryOut(run(MIDDLE), { fails: "provider_error" });
    // Before the history has it, too.
    expect(standing(await day.quote(1))).toEqual([`${MIDDLE} quoted`]);
    await day.carryHistory();
    const again = await day.quote(1);
    expect(standing(again)).toEqual([`${MIDDLE} quoted`]);
    await day.accept(again.quote.calibrationId);
    await day.ringMarket();
    await day.carryOut(runTask(await day.read(again.quote.calibrationId), MIDDLE), { text: "42" });
    await day.carryHistory();
    const none = await day.quote(1);
    expect(none).toMatchObject({ runs: [], quote: { unsuitable: { all_known: 1 } } });
  });
});
