import pc from "picocolors";
import { expect, test } from "vitest";
import { checkJournal } from "../../../emulators/demo/check-journal.ts";
import { EMULATED_NOTICE, largestAgent, runFigures } from "../../../emulators/demo/figures.ts";
import { runReport } from "../../../emulators/demo/run-report.ts";
import { AGENTS, apiTask, apiTrace, endedTask, LARGE, passedJournal, SMALL } from "./support.ts";

const failed = endedTask("hard", {
  bin: 5,
  task: apiTask("tsk_2", {
    outcome: "fail",
    verdict: { outcome: "fail", verifier: "equals", evidence: "41 is not 42" },
  }),
});

test("totals of a run", () => {
  const { totals, notice } = runFigures([endedTask("easy"), failed], AGENTS, 5_000);
  expect(notice).toBe(EMULATED_NOTICE);
  expect(totals).toMatchObject({
    tasks: 2,
    finished: 2,
    passed: 1,
    failed: 1,
    unknown: 0,
    costMicros: 80,
    auctionCostMicros: 56,
    tokens: { auction: 280, trace: 470 },
    failing: [],
    wins: [
      { agent: { id: SMALL, emulated: true }, wins: 2, passed: 1 },
      { agent: { id: LARGE }, wins: 0, passed: 0 },
    ],
  });
  expect(totals.auctionTokenShare).toBeCloseTo(280 / 750);
});

test("the largest agent's cost is the traces' tokens at its prices, each call rounded up once", () => {
  const { totals } = runFigures([endedTask("easy")], AGENTS, 1);
  // 100 · 0.09 + 10 · 0.36 = 12.6 → 13; 120 · 0.09 + 5 · 0.36 = 12.6 → 13 (micro-USD)
  expect(totals).toMatchObject({ largestAgent: { id: LARGE }, largestAgentCostMicros: 26 });
  expect(largestAgent([])).toBeNull();
});

test("a verifier's fail is a result, not a failing task", () => {
  expect(runFigures([failed], AGENTS, 1).totals.failing).toEqual([]);
});

test.each([
  [
    "a task that did not finish",
    endedTask("x", { task: apiTask("t", { state: "failed", outcome: null, failureReason: "no_bids" }) }),
    "ended failed (no_bids)",
  ],
  [
    "a gap in the events",
    endedTask("x", { events: passedJournal("t").filter(({ seq }) => seq !== 3) }),
    "event 3 of the stream has number 4",
  ],
  [
    "a stream without a last event",
    endedTask("x", { events: passedJournal("t").slice(0, -1) }),
    "no last event",
  ],
  [
    "a bill that is not the sum of its calls",
    endedTask("x", { task: apiTask("t", { costMicros: 41 }) }),
    "calls add up to 40",
  ],
  [
    "parts that are not the whole",
    endedTask("x", {
      task: apiTask("t", {
        costs: {
          embedMicros: 0,
          bidMicros: 20,
          juryMicros: 8,
          refineMicros: 0,
          traceMicros: 11,
          judgeMicros: 0,
        },
      }),
    }),
    "add up to 39",
  ],
  [
    "a step that is missing",
    endedTask("x", { trace: apiTrace({ steps: [] }) }),
    "2 steps in the journal, 0 in the trace",
  ],
  [
    "a task that nobody could follow",
    endedTask("x", { task: null, error: "connection refused" }),
    "connection refused",
  ],
])("%s is a problem", (_, ended, problem) => {
  expect(checkJournal(ended).join("; ")).toContain(problem);
});

test("a call without a bill counts at its bound, a refused one not at all", () => {
  const calls = apiTrace().calls.map((call, at) =>
    at === 0
      ? { ...call, status: "unconfirmed", costMicros: null }
      : at === 1
        ? { ...call, status: "refused", costMicros: null }
        : call,
  );
  const costMicros = 40 - 10 - 10 + 99;
  const task = apiTask("t", {
    costMicros,
    costs: {
      embedMicros: 0,
      bidMicros: costMicros - 20,
      juryMicros: 8,
      refineMicros: 0,
      traceMicros: 12,
      judgeMicros: 0,
    },
  });
  expect(checkJournal(endedTask("x", { task, trace: apiTrace({ calls }) }))).toEqual([]);
});

test("the report names agents as emulated, states the method, and lists what failed", () => {
  const broken = endedTask("broken", { task: null, trace: null, error: "connection refused" });
  const text = runReport(
    runFigures([endedTask("easy"), failed, broken], AGENTS, 5_000),
    pc.createColors(false),
  ).join("\n");
  expect(text).toMatch(/easy +1 +House 4B \(emulated\) +2 +pass +\$0\.000040 +\$0\.000026/);
  expect(text).toContain("without an auction; here House 32B (emulated)");
  expect(text).toContain("auction tokens             280 of 750 (37.3 %)");
  expect(text).toContain(EMULATED_NOTICE);
  expect(text).toContain("1 task did not go as it must:\n  broken: connection refused");
  expect(text).not.toContain("\u001B");
});
