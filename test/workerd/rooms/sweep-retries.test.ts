/** The cron sweep beside work that fails, and beside messages that get lost: it leaves both to the timers that stand. */
import { describe, expect, test, vi } from "vitest";
import { TaskRoom } from "../../../src/index.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { asInProduction, passTime } from "./cron-day.ts";
import {
  admitOnly,
  awardedTask,
  countingTool,
  ONE_BID,
  openMarket,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import { faultyVerifier, stuckOf, SUBMIT, traceMessage, USE_TOOL, type StuckTask } from "./stuck-day.ts";

asInProduction();
useStoppedClock();

/** Its first holder has died: its lease lapses after 15 s. */
async function heldAuction(): Promise<StuckTask> {
  const day = await openMarket();
  const { taskId, room, opening } = await admitOnly(day);
  await room.beginAuction(1, { opening, started: [] });
  return { day, taskId, room };
}

/** Between the fourth try and the fifth one sweep comes: after 305 s, 100 s, or 290 s. */
describe.each([5, 100, 290])("where the first sweep comes after %d s", (sweepAtS) => {
  test("a trace that fails every time is a dead letter after its fifth time", async () => {
    const task = await awardedTask();
    const deps = faultyVerifier(new ScriptedModels({ steps: [USE_TOOL, SUBMIT] }), [countingTool()]);
    const messages = [traceMessage(task, 1)];
    const { broughtS } = await passTime(task, deps, { forS: 1_800, sweepAtS, messages });
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "dead_lettered" });
    expect(broughtS).toEqual([0, 2, 12, 62, 312]);
    expect(await stuckOf(task)).toMatchObject([{ kind: "dead_letter", work: "trace", tries: 5 }]);
  });

  test("so is an auction", async () => {
    const task = await heldAuction();
    vi.spyOn(TaskRoom.prototype, "beginAuction").mockRejectedValue(new RangeError("no room for it"));
    const deps = traceDeps(new ScriptedModels({}));
    const { broughtS } = await passTime(task, deps, { forS: 1_800, sweepAtS });
    expect(await task.room.view()).toMatchObject({ state: "failed", failureReason: "dead_lettered" });
    expect(broughtS).toEqual([15, 17, 27, 77, 327]);
    expect(await stuckOf(task)).toMatchObject([{ kind: "dead_letter", work: "auction", tries: 5 }]);
  });

  test("a trace whose messages get lost is announced at its own growing distances", async () => {
    const task = await awardedTask();
    const deps = traceDeps(new ScriptedModels({ steps: [SUBMIT] }));
    const passed = await passTime(task, deps, { forS: 2_400, sweepAtS, losesUntilS: 1_200 });
    expect(passed).toEqual({ sentS: [30, 90, 210, 450, 930, 1_890], broughtS: [1_890] });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });

  test("so is an auction, and is taken up once the queue is well", async () => {
    const task = await heldAuction();
    const deps = traceDeps(new ScriptedModels({ bids: ONE_BID, steps: [SUBMIT] }));
    const passed = await passTime(task, deps, { forS: 2_400, sweepAtS, losesUntilS: 1_200 });
    const trace = 1_905;
    expect(passed).toEqual({
      sentS: [15, 45, 105, 225, 465, 945, 1_905, trace],
      broughtS: [1_905, trace],
    });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });
});
