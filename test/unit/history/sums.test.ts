/** What the history counts for the metrics: every row once, whatever becomes of its delivery, and nothing is ever taken back. */
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { eraseRows } from "../../../src/history/erase-rows.ts";
import { readSums, type Sums } from "../../../src/history/read-sums.ts";
import { writeHistory } from "../../../src/history/write-history.ts";
import type { HistoryRow } from "../../../src/market/history-row.ts";
import { asMicros } from "../../../src/market/money.ts";
import {
  aBid,
  agentId,
  aTask,
  aTenant,
  aTrace,
  aVerdict,
  openTestDatabase,
  tenantId,
  type TestDatabase,
} from "./support.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.dispose());
beforeEach(() => database.clear());

const KNOWN = new Set([agentId(1), agentId(2)]);

async function write(rows: readonly HistoryRow[], d1 = database.d1) {
  return writeHistory(
    d1,
    rows.map((row, id) => ({ id, row })),
    KNOWN,
  );
}

const open = (n: number, version: number) =>
  aTask(n, { version, state: "awarded", outcome: null, endedAtMs: null });
const failed = (n: number, version: number) =>
  aTask(n, { version, state: "failed", outcome: null, failureReason: "dead_lettered", endedAtMs: 2_005 });

const ends = ({ ends: all }: Sums) =>
  all.map(({ state, outcome, reason, msUpTo, times, ms }) => [state, outcome, reason, msUpTo, times, ms]);
const work = ({ agents }: Sums) =>
  agents.map(({ agentId: id, kind, stepsUpTo, times }) => [id, kind, stepsUpTo, times]);

test("bids, verdicts and traces are added up by agent and kind, with tokens and money", async () => {
  const rows = [
    aBid(1),
    aBid(2),
    aBid(11, { agentId: agentId(1), usage: null, status: "abstained", reason: "timeout" }),
    aBid(12, { agentId: agentId(1), round: 2 }),
    aVerdict(1),
    aTrace(1, { steps: 6 }),
    aTrace(2, { steps: 7 }),
    aTrace(3, { steps: 5_000 }),
  ];
  expect((await write(rows)).parked).toEqual([]);
  const sums = await readSums(database.d1);
  expect(work(sums)).toEqual([
    ["agt_1", "bid", 0, 2],
    ["agt_1", "jury", 0, 1],
    ["agt_1", "refine", 0, 1],
    ["agt_1", "trace", 10, 2],
    ["agt_1", "trace", Number.MAX_SAFE_INTEGER, 1],
    ["agt_2", "bid", 0, 1],
  ]);
  expect(sums.agents[0]).toMatchObject({ inputTokens: 100, outputTokens: 50, costMicros: 18, steps: 0 });
  expect(sums.agents[3]).toEqual({
    agentId: "agt_1",
    kind: "trace",
    stepsUpTo: 10,
    times: 2,
    steps: 13,
    inputTokens: 200,
    cachedInputTokens: 40,
    cacheWriteTokens: 6,
    outputTokens: 100,
    reasoningTokens: 20,
    costMicros: 62,
  });
});

test("agents that the deployment does not know are one, however many there are", async () => {
  await write(Array.from({ length: 20 }, (_, n) => aBid(100 + n)));
  expect(work(await readSums(database.d1))).toEqual([["other", "bid", 0, 20]]);
});

test("a task counts when it has ended, by how and in which class of time, and later versions of that end do not", async () => {
  await write([open(1, 1), open(2, 1), failed(1, 2)]);
  await write([{ ...failed(1, 3), costMicros: asMicros(77) }, aTask(2, { version: 2, endedAtMs: 1_005 })]);
  expect(ends(await readSums(database.d1))).toEqual([
    ["failed", "", "dead_lettered", 2_500, 1, 2_000],
    ["finished", "pass", "", 1_000, 1, 1_000],
  ]);
});

test("a task that was redriven has ended twice; a version that comes late has not", async () => {
  await write([failed(1, 2)]);
  await write([open(1, 3)]);
  await write([failed(1, 2), open(1, 1)]);
  expect(ends(await readSums(database.d1))).toEqual([["failed", "", "dead_lettered", 2_500, 1, 2_000]]);
  await write([aTask(1, { version: 4, endedAtMs: 9_000_005 })]);
  expect(ends(await readSums(database.d1))).toEqual([
    ["failed", "", "dead_lettered", 2_500, 1, 2_000],
    ["finished", "pass", "", 21_600_000, 1, 9_000_000],
  ]);
});

const facts: readonly HistoryRow[] = [1, 2, 3].flatMap((n) => [
  aBid(n),
  aVerdict(n),
  aTrace(n),
  open(n, 1),
  aTask(n, { version: 2 }),
]);

test("any order and any number of deliveries come to the same sums", async () => {
  await write(facts);
  const expected = await readSums(database.d1);
  expect(ends(expected)).toEqual([["finished", "pass", "", 1_000, 3, 3]]);
  const deliveries = fc.tuple(
    fc.shuffledSubarray([...facts], { minLength: facts.length }),
    fc.array(fc.constantFrom(...facts), { maxLength: 30 }),
    fc.integer({ min: 1, max: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(deliveries, async ([all, again, size]) => {
      await database.clear();
      const rows = [...again, ...all, ...again];
      for (let at = 0; at < rows.length; at += size) await write(rows.slice(at, at + size));
      expect(await readSums(database.d1)).toEqual(expected);
    }),
    { numRuns: 3 },
  );
});

test("an answer of D1's that gets lost counts nothing twice, and a poison row counts nothing", async () => {
  const rows = [aBid(1), aTask(2, { sequence: null as never }), aTask(3)];
  let calls = 0;
  const lossy = {
    prepare: database.d1.prepare.bind(database.d1),
    batch: async (statements: D1PreparedStatement[]) => {
      const answer = await database.d1.batch(statements);
      if (++calls === 2) throw new Error("D1_ERROR: Network connection lost.");
      return answer;
    },
  } as unknown as D1Database;
  await expect(write(rows, lossy)).rejects.toThrow("connection lost");
  const again = await write(rows, lossy);
  expect(again.parked.map(({ id }) => id)).toEqual([1]);
  const sums = await readSums(database.d1);
  expect(work(sums)).toEqual([["agt_1", "bid", 0, 1]]);
  expect(ends(sums)).toEqual([["finished", "pass", "", 1_000, 1, 1]]);
});

test("an erased tenant's share of the sums stays: what has been counted never falls", async () => {
  await write([aTenant(1), ...facts]);
  const before = await readSums(database.d1);
  await eraseRows(database.d1, { tenantId: tenantId(1), statements: 100 });
  expect((await database.dump())["tasks"]).toEqual([]);
  expect(await readSums(database.d1)).toEqual(before);
});

test("what a scrape reads does not grow with the history", async () => {
  const many = (from: number) =>
    Array.from({ length: 25 }, (_, n) => [aTask(from + n), aBid(from + n), aTrace(from + n)]).flat();
  let read = 0;
  const metered = {
    prepare: database.d1.prepare.bind(database.d1),
    batch: async (statements: D1PreparedStatement[]) => {
      const answer = await database.d1.batch(statements);
      read = answer.reduce((rows, { meta }) => rows + meta.rows_read, 0);
      return answer;
    },
  } as unknown as D1Database;
  await write([aTenant(1, { openTasks: 3 }), aTenant(2), ...many(1_000)]);
  expect((await readSums(metered)).openTasks).toBe(3);
  const once = read;
  await write(many(2_000));
  await readSums(metered);
  expect(read).toBe(once);
  expect(once).toBeLessThan(20);
});
