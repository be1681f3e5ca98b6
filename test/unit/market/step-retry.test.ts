/** Which failed calls of a step are followed by another one, and how long after. */
import { describe, expect, test } from "vitest";
import type { CallFailureReason } from "../../../src/market/call.ts";
import { retryAfterMs } from "../../../src/market/step-retry.ts";

/** Of a third step, with an hour left. */
const OF = {
  step: 3,
  wrapsUp: false,
  failed: 1,
  refused: 0,
  chance: 0,
  hasSuccessor: false,
  leftMs: 3_600_000,
} as const;

/** How many calls a step takes whose every call fails like this. */
function callsOf(failure: { readonly reason: CallFailureReason; readonly mayPass?: boolean }): number {
  let calls = 1;
  const counted = () => (failure.reason === "context_refused" ? { refused: calls } : { failed: calls });
  while (typeof retryAfterMs(failure, { ...OF, ...counted() }) === "number") calls += 1;
  return calls;
}

describe("a step whose every call fails", () => {
  test.each<[CallFailureReason, boolean, number]>([
    ["rate_limited", false, 3],
    // Made shorter each time; as long as it was it would be refused again.
    ["context_refused", true, 3],
    ["context_refused", false, 1],
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
    const of = { ...OF, failed: 2 };
    expect(retryAfterMs({ reason: "rate_limited" }, of)).not.toBeNull();
    expect(retryAfterMs({ reason: "timeout" }, of)).toBeNull();
  });

  test("waits longer each time, and not always the same", () => {
    const wait = (failed: number, chance: number) =>
      retryAfterMs({ reason: "unreachable" }, { ...OF, failed, chance });
    expect([wait(1, 0), wait(1, 1), wait(2, 0), wait(2, 1)]).toEqual([500, 1_000, 2_000, 4_000]);
  });

  test("waits as long as was asked, and no longer than a minute", () => {
    const wait = (askedMs: number) => retryAfterMs({ reason: "circuit_open", retryAfterMs: askedMs }, OF);
    expect([wait(1), wait(9_000), wait(900_000)]).toEqual([500, 9_000, 60_000]);
  });

  const late = (of: Partial<Parameters<typeof retryAfterMs>[1]>) =>
    retryAfterMs({ reason: "rate_limited", retryAfterMs: 9_000 }, { ...OF, ...of });

  test("does not wait until the wrap-up must have begun: that is begun at once", () => {
    expect([9_001, 9_000, -1].map((leftMs) => late({ leftMs }))).toEqual([9_000, "deadline", "deadline"]);
  });

  test("waits in its wrap-up, and not past the task's deadline", () => {
    const waits = [9_001, 9_000, -1].map((leftMs) => late({ leftMs, wrapsUp: true }));
    expect(waits).toEqual([9_000, null, null]);
  });

  test("is left to another agent where the provider says that it will answer too late", () => {
    expect(late({ leftMs: 9_000, hasSuccessor: true })).toBeNull();
    const asks = (of: Partial<Parameters<typeof retryAfterMs>[1]>) =>
      retryAfterMs({ reason: "rate_limited", retryAfterMs: 300_000 }, { ...OF, leftMs: 200_000, ...of });
    // Also where the longest wait would end in time.
    expect(asks({ hasSuccessor: true })).toBeNull();
    expect([asks({}), asks({ wrapsUp: true, hasSuccessor: true })]).toEqual([60_000, 60_000]);
    // A moment that nobody asked for is no such word, however late it is.
    for (const leftMs of [400, 0, -19])
      expect(retryAfterMs({ reason: "unreachable" }, { ...OF, leftMs, hasSuccessor: true })).toBe("deadline");
  });
});

describe("a step whose call was refused as too long", () => {
  const next = (mayPass: boolean, of: Partial<Parameters<typeof retryAfterMs>[1]> = {}) =>
    retryAfterMs({ reason: "context_refused", mayPass }, { ...OF, ...of });

  test("is asked for again at once with less, though little time is left", () => {
    expect([next(true, { refused: 1 }), next(true, { refused: 2, leftMs: 1 })]).toEqual([0, 0]);
  });

  test("is so whatever else its calls failed of, and those may fail as often as ever", () => {
    expect(next(true, { failed: 9, refused: 1 })).toBe(0);
    expect(next(true, { failed: 9, refused: 3 })).toBe("context_limit");
    expect(retryAfterMs({ reason: "timeout" }, { ...OF, failed: 1, refused: 2 })).toBe(500);
  });

  test("is the wrap-up where there is no less: and where that was refused, or nothing is done yet, nothing follows", () => {
    expect(next(false)).toBe("context_limit");
    expect([next(false, { wrapsUp: true }), next(false, { step: 1 })]).toEqual([null, null]);
  });
});

test("a wrap-up is waited for within what is left, whoever could follow: its end is handed on to nobody", () => {
  const wait = (of: Partial<Parameters<typeof retryAfterMs>[1]>, askedMs = 9_000) =>
    retryAfterMs(
      { reason: "circuit_open", retryAfterMs: askedMs },
      { ...OF, wrapsUp: true, hasSuccessor: true, ...of },
    );
  expect([wait({}), wait({}, 30_000), wait({ failed: 2 })]).toEqual([9_000, 30_000, 9_000]);
  expect([wait({ leftMs: 9_001 }), wait({ leftMs: 9_000 }), wait({ failed: 3 })]).toEqual([
    9_000,
    null,
    null,
  ]);
});

describe("a model that is left alone", () => {
  const next = (askedMs: number, of: Partial<Parameters<typeof retryAfterMs>[1]> = {}, mayPass = false) =>
    retryAfterMs(
      { reason: "circuit_open", retryAfterMs: askedMs, mayPass },
      { ...OF, hasSuccessor: true, ...of },
    );

  test("is waited for as long as its first pause, and no longer where somebody could follow", () => {
    expect([next(9_000), next(10_000), next(10_001)]).toEqual([9_000, 10_000, null]);
    expect(next(20_000, { hasSuccessor: false })).toBe(20_000);
  });

  test("is waited for no longer while a call tries it, which may end any time", () => {
    expect([next(30_000, {}, true), next(4_000, {}, true)]).toEqual([10_000, 4_000]);
    expect(next(30_000, { hasSuccessor: false }, true)).toBe(30_000);
    expect(next(30_000, { leftMs: 20_000 }, true)).toBe(10_000);
  });

  test("is asked for three times, whoever could follow", () => {
    for (const hasSuccessor of [true, false]) {
      const waits = [1, 2, 3].map((failed) => next(9_000, { failed, hasSuccessor }));
      expect(waits).toEqual([9_000, 9_000, null]);
    }
  });

  test("is left to another agent where the pause reaches into the wrap-up's time", () => {
    expect([next(9_000, { leftMs: 9_001 }), next(9_000, { leftMs: 9_000 })]).toEqual([9_000, null]);
  });
});
