/** Which failpoints are killed at. */
import { describe, expect, test } from "vitest";
import { KillPlan } from "../../../bench/chaos/kill-plan.ts";
import { missingPlaces } from "../../../bench/chaos/report.ts";

describe("the plan of kills", () => {
  test("wants the places of a call that committed, and of a mere read none", () => {
    const plan = new KillPlan(1, 3);
    plan.pass("TaskRoom.view.before", true);
    plan.pass("TaskRoom.award.before", true);
    plan.pass("TaskRoom.award.committed", false);
    expect(plan.wanted()).toEqual(["TaskRoom.award.before", "TaskRoom.award.committed"]);
    expect(plan.quiet().map(({ name }) => name)).toEqual(["TaskRoom.view.before"]);
  });

  test("wants a place behind a call where it has sent something, and none behind one that read this time", () => {
    const plan = new KillPlan(1, 3);
    plan.pass("TaskRoom.award.committed", false);
    plan.pass("TaskRoom.award.after", true);
    plan.pass("TaskRoom.stop.committed", false);
    plan.pass("TaskRoom.stop.after", false);
    expect(plan.wanted()).toEqual([
      "TaskRoom.award.committed",
      "TaskRoom.stop.after",
      "TaskRoom.stop.committed",
    ]);
  });

  test("waits for no place behind a call of an object, and for one behind an event of the Worker", () => {
    const plan = new KillPlan(1, 3);
    for (const call of ["TaskRoom.stop", "MarketRoom.alarm[quote-expiry]", "consume[trace]", "send[trace]"])
      plan.pass(`${call}.after`, false);
    expect(plan.wanted()).toHaveLength(4);
    expect(plan.owed()).toEqual(["consume[trace].after", "send[trace].after"]);
    expect(missingPlaces({ places: plan.places(), uncalled: [] }, 3, false)).toHaveLength(2);
  });

  test("kills only where it aims, and each place once in a life", () => {
    const plan = new KillPlan(1, 2);
    expect(plan.pass("send[trace].before", false)).toBe(false);
    plan.aimAtOne();
    expect(plan.pass("send[trace].before", false)).toBe(true);
    expect(plan.pass("send[trace].before", false)).toBe(false);
    plan.rest();
    expect(plan.pass("send[trace].before", false)).toBe(false);
    expect(plan.wanted()).toEqual(["send[trace].before"]);
    plan.aimAtSome();
    expect(plan.pass("send[trace].before", false)).toBe(true);
    expect(plan.wanted()).toEqual([]);
  });

  test("aims at some of what is passed often, so that others get on, and at all that hardly anybody comes to", () => {
    const plan = new KillPlan(1, 3);
    const often = Array.from({ length: 200 }, (_, at) => `send[${at}].before`);
    for (const name of often) for (let times = 0; times < 20; times += 1) plan.pass(name, false);
    plan.pass("TaskRoom.redrive.committed", false);
    plan.aimAtSome();
    expect(plan.pass("TaskRoom.redrive.committed", false)).toBe(true);
    const held = often.filter((name) => plan.pass(name, false));
    expect(held.length).toBeGreaterThan(45);
    expect(held.length).toBeLessThan(55);
    plan.rest();
    plan.aimAtSome();
    expect(often.filter((name) => plan.pass(name, false))).not.toEqual(held);
  });

  test("a sample is wanted whole, though nobody has come to some of it yet", () => {
    const plan = new KillPlan(1, 1, new Set(["TaskRoom.award.committed", "send[trace].after"]));
    plan.pass("TaskRoom.commitTools.committed", false);
    expect(plan.wanted()).toEqual(["TaskRoom.award.committed", "send[trace].after"]);
    plan.aimAtSome();
    expect(plan.pass("TaskRoom.commitTools.committed", false)).toBe(false);
    expect(plan.pass("TaskRoom.award.committed", false)).toBe(true);
    const missing = missingPlaces({ places: plan.places(), uncalled: [] }, 1, true);
    expect(missing).toEqual(["send[trace].after: killed 0 times, passed 0 times"]);
  });

  test("a place that was killed at too seldom, and a call that nobody made, are missing", () => {
    const places = [{ name: "send[trace].after", passed: 5, kills: 2, isOwed: true }];
    const missing = missingPlaces({ places, uncalled: ["TaskRoom.newCall", "MarketRoom.addKey"] }, 3, false);
    expect(missing).toEqual([
      "TaskRoom.newCall: never called",
      "send[trace].after: killed 2 times, passed 5 times",
    ]);
  });
});
