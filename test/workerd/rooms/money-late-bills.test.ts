/** What a late bill gives back is nobody's until a budget takes it again. */
import { describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { SpentCall } from "../../../src/market/report.ts";
import { USAGE } from "../../support/scripted-models.ts";
import { CHEAP, config, openMarket, useStoppedClock } from "./market-day.ts";
import { accountOf, booksOf, limited, plannedMicros } from "./money-day.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
const clock = useStoppedClock();

describe("a bill that comes late", () => {
  const bound = 100_000;
  const told = (fields: Partial<SpentCall>): SpentCall => ({
    callId: newId("cal", config.source),
    kind: "trace",
    agentId: CHEAP,
    attempt: 1,
    status: "unconfirmed",
    micros: asMicros(bound),
    boundMicros: asMicros(bound),
    payer: "tenant",
    usage: null,
    endedAtMs: Date.now(),
    ...fields,
  });

  test("on another day does not let that day's budget be passed", async () => {
    const planned = await plannedMicros();
    const day = await openMarket({ budget: limited({ dayMicros: planned + bound }) });
    const first = await day.admit({ policy: `always:${CHEAP}` });
    expect((await day.market.allow(first.taskId, asMicros(bound))).ok).toBe(true);
    const call = told({});
    await day.market.spent(first.taskId, [call]);
    clock.pass(DAY_MS);
    const second = await day.admit({ policy: `always:${CHEAP}` });
    const dayMicros = planned + bound;
    expect((await day.market.allow(second.taskId, asMicros(dayMicros))).ok).toBe(true);
    await day.market.spent(first.taskId, [{ ...call, status: "billed", micros: asMicros(45), usage: USAGE }]);
    // Both tasks spend whatever they have, today.
    for (const { taskId } of [first, second]) {
      const { heldMicros } = await accountOf(day, taskId);
      await day.market.spent(taskId, [
        told({ micros: asMicros(heldMicros), boundMicros: asMicros(heldMicros), endedAtMs: Date.now() }),
      ]);
    }
    const budget = (await day.market.readBooks({ kind: "budget" })) as {
      spending: { chargedMicros: { day: number } };
    };
    expect(budget.spending.chargedMicros.day).toBeLessThanOrEqual(dayMicros);
  });

  test("after the end of its task leaves nothing held", async () => {
    const day = await openMarket();
    const { taskId } = await day.admit();
    const call = told({ attempt: 0, kind: "jury" });
    await day.market.spent(taskId, [call]);
    await day.market.ended({ taskId, attempt: 0, end: { state: "cancelled" }, verdict: null, trace: null });
    expect((await booksOf(day)).balances.held).toBe(0);
    await day.market.spent(taskId, [{ ...call, status: "billed", micros: asMicros(45), usage: USAGE }]);
    expect(await accountOf(day, taskId)).toMatchObject({ heldMicros: 0, chargedMicros: 45 });
  });
});
