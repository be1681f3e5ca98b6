/** An award that does not reach its task's room before the task's time is over. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { TaskRoom } from "../../../src/index.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { auctionDeps, config, ONE_BID, openMarket, useStoppedClock } from "./market-day.ts";
import { accountOf, booksOf } from "./money-day.ts";

const clock = useStoppedClock();

test("the task ends without an attempt, in its own room and in its market room", async () => {
  const day = await openMarket();
  const { room, taskId, holder } = await day.admit({ limits: { deadlineS: 30 } });
  const lost = vi.spyOn(TaskRoom.prototype, "award").mockRejectedValue(new Error("the room restarts"));
  await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), holder);
  expect(lost).toHaveBeenCalled();
  const held = async () => (await day.market.heldTasks()).find((row) => row.taskId === taskId);
  expect(await held()).toMatchObject({ state: "awarded", attempts: 1 });
  for (let ring = 0; ring < 3; ring += 1) {
    clock.pass(config.leaseMs + 30_001);
    await runDurableObjectAlarm(room);
  }
  const ended = { state: "failed", failureReason: "deadline", attempts: 0, agentId: null };
  expect(await room.view()).toMatchObject(ended);
  expect(await held()).toMatchObject(ended);
  // Nor does it change when it comes after all.
  lost.mockRestore();
  for (let ring = 0; ring < 3; ring += 1) {
    clock.pass(61_000);
    await day.ringMarket();
  }
  expect(await room.view()).toMatchObject(ended);
  expect((await accountOf(day, taskId)).calls.every(({ kind }) => kind !== "trace")).toBe(true);
  expect((await booksOf(day)).balances.held).toBe(0);
});
