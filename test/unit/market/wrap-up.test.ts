/** When a trace may begin nothing but its wrap-up. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { workUntilMs, wrapUpFromMs } from "../../../src/market/wrap-up.ts";

describe("of a trace's time", () => {
  test("twice its longest call is left for the wrap-up and what comes before it", () => {
    const times = { awardedAtMs: 0, deadlineAtMs: 600_000, longestCallMs: 40_000 };
    expect([wrapUpFromMs(times), workUntilMs(times)]).toEqual([520_000, 560_000]);
  });

  test("five seconds stand for a call before there was one", () => {
    const times = { awardedAtMs: 0, deadlineAtMs: 600_000, longestCallMs: 0 };
    expect([wrapUpFromMs(times), workUntilMs(times)]).toEqual([590_000, 595_000]);
  });

  test("never more than a fifth is kept back before there was a call, however short the time", () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.integer({ min: 1, max: 86_400_000 }), (awardedAtMs, ms) => {
        const times = { awardedAtMs, deadlineAtMs: awardedAtMs + ms, longestCallMs: 0 };
        expect(wrapUpFromMs(times)).toBeGreaterThanOrEqual(awardedAtMs + 0.8 * ms - 1e-6);
        expect(workUntilMs(times)).toBeGreaterThan(wrapUpFromMs(times));
        expect(workUntilMs(times)).toBeLessThan(times.deadlineAtMs);
      }),
    );
  });
});
