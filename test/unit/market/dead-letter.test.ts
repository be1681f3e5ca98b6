import { describe, expect, test } from "vitest";
import { burialOf, failureOfError, letterOf, MAX_FAILURES } from "../../../src/market/dead-letter.ts";
import {
  acquireLease,
  failLease,
  FIRST_LEASE,
  holdsLease,
  isAbout,
  lapseLease,
  moveOn,
  remindLease,
  renewLease,
  type Lease,
} from "../../../src/market/lease.ts";
import { deadDelayS, WORK_DELIVERIES, workDelayS } from "../../../src/market/queue-retry.ts";

const POISON = failureOfError(new TypeError("x is not a function"));
const PASSING = failureOfError(new Error("Network connection lost."));

function held(lease: Lease, announced: number): Lease {
  const taken = acquireLease(lease, announced, 1_000);
  if (!taken.ok) throw new Error(taken.failure.reason);
  return taken.value;
}

const failed = (lease: Lease, announced: number, failure = POISON) =>
  failLease(held(lease, announced), { announced, failure, nowMs: 5 });

describe("work that fails in a holder's hands", () => {
  test("waits for the same message, under a generation that its holder does not have", () => {
    const lease = failed(FIRST_LEASE, 1);
    expect(lease).toMatchObject({ generation: 2, heldUntilMs: null, lapses: 0 });
    expect(holdsLease(held(lease, 1), 1)).toBe(false);
    expect(holdsLease(held(lease, 1), 2)).toBe(true);
    expect(isAbout(lease, 1)).toBe(true);
  });

  test("is announced again under its own generation, and the first message that comes takes it alone", () => {
    const lease = remindLease(failed(FIRST_LEASE, 1));
    const taken = held(lease, 2);
    expect(acquireLease(taken, 1, 9)).toEqual({ ok: false, failure: { reason: "busy" } });
    // What that one's message was sent for is what may come again.
    const again = failLease(taken, { announced: 2, failure: POISON, nowMs: 9 });
    expect(acquireLease(again, 1, 9)).toEqual({ ok: false, failure: { reason: "stale" } });
    expect(acquireLease(again, 2, 9).ok).toBe(true);
  });

  test("is no more its message's once a holder was lost", () => {
    const lapsed = lapseLease(held(failed(FIRST_LEASE, 1), 1), 1_000);
    expect(lapsed).toMatchObject({ generation: 3, lapses: 1, failed: { times: 1, again: null } });
    expect(isAbout(lapsed ?? FIRST_LEASE, 1)).toBe(false);
  });

  test("forgets its failures with progress, and with nothing else", () => {
    const taken = held(failed(FIRST_LEASE, 1), 1);
    expect(renewLease(taken, 9, false).failed?.times).toBe(1);
    expect(renewLease(taken, 9, true).failed).toBeUndefined();
  });
});

describe("a dead letter", () => {
  const failing = (times: number, failure = POISON) => {
    let lease: Lease = FIRST_LEASE;
    for (let time = 0; time < times; time += 1) lease = failed(lease, 1, failure);
    return lease;
  };

  test("gives up what failed often enough in a row, and nothing less", () => {
    expect(burialOf(failing(MAX_FAILURES), true)).toBe("given_up");
    expect(burialOf(failing(MAX_FAILURES - 1), true)).toBe("again");
  });

  test("of rooms that could not be reached gives nothing up", () => {
    expect(burialOf(FIRST_LEASE, true)).toBe("again");
    expect(burialOf(failing(WORK_DELIVERIES, PASSING), true)).toBe("again");
  });

  test("says nothing of work that moved on, or that somebody is at", () => {
    expect(burialOf(failing(MAX_FAILURES), false)).toBe("stale");
    expect(burialOf(held(failing(MAX_FAILURES), 1), true)).toBe("stale");
  });

  test("keeps counts and the error's class", () => {
    const lease = moveOn(failing(3));
    const of = { work: "trace", kind: "dead_letter", attempt: 2, nowMs: 7 } as const;
    expect(letterOf(lease, of)).toEqual({
      work: "trace",
      kind: "dead_letter",
      attempt: 2,
      generation: 5,
      tries: 3,
      lapses: 1,
      errorClass: "TypeError",
      error: "x is not a function",
      sinceMs: 5,
    });
    expect(letterOf(FIRST_LEASE, of)).toMatchObject({ tries: 0, errorClass: null, error: null, sinceMs: 7 });
  });
});

describe("what is told of an error", () => {
  test.each([
    [`Unexpected token 's', "secret pro"... is not valid JSON`, "Unexpected token …"],
    ["no such thing: `my prompt`", "no such thing: …"],
    ["it’s ‘quoted’", "it’s …"],
    ["step 5 does not follow: 3 is due", "step 5 does not follow: 3 is due"],
    ["x".repeat(500), "x".repeat(200)],
  ])("%s", (message, told) => {
    expect(failureOfError(new Error(message)).message).toBe(told);
  });

  test("is nothing of what is no error", () => {
    const failure = failureOfError("the prompt");
    expect(JSON.stringify(failure)).not.toContain("prompt");
    expect(failure).toMatchObject({ errorClass: "string", passing: false });
  });

  test("is that it passes, where the platform says so or restarts an object", () => {
    expect(failureOfError(Object.assign(new Error("x"), { retryable: true })).passing).toBe(true);
    expect(failureOfError(Object.assign(new Error("x"), { overloaded: true })).passing).toBe(true);
    expect(PASSING.passing).toBe(true);
    expect(failureOfError(Object.assign(new Error("x"), { remote: true })).passing).toBe(false);
  });
});

test("work comes again over five minutes, a dead letter for as long as a queue keeps it", () => {
  const delays = Array.from({ length: WORK_DELIVERIES - 1 }, (_, at) => workDelayS(at + 1, 2));
  expect(delays).toEqual([2, 10, 50, 250]);
  expect([1, 2, 7, 8, 100].map(deadDelayS)).toEqual([30, 60, 1_920, 3_600, 3_600]);
});
