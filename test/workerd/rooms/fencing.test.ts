/** A holder that was given up is late: whatever it still sends is refused, and its work is not charged to the tenant. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
// oxlint-disable-next-line import/default -- the file as text
import marketApi from "../../../src/tenancy/market-room-api.ts?raw";
import { failureOfError } from "../../../src/market/dead-letter.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
// oxlint-disable-next-line import/default -- the file as text
import taskApi from "../../../src/taskroom/task-room-api.ts?raw";
import { aCommit } from "../../support/builders.ts";
import { BOUND, USAGE } from "../../support/scripted-models.ts";
import {
  admitOnly,
  awardedTask,
  CHEAP,
  config,
  DEAR,
  openMarket,
  useStoppedClock,
  type TaskStub,
} from "./market-day.ts";
import { accountOf } from "./money-day.ts";
import { held, type StuckTask } from "./stuck-day.ts";

const clock = useStoppedClock();

const LATE = 1;
const failure = failureOfError(new Error("late"));
const failed = { announced: LATE, failure, retryInMs: 0 };
const verdict = { outcome: "pass", verifier: "equals", evidence: "" } as const;
const billed = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;

const LOST = { ok: false, failure: { answer: "lost" } };
const RULING = {
  agentId: DEAR,
  costMicros: asMicros(45),
  ms: 1,
  status: "ruled",
  verdict: "pass",
  reason: "late",
} as const;

type Late = (room: TaskStub, callId: ReturnType<typeof newId<"cal">>) => Promise<unknown>;

const answered = (text: string) => ({
  step: 1,
  text,
  toolCalls: [],
  assistant: null,
  usage: USAGE,
  costMicros: asMicros(45),
});

/** By method, what a late holder of a trace sends with it, and what it is told. */
const TRACE: Readonly<Record<string, readonly [late: Late, told: unknown]>> = {
  renewTrace: [(room) => room.renewTrace(LATE), "lost"],
  startTraceCall: [
    (room) =>
      room.startTraceCall(LATE, {
        callId: newId("cal", config.source),
        kind: "trace",
        agentId: CHEAP,
        boundMicros: BOUND,
      }),
    "lost",
  ],
  commitAnswer: [
    (room, callId) => room.commitAnswer(LATE, { callId, bill: billed, ms: 1 }, answered("late"), "late"),
    "lost",
  ],
  failTraceCall: [
    (room, callId) =>
      room.failTraceCall(LATE, { callId, bill: billed, ms: 1 }, { reason: "timeout", message: "late" }),
    null,
  ],
  commitTools: [(room) => room.commitTools(LATE, 1, []), "lost"],
  commitVerdict: [(room) => room.commitVerdict(LATE, verdict), undefined],
  waitForUser: [(room) => room.waitForUser(LATE), undefined],
  openPanel: [(room) => room.openPanel(LATE), LOST],
  commitRuling: [(room, callId) => room.commitRuling(LATE, { callId, bill: billed, ms: 1 }, RULING), "lost"],
  beginCheck: [(room) => room.beginCheck(LATE, "hash"), LOST],
  commitCheck: [
    (room) => room.commitCheck(LATE, { kind: "decided", outcome: "pass", evidence: "" }),
    undefined,
  ],
  tellText: [(room) => room.tellText(LATE, { step: 1, offset: 0, text: "late" }), "lost"],
  useFiles: [
    (room) => room.useFiles(LATE, { kind: "write", path: "late.md", text: "late" }),
    { ok: false, failure: { reason: "lost" } },
  ],
  handOver: [(room) => room.handOver(LATE), undefined],
  endTrace: [
    (room, callId) => room.endTrace(LATE, { callId, bill: billed, ms: 1 }, "agent_failed"),
    undefined,
  ],
  failTrace: [(room) => room.failTrace(LATE, failed), undefined],
};

/** The same of an auction. */
const AUCTION: Readonly<Record<string, (room: TaskStub) => Promise<unknown>>> = {
  beginAuction: (room) => room.beginAuction(LATE, null),
  commitAuction: (room) => room.commitAuction(LATE, aCommit({})),
  endAuction: (room) => room.endAuction(LATE, "no_bids"),
};

const fenced = (source: string, parameters: RegExp) =>
  [...source.matchAll(parameters)].map((match) => match[1] ?? "");

test("every call of a task's room that takes a generation stands here", () => {
  const known = [...Object.keys(TRACE), ...Object.keys(AUCTION)].toSorted();
  expect(fenced(taskApi, /^ {2}(\w+)\(\s*generation: number/gm).toSorted()).toEqual(known);
  expect(fenced(taskApi, /^ {2}(\w+)\([^)]*announced: number/gm)).toEqual(["takeTrace", "buryTrace"]);
  expect(fenced(marketApi, /^ {2}(\w+)\([^)]*(?:generation|announced): number/gm)).toEqual([
    "takeAuction",
    "failAuction",
    "buryAuction",
    "renewAuction",
  ]);
});

/** All that an object holds but its bills, which a late holder still brings. */
async function stored(room: DurableObjectStub): Promise<Record<string, unknown>> {
  return runInDurableObject(room, async (_room, { storage }) => {
    const names = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '_cf_%'")
      .toArray()
      .map(({ name }) => name)
      .filter((name) => !["calls", "outbox", "timers", "sqlite_sequence"].includes(name));
    return Object.fromEntries(
      names.map((name) => [name, storage.sql.exec(`SELECT * FROM ${name}`).toArray()]),
    );
  });
}

/** How a holder comes to be given up, each with a call under way. */
const GIVEN_UP = [
  {
    how: "whose lease lapsed",
    giveUp: async (room: TaskStub) => {
      clock.pass(60_001);
      await runDurableObjectAlarm(room);
    },
  },
  { how: "that failed", giveUp: async (room: TaskStub) => room.failTrace(LATE, failed) },
  { how: "that handed over", giveUp: async (room: TaskStub) => room.handOver(LATE) },
] as const;

/** The first holder was given up with a call under way; the trace waits for the second. */
async function givenUp({ giveUp }: (typeof GIVEN_UP)[number] = GIVEN_UP[0]) {
  const task = await awardedTask();
  await task.room.takeTrace(1, LATE);
  const callId = newId("cal", config.source);
  await task.room.startTraceCall(LATE, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
  await giveUp(task.room);
  return { task, callId };
}

/** The second holds the trace. */
async function twoHolders(how?: (typeof GIVEN_UP)[number]) {
  const both = await givenUp(how);
  expect((await both.task.room.takeTrace(1, 2)).ok).toBe(true);
  return both;
}

/** The second holder makes the step, and the trace ends. */
async function goOn(room: TaskStub) {
  const second = newId("cal", config.source);
  await room.startTraceCall(2, { callId: second, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
  await room.commitAnswer(2, { callId: second, bill: billed, ms: 1 }, answered("42"), "42");
  await room.commitVerdict(2, verdict);
  expect(await room.view()).toMatchObject({ state: "finished", result: "42", costs: { traceMicros: 45 } });
  return second;
}

const WHEN = [
  { when: "before another takes the trace up", hold: givenUp },
  { when: "once another holds the trace", hold: twoHolders },
] as const;

describe("a late holder of a trace", () => {
  describe.each(WHEN)("$when", ({ hold }) => {
    test.each(Object.entries(TRACE))("%s is refused and changes nothing", async (_name, [late, told]) => {
      const { task, callId } = await hold();
      const before = await stored(task.room);
      expect(await late(task.room, callId)).toEqual(told);
      expect(await stored(task.room)).toEqual(before);
      if (hold === givenUp) expect((await task.room.takeTrace(1, 2)).ok).toBe(true);
      expect(await task.room.renewTrace(2)).toBe("continue");
      const mine = (await task.room.readTrace())?.calls.find((call) => call.callId === callId);
      expect(mine?.payer).toBe("lost");
    });
  });

  describe.each(GIVEN_UP)("$how", (how) => {
    test.each(WHEN)("pays for its own work, $when, and the tenant for the second's", async ({ hold }) => {
      const { task, callId } = await hold(how);
      const { room } = task;
      await room.commitAnswer(LATE, { callId, bill: billed, ms: 1 }, answered("late"), "late");
      if (hold === givenUp) expect((await room.takeTrace(1, 2)).ok).toBe(true);
      const second = await goOn(room);
      expect(await chargesOf(task)).toEqual({
        [callId]: { charged: 0, lost: 45 },
        [second]: { charged: 45, lost: 0 },
      });
      expect(await held(task)).toBe(0);
    });
  });

  test.each([1, 3, 99])(
    "its messages (generation %d) and dead letters about them change nothing",
    async (announced) => {
      const { task } = await twoHolders();
      const before = await stored(task.room);
      expect(await task.room.takeTrace(1, announced)).toMatchObject({
        ok: false,
        failure: { reason: "stale" },
      });
      expect(await task.room.buryTrace(1, announced)).toBe("stale");
      expect(await stored(task.room)).toEqual(before);
    },
  );
});

describe("a late holder of an auction", () => {
  test("is refused by both rooms and changes neither", async () => {
    const day = await openMarket();
    const { taskId, room, opening } = await admitOnly(day);
    await room.beginAuction(LATE, { opening, started: [] });
    clock.pass(60_001);
    await day.ringMarket();
    expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
    expect((await room.beginAuction(2, null)).ok).toBe(true);
    // What is owed for calls that were given up is told a moment later.
    await vi.waitFor(
      async () => expect((await accountOf(day, taskId)).calls).toHaveLength(opening.firstCalls.length),
      5_000,
    );
    const before = [await stored(room), await stored(day.market)];
    for (const late of Object.values(AUCTION)) await late(room);
    expect(await day.market.renewAuction(taskId, LATE)).toBe("lost");
    await day.market.failAuction(taskId, LATE, failed);
    const request = { taskId, generation: LATE, bids: [], verdicts: [], task: "", vector: null, tail: null };
    expect(await day.market.clear(request)).toMatchObject({ failure: { reason: "lost" } });
    for (const announced of [1, 3]) {
      expect(await day.market.takeAuction(taskId, announced)).toMatchObject({ ok: false });
      expect(await day.market.buryAuction(taskId, announced)).toBe("stale");
    }
    expect([await stored(room), await stored(day.market)]).toEqual(before);
    expect(await day.market.renewAuction(taskId, 2)).toBe("continue");
  });
});

/** Of the trace's calls, by their ids. */
async function chargesOf({ day, taskId }: StuckTask): Promise<Record<string, unknown>> {
  const { calls } = await accountOf(day, taskId);
  const traced = calls.filter(({ kind }) => kind === "trace");
  return Object.fromEntries(
    traced.map(({ callId, chargedMicros, lostMicros }) => [
      callId,
      { charged: chargedMicros, lost: lostMicros },
    ]),
  );
}
