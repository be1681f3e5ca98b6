/** A checker that tells every outcome of a task under one Idempotency-Key. */
import { expect, test } from "vitest";
import { attempt, awardedTo } from "./escalation-day.ts";
import { openMarket, useStoppedClock } from "./market-day.ts";
import { anOutcome, checkedTask, ScriptedChecker } from "./waiting-day.ts";

useStoppedClock();

const ACCEPTED = { kind: "accepted" } as const;

test("a checker's Idempotency-Key is of one attempt, as its token is", async () => {
  const day = await openMarket();
  const first = new ScriptedChecker(ACCEPTED);
  const escalation = { mode: "verified", maxAttempts: 2 } as const;
  const task = await checkedTask(day, first, { escalation });
  const request = { keyHash: "cd".repeat(32), bodyHash: "ef".repeat(32) };
  const tokenHash = await first.tokenHash(1);
  const red = anOutcome({ outcome: "fail", evidence: "red", request, tokenHash });
  expect(await task.room.tellOutcome(red)).toMatchObject({ ok: true, value: { attempt: 1 } });
  await awardedTo(task.room, 2);
  const second = new ScriptedChecker(ACCEPTED);
  await attempt(day, task, { attempt: 2, result: "42", check: second.check });
  const again = { ...red, evidence: "red again", tokenHash: await second.tokenHash(1) };
  expect(await task.room.tellOutcome(again)).toEqual({
    ok: true,
    value: { attempt: 2, outcome: "fail", evidence: "red again", replayed: false },
  });
  expect((await task.room.view())?.state).toBe("finished");
  expect(await task.room.tellOutcome(red)).toMatchObject({ ok: true, value: { attempt: 1, replayed: true } });
});
