/** What the memory keeps of an auction, and what a task's end adds to it. */
import { describe, expect, test } from "vitest";
import type { Clearing } from "../../../src/market/clear.ts";
import { newId } from "../../../src/market/ids.ts";
import type { MemoryEntry } from "../../../src/market/memory.ts";
import { asMicros } from "../../../src/market/money.ts";
import { entryOf, settledEntry, storedEntry, traceOutcome } from "../../../src/market/remember.ts";
import type { EndReport, TraceFigures } from "../../../src/market/report.ts";
import type { TaskEnd } from "../../../src/market/task.ts";
import { aBid, aLostJuror, anAbstention, agentId, aVerdict, fixedSource } from "../../support/builders.ts";

const [SMALL, LARGE] = [agentId("small"), agentId("large")];
const source = fixedSource();
const taskId = newId("tsk", source);

const clearing = (fields: Partial<Clearing> = {}): Clearing => ({
  winner: LARGE,
  round: 1,
  provisionalWinner: LARGE,
  first: null,
  refined: null,
  margin: null,
  ...fields,
});

function anEntry(fields: Partial<Parameters<typeof entryOf>[0]> = {}): MemoryEntry {
  const entry = entryOf({
    auctionId: newId("auc", source),
    taskId,
    task: "a task",
    bids: [aBid({ strategy: "look it up" })],
    verdicts: [],
    clearing: clearing(),
    ...fields,
  });
  if (entry === null) throw new Error("no auction was held");
  return entry;
}

describe("the entry of a cleared auction", () => {
  test("holds every strategy, every juror's scores of each round, and who won", () => {
    const entry = anEntry({
      bids: [
        aBid({ strategy: "look it up" }),
        aBid({ agentId: SMALL, strategy: "guess" }),
        anAbstention({ agentId: agentId("tiny") }),
        aBid({ agentId: SMALL, round: 2, strategy: "look, then guess" }),
      ],
      verdicts: [
        aVerdict({ scores: { [LARGE]: 4, [SMALL]: 1 } }),
        aLostJuror({ jurorId: SMALL }),
        aVerdict({ jurorId: SMALL, round: 2, scores: { [LARGE]: 3, [SMALL]: 5 } }),
      ],
      clearing: clearing({ winner: SMALL, round: 2 }),
    });
    expect(entry).toMatchObject({ version: 1, task: "a task", winner: SMALL, winnerRound: 2 });
    expect(entry.strategies).toEqual([
      { agentId: LARGE, round: 1, strategy: "look it up" },
      { agentId: SMALL, round: 1, strategy: "guess" },
      { agentId: SMALL, round: 2, strategy: "look, then guess" },
    ]);
    expect(entry.verdicts).toEqual([
      { jurorId: LARGE, round: 1, scores: { [LARGE]: 4, [SMALL]: 1 } },
      { jurorId: SMALL, round: 2, scores: { [LARGE]: 3, [SMALL]: 5 } },
    ]);
    expect(entry).toMatchObject({ outcome: null, verifier: null, traceCostMicros: null });
  });

  test("is none where no auction was held", () => {
    const held = { auctionId: newId("auc", source), taskId, task: "t", bids: [], verdicts: [] };
    expect(entryOf({ ...held, clearing: clearing({ round: 0 }) })).toBeNull();
  });

  describe("of the largest pool", () => {
    const agents = Array.from({ length: 64 }, (_, at) => agentId(`${"long-name-".repeat(5)}${at}`));
    const scores = Object.fromEntries(agents.map((id) => [id, 5]));
    const rounds = [1, 2] as const;
    const remembered = (strategy: string) =>
      anEntry({
        task: strategy,
        bids: agents.flatMap((id) => rounds.map((round) => aBid({ agentId: id, round, strategy }))),
        verdicts: agents.flatMap((jurorId) => rounds.map((round) => aVerdict({ jurorId, round, scores }))),
      });

    test.each([
      // A control character takes six bytes in JSON.
      ["control characters", "\u0001"],
      ["lone surrogates", "\ud800"],
      ["Chinese", "字"],
      ["fish", "🐟"],
      ["quotes", '"'],
      ["words", "word "],
    ])("is below a row's 2 MB, if it writes %s without end", (_, text) => {
      const entry = remembered(text.repeat(100_000));
      expect(entry.strategies).toHaveLength(128);
      expect(entry.strategies[0]?.strategy.length).toBeGreaterThan(1_000);
      expect(new TextEncoder().encode(JSON.stringify(entry)).length).toBeLessThan(1_900_000);
    });

    test("loses nothing of honest strategies", () => {
      const strategy = "Read the task, write the function, try it. ".repeat(70);
      expect(new Set(remembered(strategy).strategies.map((one) => one.strategy))).toEqual(
        new Set([strategy]),
      );
    });
  });

  test("cuts no character in two", () => {
    const strategy = `x${"🐟".repeat(10_000)}`;
    const entry = anEntry({ task: strategy, bids: [aBid({ strategy })] });
    expect(entry.task.length).toBe(3_999);
    expect(entry.task.isWellFormed()).toBe(true);
    expect(entry.strategies[0]?.strategy).toBe(entry.task);
  });
});

describe("a stored entry", () => {
  test("comes back as it was", () => {
    const entry = anEntry({ verdicts: [aVerdict()] });
    expect(storedEntry(JSON.stringify(entry))).toEqual(entry);
  });

  test("from before verdicts and costs were kept has none", () => {
    const { verdicts: _, verifier: __, traceCostMicros: ___, ...old } = anEntry();
    expect(storedEntry(JSON.stringify({ ...old, outcome: "pass" }))).toEqual({
      ...old,
      outcome: "pass",
      verdicts: null,
      verifier: null,
      traceCostMicros: null,
    });
  });
});

const trace = { agentId: LARGE, costMicros: asMicros(420) } as TraceFigures;
const ended = (end: TaskEnd, fields: Partial<EndReport> = {}): EndReport => ({
  taskId,
  attempt: 1,
  end,
  verdict: null,
  trace,
  ...fields,
});

describe("the end of a task", () => {
  const verdict = { outcome: "fail", verifier: "tests", evidence: "1 of 2" } as const;
  test.each<[TaskEnd, Partial<EndReport>, object]>([
    [{ state: "finished", outcome: "fail" }, { verdict }, { outcome: "fail", verifier: "tests" }],
    [{ state: "finished", outcome: "unknown" }, {}, { outcome: "unknown", verifier: null }],
    [{ state: "failed", reason: "step_limit" }, {}, { outcome: "fail", verifier: null }],
    [{ state: "failed", reason: "deadline" }, {}, { outcome: "fail", verifier: null }],
    [{ state: "cancelled" }, {}, { outcome: "unknown", verifier: null }],
  ])("%o teaches %o", (end, fields, expected) => {
    expect(traceOutcome(ended(end, fields))).toEqual({ agentId: LARGE, traceCostMicros: 420, ...expected });
  });

  test("before an award teaches nothing", () => {
    expect(traceOutcome(ended({ state: "failed", reason: "no_bids" }, { trace: null }))).toBeNull();
  });
});

describe("an entry whose outcome is told", () => {
  const told = { agentId: LARGE, outcome: "pass", verifier: "equals", traceCostMicros: asMicros(7) } as const;

  test("is a new version with outcome, verifier and cost", () => {
    const entry = anEntry();
    const { agentId: _, ...outcome } = told;
    expect(settledEntry(entry, told)).toEqual({ ...entry, ...outcome, version: 2 });
  });

  test("again is no new version; a later word is", () => {
    const settled = settledEntry(anEntry(), told);
    if (settled === null) throw new Error("not settled");
    expect(settledEntry(settled, told)).toBeNull();
    expect(settledEntry(settled, { ...told, outcome: "fail" })).toMatchObject({
      version: 3,
      outcome: "fail",
    });
  });

  test("is not taught by another agent's trace", () => {
    expect(settledEntry(anEntry(), { ...told, agentId: SMALL })).toBeNull();
  });
});
