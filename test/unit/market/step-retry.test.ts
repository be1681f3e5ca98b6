/** Which failed calls of a step are followed by another one, and how long after. */
import { describe, expect, test } from "vitest";
import type { CallFailureReason } from "../../../src/market/call.ts";
import { retryAfterMs } from "../../../src/market/step-retry.ts";

/** How many calls a step takes whose every call fails like this. */
function callsOf(failure: { readonly reason: CallFailureReason; readonly mayPass?: boolean }): number {
  let failed = 1;
  while (retryAfterMs(failure, { failed, chance: 0, hasSuccessor: false, leftMs: 3_600_000 }) !== null)
    failed += 1;
  return failed;
}

describe("a step whose every call fails", () => {
  test.each<[CallFailureReason, boolean, number]>([
    ["rate_limited", false, 3],
    ["unreachable", false, 3],
    ["provider_error", true, 3],
    // Its answer to this very request: another one would be the same.
    ["provider_error", false, 1],
    // Its bound stays counted each time.
    ["timeout", false, 2],
    ["empty", false, 2],
    ["malformed", false, 2],
    ["misconfigured", true, 1],
    ["too_long", true, 1],
    ["cancelled", true, 1],
    ["unaffordable", true, 1],
  ])("by %s (may pass: %s) takes %i calls", (reason, mayPass, calls) => {
    expect(callsOf({ reason, mayPass })).toBe(calls);
  });

  test("by one thing after the other takes no more calls than the latest allows", () => {
    const of = { failed: 2, chance: 0, hasSuccessor: false, leftMs: 3_600_000 };
    expect(retryAfterMs({ reason: "rate_limited" }, of)).not.toBeNull();
    expect(retryAfterMs({ reason: "timeout" }, of)).toBeNull();
  });

  test("waits longer each time, and not always the same", () => {
    const wait = (failed: number, chance: number) =>
      retryAfterMs({ reason: "unreachable" }, { failed, chance, hasSuccessor: false, leftMs: 3_600_000 });
    expect([wait(1, 0), wait(1, 1), wait(2, 0), wait(2, 1)]).toEqual([500, 1_000, 2_000, 4_000]);
  });

  test("waits as long as was asked, and no longer than a minute", () => {
    const wait = (askedMs: number) =>
      retryAfterMs(
        { reason: "circuit_open", retryAfterMs: askedMs },
        { failed: 1, chance: 0, hasSuccessor: false, leftMs: 3_600_000 },
      );
    expect([wait(1), wait(9_000), wait(900_000)]).toEqual([500, 9_000, 60_000]);
  });

  test("does not wait past the task's deadline", () => {
    const wait = (leftMs: number) =>
      retryAfterMs(
        { reason: "rate_limited", retryAfterMs: 9_000 },
        { failed: 1, chance: 0, hasSuccessor: false, leftMs },
      );
    expect([wait(9_001), wait(9_000), wait(-1)]).toEqual([9_000, null, null]);
  });
});

test("a model that is left alone is waited for by nobody who could be followed", () => {
  const failure = { reason: "circuit_open", retryAfterMs: 9_000 } as const;
  expect(retryAfterMs(failure, { failed: 1, chance: 0, hasSuccessor: true, leftMs: 3_600_000 })).toBeNull();
  expect(callsOf(failure)).toBe(3);
  // What may pass in a moment is tried again first, whoever could follow.
  expect(
    retryAfterMs({ reason: "rate_limited" }, { failed: 1, chance: 0, hasSuccessor: true, leftMs: 3_600_000 }),
  ).not.toBeNull();
});
