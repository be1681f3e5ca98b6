/** Where nobody else is to try: what a verifier did not fail, what is over, and what nobody asked to be escalated. */
import { describe, expect, test } from "vitest";
import { receiptSchema } from "../../../src/market/receipt-schema.ts";
import { DEAR, openMarket, useStoppedClock } from "./market-day.ts";
import { attempt, awardedTo, receiptOf, sold, verdictOf, VERIFIED, VERIFIER } from "./escalation-day.ts";
import { booksOf } from "./money-day.ts";
import { openQuote } from "./quote-day.ts";

const clock = useStoppedClock();

describe("a task is not escalated", () => {
  test.each(["unknown", "pass"] as const)("where its verifier says %s", async (outcome) => {
    const day = await openMarket();
    const task = await sold(day);
    await attempt(day, task, { attempt: 1, result: "41", verify: verdictOf({ outcome }) });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome, attempts: 1 });
  });

  test("where its attempt fails by itself", async () => {
    const day = await openMarket();
    const { room } = await sold(day);
    expect((await room.takeTrace(1, 1)).ok).toBe(true);
    await room.endTrace(1, null, "step_limit");
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "step_limit", attempts: 1 });
  });

  test.each([[{ mode: "none" } as const], [null]])(
    "where neither it nor its tenant asks (%#)",
    async (escalation) => {
      const day = await openMarket();
      const task = await sold(day, { escalation });
      await attempt(day, task, { attempt: 1, result: "41" });
      expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "fail", attempts: 1 });
      expect(await receiptOf(task.room)).not.toHaveProperty("escalations");
    },
  );

  test("where its policy holds no auction: there is no other bid", async () => {
    const day = await openMarket();
    const task = await sold(day, { policy: "cheapest" });
    await attempt(day, task, { attempt: 1, result: "41" });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "fail", attempts: 1 });
  });

  test("where its room is of a version that cannot go on: its report does not say that it may", async () => {
    const day = await openMarket();
    const { taskId, room } = await sold(day);
    const report = {
      taskId,
      attempt: 1,
      end: { state: "finished", outcome: "fail" },
      verdict: { outcome: "fail", verifier: "equals", evidence: "" },
      trace: null,
    } as const;
    expect(await day.market.ended(report)).toEqual(report.end);
    expect((await room.view())?.attempts).toBe(1);
  });

  test("where it was cancelled before its verdict came", async () => {
    const day = await openMarket();
    const task = await sold(day);
    await attempt(day, task, {
      attempt: 1,
      result: "41",
      verify: async (desk, result, signal) => {
        await day.market.cancel(task.taskId);
        return verdictOf({ outcome: "fail" })(desk, result, signal);
      },
    });
    expect(await task.room.view()).toMatchObject({ state: "cancelled", outcome: null, attempts: 1 });
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("once its deadline has passed", async () => {
    const day = await openMarket();
    const task = await sold(day, { limits: { deadlineS: 60 } });
    await attempt(day, task, {
      attempt: 1,
      result: "41",
      verify: async (desk, result, signal) => {
        clock.pass(60_000);
        return verdictOf({ outcome: "fail" })(desk, result, signal);
      },
    });
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "fail", attempts: 1 });
  });
});

describe("the tenant's escalation", () => {
  test("holds for tasks that say nothing of it, from the next auction on", async () => {
    const day = await openMarket();
    const before = await sold(day, { escalation: null });
    const changed = await day.market.changePolicy({
      by: null,
      ifVersion: null,
      change: { escalation: VERIFIED },
    });
    expect(changed.ok && changed.value.standing?.document.escalation).toEqual(VERIFIED);
    const after = await sold(day, { escalation: null });
    const own = await sold(day, { escalation: { mode: "none" } });
    for (const task of [before, after, own]) await attempt(day, task, { attempt: 1, result: "41" });
    await awardedTo(after.room, 2);
    expect(await before.room.view()).toMatchObject({ state: "finished", attempts: 1 });
    expect(await own.room.view()).toMatchObject({ state: "finished", attempts: 1 });
    expect(receiptSchema.parse(await after.room.receipt()).policy.escalation).toEqual(VERIFIED);
    expect(receiptSchema.parse(await own.room.receipt()).policy).not.toHaveProperty("escalation");
    expect((await day.market.policyVersion(2))?.changes).toEqual([
      { field: "escalation", before: { mode: "none" }, after: VERIFIED },
    ]);
    // Frozen when the auction opened: taken back, it still holds for the open task.
    await day.market.changePolicy({ by: null, ifVersion: null, change: { escalation: { mode: "none" } } });
    await attempt(day, after, { attempt: 2, result: "41" });
    await awardedTo(after.room, 3);
  });

  test("of a task is part of no name: one that looks like it stays unknown", async () => {
    const day = await openMarket();
    await sold(day, { policy: "sale" });
    for (const policy of ["sale 3", "3 sale", "its tenant's sale"])
      await expect(day.admit({ policy })).rejects.toThrow("unknown_policy");
  });

  test("is not of quotes: who accepts a bid has chosen it", async () => {
    const day = await openMarket();
    await day.market.changePolicy({ by: null, ifVersion: null, change: { escalation: VERIFIED } });
    const quote = await openQuote(day, { verifier: VERIFIER });
    expect((await quote.accept(DEAR)).ok).toBe(true);
    expect(receiptSchema.parse(await quote.room.receipt()).policy).not.toHaveProperty("escalation");
    await attempt(day, quote, { attempt: 1, result: "41" });
    expect(await quote.room.view()).toMatchObject({ state: "finished", outcome: "fail", attempts: 1 });
  });
});
