import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { HistoryRow } from "../../../src/market/history-row.ts";
import { asMicros } from "../../../src/market/money.ts";
import { writeHistory } from "../../../src/history/write-history.ts";
import {
  aBid,
  anAuction,
  anOutcome,
  aTask,
  aTenant,
  aTrace,
  aVerdict,
  openTestDatabase,
  type TestDatabase,
} from "./support.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.dispose());
beforeEach(() => database.clear());

const numbered = (rows: readonly HistoryRow[]) => rows.map((row, id) => ({ id, row }));
const ids = (rows: readonly HistoryRow[]) => rows.map((_, id) => id);
const ONE_OF_EACH = [aTenant(1), aTask(1), anAuction(1), aBid(1), aVerdict(1), aTrace(1), anOutcome(1)];

test("every kind of row arrives with all of its figures", async () => {
  const result = await writeHistory(database.d1, numbered(ONE_OF_EACH));
  expect(result).toEqual({ written: ids(ONE_OF_EACH), parked: [] });
  const tables = await database.dump();
  for (const rows of Object.values(tables)) expect(rows).toHaveLength(1);
  expect(tables["bids"]?.[0]).toMatchObject({
    tenant_id: "ten_1",
    price: 2.5,
    input_tokens: 100,
    cached_input_tokens: 20,
    cache_write_tokens: 3,
    output_tokens: 50,
    reasoning_tokens: 10,
    cost_micros: 9,
  });
  expect(tables["auctions"]?.[0]).toMatchObject({
    entropy_used: 1,
    weights: '{"cost":0.0001,"entropy":0.1,"jurors":{"agt_1":0.05}}',
  });
  expect(tables["verdicts"]?.[0]).toMatchObject({ scores: '{"agt_1":4.5}' });
});

test("usage that nobody reported is null, not 0", async () => {
  await writeHistory(
    database.d1,
    numbered([aBid(1, { usage: null, status: "abstained", reason: "timeout", score: null })]),
  );
  const { bids } = await database.dump();
  expect(bids?.[0]).toMatchObject({
    input_tokens: null,
    output_tokens: null,
    reasoning_tokens: null,
    score: null,
  });
});

test("an older version never overwrites a newer one", async () => {
  await writeHistory(database.d1, numbered([aTask(1, { version: 3, state: "finished" })]));
  const late = await writeHistory(database.d1, numbered([aTask(1, { version: 2, state: "running" })]));
  expect(late.written).toEqual([0]);
  const { tasks } = await database.dump();
  expect(tasks).toMatchObject([{ version: 3, state: "finished" }]);
});

test("the same task id under another tenant is another row", async () => {
  const other = aTask(1, { tenantId: aTenant(2).tenantId, costMicros: asMicros(1), version: 9 });
  await writeHistory(database.d1, numbered([aTask(1), other]));
  const { tasks } = await database.dump();
  expect(tasks).toMatchObject([
    { tenant_id: "ten_1", cost_micros: 42 },
    { tenant_id: "ten_2", cost_micros: 1 },
  ]);
});

test("a poison row is parked with its reason and blocks nobody", async () => {
  const rows = [
    aTask(1),
    aTask(2, { sequence: null as never }),
    { ...aTask(4), table: "unheard" } as never,
    aBid(5, { ms: { not: "a number" } as never }),
    ...Array.from({ length: 120 }, (_, n) => aBid(10 + n)),
  ];
  const { written, parked } = await writeHistory(database.d1, numbered(rows));
  expect(new Set(parked.map(({ id }) => id))).toEqual(new Set([1, 2, 3]));
  expect(parked.find(({ id }) => id === 1)?.error).toContain("NOT NULL");
  expect(parked.find(({ id }) => id === 2)?.error).toContain("unheard");
  expect(parked.find(({ id }) => id === 3)?.error).toContain("D1_TYPE_ERROR");
  expect(written).toHaveLength(121);
  expect((await database.dump())["bids"]).toHaveLength(120);
});

test("a row over D1's size limit, which local D1 does not have, is parked too", async () => {
  const tooBig = {
    prepare: database.d1.prepare.bind(database.d1),
    batch: () => Promise.reject(new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG")),
  };
  const { parked } = await writeHistory(tooBig as unknown as D1Database, numbered([aTask(1)]));
  expect(parked).toEqual([{ id: 0, error: "D1_ERROR: string or blob too big: SQLITE_TOOBIG" }]);
});

test.each([
  "D1_ERROR: Network connection lost.",
  "D1_ERROR: D1 DB is overloaded. Requests queued for too long.",
  "D1_ERROR: no such table: tasks: SQLITE_ERROR",
])("nothing is parked when D1 itself fails: %s", async (message) => {
  const down = {
    prepare: database.d1.prepare.bind(database.d1),
    batch: () => Promise.reject(new Error(message)),
  };
  await expect(writeHistory(down as unknown as D1Database, numbered([aTask(1)]))).rejects.toThrow(message);
});

test("D1 that goes down among a poison batch throws, and a retry completes it", async () => {
  const rows = [aTask(1), aTask(2, { sequence: null as never }), aTask(3)];
  let calls = 0;
  const flaky = {
    prepare: database.d1.prepare.bind(database.d1),
    batch: (statements: D1PreparedStatement[]) =>
      ++calls === 3
        ? Promise.reject(new Error("D1_ERROR: Network connection lost."))
        : database.d1.batch(statements),
  } as unknown as D1Database;
  await expect(writeHistory(flaky, numbered(rows))).rejects.toThrow("Network connection lost");
  expect(await writeHistory(flaky, numbered(rows))).toMatchObject({ written: [0, 2], parked: [{ id: 1 }] });
});

test("no rows is no work", async () => {
  expect(await writeHistory(database.d1, [])).toEqual({ written: [], parked: [] });
});

/** Several versions of a few tasks and tenants, and facts: a row's content follows from its key and version. */
const history: readonly HistoryRow[] = [
  ...[1, 2, 3].flatMap((n) =>
    (["admitted", "running", "finished"] as const).map((state, at) =>
      aTask(n, {
        version: at + 1,
        state,
        costMicros: asMicros(10 * at),
        endedAtMs: state === "finished" ? 99 : null,
      }),
    ),
  ),
  ...[2, 1, 0].map((openTasks, at) => aTenant(1, { openTasks, version: at + 1 })),
  ...[1, 2, 3].flatMap((n) => [anAuction(n), aBid(n), aVerdict(n), aTrace(n), anOutcome(n)]),
];

test("any order and any number of deliveries end in the same tables", async () => {
  await writeHistory(database.d1, numbered(history));
  const expected = await database.dump();
  expect(expected["tasks"]).toMatchObject([
    { state: "finished" },
    { state: "finished" },
    { state: "finished" },
  ]);
  const deliveries = fc.tuple(
    fc.shuffledSubarray([...history], { minLength: history.length }),
    fc.array(fc.constantFrom(...history), { maxLength: 40 }),
    fc.array(fc.constantFrom(...history), { maxLength: 20 }),
    fc.integer({ min: 8, max: 60 }),
  );
  await fc.assert(
    fc.asyncProperty(deliveries, async ([all, before, after, size]) => {
      await database.clear();
      const rows = [...before, ...all, ...after];
      for (let at = 0; at < rows.length; at += size) {
        const { parked } = await writeHistory(database.d1, numbered(rows.slice(at, at + size)));
        expect(parked).toEqual([]);
      }
      expect(await database.dump()).toEqual(expected);
    }),
    { numRuns: 12 },
  );
}, 30_000);
