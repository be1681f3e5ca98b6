/** Nothing is held for calls that will not be started: of a holder that has lost its work, or is to stop. */
import { describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { aCommit } from "../../support/builders.ts";
import { CHEAP, config, openMarket, useStoppedClock } from "./market-day.ts";
import { accountOf, awardedTask, limited } from "./money-day.ts";

useStoppedClock();

const aCall = (kind: "jury" | "trace", micros: number) =>
  ({ callId: newId("cal", config.source), kind, agentId: CHEAP, boundMicros: asMicros(micros) }) as const;

describe("a holder that has lost its work", () => {
  test("has nothing more held for the trace", async () => {
    const day = await openMarket();
    const { taskId, room } = await awardedTask(day);
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    const { heldMicros } = await accountOf(day, taskId);
    expect(await room.startTraceCall(2, aCall("trace", 10_000_000))).toBe("lost");
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros });
  });

  test("has nothing more held for the auction", async () => {
    const day = await openMarket();
    const { taskId, room, holder } = await day.admit();
    if (holder.opening === undefined) throw new Error("not given");
    await room.beginAuction(1, { opening: holder.opening, started: [] });
    const { heldMicros } = await accountOf(day, taskId);
    const commit = aCommit({ started: [aCall("jury", 10_000_000)] });
    expect(await room.commitAuction(2, commit)).toBe("lost");
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros });
  });

  test("or is to stop has nothing more held either", async () => {
    const day = await openMarket();
    const { taskId, room } = await awardedTask(day);
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    await day.market.cancel(taskId);
    const { heldMicros } = await accountOf(day, taskId);
    expect(await room.startTraceCall(1, aCall("trace", 10_000_000))).toBe("stop");
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros });
  });
});

describe("a trace that needs more", () => {
  test("is not given ahead of need what another task lacks", async () => {
    const more = 50_000;
    const day = await openMarket();
    const policy = `always:${CHEAP}`;
    const tasks = [await day.admit({ policy }), await day.admit({ policy })];
    await day.market.setBudget(limited({ totalMicros: 4 * more }));
    for (const { taskId } of tasks) {
      expect(await day.market.allow(taskId, asMicros(more))).toMatchObject({ ok: true });
    }
  });

  test("is given more than it asks for where there is plenty", async () => {
    const more = 50_000;
    const day = await openMarket();
    const { taskId } = await day.admit({ policy: `always:${CHEAP}` });
    await day.market.setBudget(limited({ totalMicros: 100 * more }));
    const allowed = await day.market.allow(taskId, asMicros(more));
    expect(allowed.ok && allowed.value).toBeGreaterThan(more);
  });
});
