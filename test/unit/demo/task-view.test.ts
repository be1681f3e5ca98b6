import pc from "picocolors";
import { expect, test } from "vitest";
import { eventLine } from "../../../emulators/demo/event-line.ts";
import { liveFrame } from "../../../emulators/demo/live-frame.ts";
import { afterEvent, isDone, queuedTask, type TaskView } from "../../../emulators/demo/task-view.ts";
import { asMicros } from "../../../src/market/money.ts";
import { journal, LARGE, passedJournal, SMALL } from "./support.ts";

const plain = { colours: pc.createColors(false), elapsedMs: 4_200, columns: 120, rows: 40 };
const CONTROL = /\p{Cc}/u;

const played = (upTo = 99): TaskView =>
  passedJournal("tsk_1").slice(0, upTo).reduce(afterEvent, queuedTask("sum-of-two", 1));

test("a view tells what its events told", () => {
  expect(played()).toMatchObject({
    phase: "finished",
    outcome: "pass",
    bids: 2,
    verdicts: 2,
    steps: 2,
    toolCalls: 2,
    toolErrors: 1,
    costMicros: 40,
    winner: { name: "House 4B", emulated: true },
    gaps: [],
    lastSeq: 14,
  });
  expect(isDone(played())).toBe(true);
  expect(played(6).phase).toBe("judging");
});

test("an event that was seen before changes nothing", () => {
  const [first] = passedJournal("tsk_1");
  const view = played();
  expect(first && afterEvent(view, first)).toBe(view);
});

test("a missing event number is a gap", () => {
  const holed = passedJournal("tsk_1").filter(({ seq }) => seq !== 4);
  expect(holed.reduce(afterEvent, queuedTask("x", null)).gaps).toEqual(["event 5 came after event 3"]);
});

test("lines for a log name the emulated winner, the verdict and the cost, without control codes", () => {
  let view = queuedTask("sum-of-two", 1);
  const lines = passedJournal("tsk_1").flatMap((event) => {
    view = afterEvent(view, event);
    return eventLine(view, event) ?? [];
  });
  expect(lines).toEqual([
    "sum-of-two: auction opened among 2 agents",
    "sum-of-two: 2 bids, 2 jurors; won by House 4B (emulated)",
    "sum-of-two: 2 steps, 2 tool calls, 1 of them with an error",
    "sum-of-two: equals says pass",
    "sum-of-two: finished: pass, $0.000040",
  ]);
});

test("a task that is escalated has no outcome any more, and another winner", () => {
  const before = { ...played(6), outcome: "fail" as const };
  const [event] = journal([
    { type: "task-escalated", attempt: 1, outcome: "fail", evidence: "41", nextAgentId: LARGE },
  ]).map((one) => ({ ...one, seq: 7 }));
  if (event === undefined) throw new Error("no event");
  const view = afterEvent(before, event);
  expect(view).toMatchObject({ outcome: null, winner: { name: "House 32B" }, gaps: [] });
  expect(eventLine(view, event)).toBe("sum-of-two: attempt 1 failed; next is House 32B (emulated)");
});

test("a failure stands out", () => {
  const [event] = journal([{ type: "task-failed", reason: "no_bids", costMicros: asMicros(3) }]);
  expect(event && eventLine(queuedTask("x", null), event)).toBe("x: FAILED: no_bids, $0.000003");
});

test("a frame has a row per task and one bar, and no control codes without colours", () => {
  const frame = liveFrame([played(), played(10), queuedTask("waits", 5)], plain);
  expect(frame).toHaveLength(5);
  expect(frame[1]).toMatch(/^sum-of-two +1 +2\/2 +2\/2 House 4B \(emulated\) +2 pass +\$0\.000040$/);
  expect(frame[2]).toContain("running");
  expect(frame[3]).toMatch(/^waits +5 .*queued/);
  expect(frame[4]).toMatch(/^█{8} ░{16} 1\/3 tasks, 1 passed, \$0\.\d{6}, 4 s$/);
  for (const line of frame) expect(line).not.toMatch(CONTROL);
});

test("no line is wider than the terminal, and the frame is never taller", () => {
  const many = Array.from({ length: 30 }, (_, n) =>
    n < 20 ? played() : n < 25 ? played(8) : queuedTask(`t${n}`, 2),
  );
  const frame = liveFrame(many, { ...plain, columns: 80, rows: 12 });
  expect(frame.length).toBeLessThan(12);
  for (const line of frame) expect(line.length).toBeLessThan(80);
  expect(frame.filter((line) => line.includes("awarded"))).toHaveLength(5);
  for (const line of frame.slice(1, -2)) expect(line).toMatch(/\$\d\.\d{6}$/);
  expect(frame.at(-2)).toBe("… and 22 more");
});

test("a name that says already that it is emulated does not say it twice", () => {
  const named = { ...played(), winner: { agentId: SMALL, name: "House 4B (emulated)", emulated: true } };
  expect(liveFrame([named], plain)[1]).toContain(" House 4B (emulated)  ");
});

test("a long name gives way, the label that it is emulated never does", () => {
  const named = {
    ...played(),
    winner: { agentId: SMALL, name: "recorded some-very-long-model-name", emulated: true },
  };
  expect(liveFrame([named], { ...plain, columns: 80 })[1]).toContain("recorded… (emulated)");
});
