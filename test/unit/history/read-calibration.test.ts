/** What a quote is made from, read from a migrated D1. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readPastTasks, readTraceCosts } from "../../../src/history/read-calibration.ts";
import { writeHistory } from "../../../src/history/write-history.ts";
import type { HistoryRow } from "../../../src/market/history-row.ts";
import type { AuctionId, TraceId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import {
  agentId, anAuction, anOutcome, aBid, aTask, aTrace, openTestDatabase, taskId, tenantId, type TestDatabase,
} from "./support.ts"; // oxfmt-ignore

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
beforeEach(() => database.clear());
afterAll(() => database.dispose());

async function write(rows: readonly HistoryRow[]): Promise<void> {
  const numbered = rows.map((row, id) => ({ id, row }));
  expect((await writeHistory(database.d1, numbered)).parked).toEqual([]);
}

const auctionId = (n: number) => `auc_${n}` as AuctionId;
const read = (limit = 10, cursor?: AuctionId) =>
  readPastTasks(database.d1, { tenantId: tenantId(1), limit, ...(cursor && { cursor }) });

describe("past tasks", () => {
  test("are finished ones whose verifier decided, with all that is known of their auctions", async () => {
    await write([
      aTask(1, { outcome: "fail" }),
      anAuction(1),
      aBid(1),
      anOutcome(1, { outcome: "fail" }),
      aTask(2, { outcome: "unknown", verifier: null }),
      anAuction(2),
      aTask(3, { state: "failed", outcome: null, failureReason: "step_limit" }),
      anAuction(3),
      aTask(4, { state: "awarded", outcome: null }),
      anAuction(4),
      // The run of agent 2 tells of auction 1; it is no task to be calibrated itself.
      aTask(5, { calibratesTaskId: taskId(1), calibratesAuctionId: auctionId(1), agentId: agentId(2) }),
      anOutcome(5, { agentId: agentId(2), outcome: "pass" }),
      // Its tenant would be asked again.
      aTask(6, { verifier: "user" }),
      anAuction(6),
    ]);
    const { tasks } = await read();
    expect(tasks).toMatchObject([
      {
        taskId: taskId(1),
        auction: { auctionId: auctionId(1), outcomes: { [agentId(1)]: "fail", [agentId(2)]: "pass" } },
      },
    ]);
    expect(tasks[0]?.auction.bids).toHaveLength(1);
  });

  test("come in pages, newest first, of one tenant", async () => {
    await write([1, 2, 3].flatMap((n) => [aTask(n), anAuction(n)]));
    await write([aTask(4), anAuction(4)].map((row) => ({ ...row, tenantId: tenantId(2) })));
    const first = await read(2);
    expect(first.tasks.map((task) => task.taskId)).toEqual([taskId(3), taskId(2)]);
    const second = await read(2, first.nextCursor ?? undefined);
    expect(second).toMatchObject({ tasks: [{ taskId: taskId(1) }], nextCursor: null });
  });
});

test("traces' costs are summed by agent, over the newest of one tenant", async () => {
  const trace = (n: number, agent: number, cost: number) =>
    aTrace(n, {
      traceId: `trc_${String(n).padStart(4, "0")}` as TraceId,
      agentId: agentId(agent),
      costMicros: asMicros(cost),
    });
  await write([
    // Older than the newest thousand.
    trace(0, 1, 1_000_000),
    ...Array.from({ length: 998 }, (_, at) => trace(at + 1, 1, 2)),
    trace(2_000, 2, 31),
    trace(2_001, 2, 11),
    { ...trace(3_000, 1, 7_000), tenantId: tenantId(2) },
  ]);
  const costs = await readTraceCosts(database.d1, tenantId(1));
  expect(costs.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1))).toEqual([
    { agentId: agentId(1), traces: 998, costMicros: 1_996 },
    { agentId: agentId(2), traces: 2, costMicros: 42 },
  ]);
});
