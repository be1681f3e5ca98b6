/** A trace that was taken over, given up and redriven: it stays one line, and everybody's steps stay whose they are. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { expect, test } from "vitest";
import { awardedTo, journalOf, receiptOf, ringAll, sold } from "./escalation-day.ts";
import { CHEAP, DEAR, MIDDLE, openMarket, useStoppedClock } from "./market-day.ts";
import { leaveAfter, LOOK, slice } from "./takeover-day.ts";
import { leaseOf, stuckId } from "./stuck-day.ts";
import { booksOf } from "./money-day.ts";

const clock = useStoppedClock();

test("the agent that took over goes on with its own steps as they were, and with others' as others'", async () => {
  const day = await openMarket();
  const task = await sold(day, { escalation: null });
  const { room } = task;
  await leaveAfter(day, task, { attempt: 1, steps: 1 });
  await awardedTo(room, 2);
  await leaveAfter(day, task, { attempt: 2, steps: 2 });
  await awardedTo(room, 3);
  // One step of its own, and then its holders die.
  const slow = async () => clock.pass(26_000);
  await slice(day, task, { attempt: 3, steps: [LOOK, LOOK, LOOK, { fails: "unreachable" }], sleep: slow });
  for (let deaths = 0; deaths < 6; deaths += 1) {
    await room.takeTrace(3, (await leaseOf({ day, ...task })).generation);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
  }
  await ringAll(day, room);
  expect(await room.view()).toMatchObject({ state: "failed", failureReason: "trace_abandoned", attempts: 3 });

  expect((await day.market.redriveStuck(await stuckId({ day, ...task }))).ok).toBe(true);
  await ringAll(day, room);
  const { generation } = await leaseOf({ day, ...task });
  const taken = await room.takeTrace(4, generation);
  expect(taken.ok && taken.value.agent.id).toBe(CHEAP);
  expect(taken.ok && taken.value.steps.map(({ step, writtenBy }) => [step, writtenBy ?? CHEAP])).toEqual([
    [1, DEAR],
    [2, MIDDLE],
    [3, CHEAP],
  ]);
  // Its first deadline has nothing to say any more.
  expect(taken.ok && taken.value.deadlineAtMs).toBeGreaterThan(Date.now());
  await room.handOver(generation);
  const next = generation + 1;
  await slice(day, task, { attempt: 4, generation: next, steps: [LOOK, LOOK, LOOK, { text: "42" }] });
  expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", attempts: 4, steps: 4 });
  const steps = (await journalOf(room)).flatMap((event) =>
    event.type === "step-committed" ? [event.step] : [],
  );
  expect(steps).toEqual([1, 2, 3, 4]);
  expect(await receiptOf(room)).toMatchObject({
    escalations: [
      { agentId: MIDDLE, takesOver: true },
      { agentId: CHEAP, takesOver: true },
    ],
  });
  expect((await booksOf(day)).balances.held).toBe(0);
});
