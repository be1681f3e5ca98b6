import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readTraining } from "../../../src/history/read-training.ts";
import { writeHistory } from "../../../src/history/write-history.ts";
import { trainingAuctionSchema } from "../../../src/market/fit/training-auction.ts";
import type { BidRow, HistoryRow, VerdictRow } from "../../../src/market/history-row.ts";
import type { AgentId, AuctionId, BidId, TraceId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import {
  aBid,
  agentId,
  anAuction,
  anOutcome,
  aTask,
  aTrace,
  aVerdict,
  openTestDatabase,
  taskId,
  tenantId,
  type TestDatabase,
} from "../history/support.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
beforeEach(() => database.clear());
afterAll(() => database.dispose());

const auctionId = (n: number) => `auc_${n}` as AuctionId;
const [one, two, three] = [agentId(1), agentId(2), agentId(3)];
const weights = { cost: 0.0001, entropy: 0.1, jurors: { [one]: 0.1, [two]: 0.1 } };

async function write(rows: readonly HistoryRow[]): Promise<void> {
  const written = await writeHistory(
    database.d1,
    rows.map((row, id) => ({ id, row })),
  );
  expect(written.parked).toEqual([]);
}

const read = (limit = 10, cursor?: AuctionId) =>
  readTraining(database.d1, { tenantId: tenantId(1), limit, ...(cursor !== undefined && { cursor }) });

const bid = (n: number, fields: Partial<BidRow> = {}) => aBid(n, { round: 1, ...fields });
const verdict = (n: number, fields: Partial<VerdictRow> = {}) => aVerdict(n, { round: 1, ...fields });

/** Agent 1 fails first, agent 2 passes after it. */
const escalated: readonly HistoryRow[] = [
  anAuction(1, { weights }),
  bid(1, { entropy: 0.4 }),
  bid(2, { price: 5, visibleTokens: 90 }),
  verdict(1, { scores: { [one]: 4, [two]: 5 } }),
  verdict(2, { scores: { [one]: 1, [two]: 3 } }),
  aTrace(1, { traceId: "trc_1" as TraceId, attempt: 1, agentId: one, costMicros: asMicros(31) }),
  aTrace(1, { traceId: "trc_2" as TraceId, attempt: 2, agentId: two, costMicros: asMicros(90) }),
  anOutcome(1, { attempt: 1, agentId: one, outcome: "fail" }),
  anOutcome(1, { attempt: 2, agentId: two, outcome: "pass" }),
];

test("joins an auction's bids, scores and the outcomes of its task's attempts", async () => {
  await write(escalated);
  const { auctions, nextCursor } = await read();
  expect(nextCursor).toBeNull();
  expect(auctions).toEqual([
    {
      auctionId: auctionId(1),
      bids: [
        { agentId: one, price: 2.5, tokens: 210, entropy: 0.4, scores: { [one]: 4, [two]: 1 } },
        { agentId: two, price: 5, tokens: 90, entropy: 0.7, scores: { [one]: 5, [two]: 3 } },
      ],
      outcomes: { [one]: "fail", [two]: "pass" },
      traceCostMicros: { [one]: 31, [two]: 90 },
      jurors: [one, two],
    },
  ]);
  expect(auctions).toEqual(auctions.map((auction) => trainingAuctionSchema.parse(auction)));
});

test("an unknown outcome is left open, abstentions do not bid, a lost juror stays expected", async () => {
  await write([
    anAuction(1, { weights }),
    bid(1),
    bid(2, { status: "abstained", reason: "timeout", visibleTokens: null, entropy: null }),
    verdict(2, { status: "left", reason: "timeout", scores: null }),
    verdict(3, { scores: { [one]: 2 } }),
    aTrace(1),
    anOutcome(1, { outcome: "unknown" }),
  ]);
  const { auctions } = await read();
  expect(auctions).toMatchObject([
    { outcomes: {}, traceCostMicros: { [one]: 31 }, jurors: [one, two, three] },
  ]);
  expect(auctions[0]?.bids).toMatchObject([{ agentId: one, scores: { [three]: 2 } }]);
});

test("an agent's first decided attempt and its first bid count", async () => {
  await write([
    ...escalated,
    bid(1, { bidId: "bid_9" as BidId, round: 2, visibleTokens: 50 }),
    verdict(1, { round: 2, scores: { [one]: 5, [two]: 0 } }),
    aTrace(1, { traceId: "trc_3" as TraceId, attempt: 3, agentId: one, costMicros: asMicros(55) }),
    anOutcome(1, { attempt: 3, agentId: one, outcome: "pass" }),
  ]);
  const { auctions } = await read();
  expect(auctions[0]).toMatchObject({ outcomes: { [one]: "fail" }, traceCostMicros: { [one]: 31 } });
  expect(auctions[0]?.bids).toMatchObject([
    { tokens: 210, scores: { [one]: 4, [two]: 1 } },
    { tokens: 90, scores: { [one]: 5, [two]: 3 } },
  ]);
});

describe("calibration runs", () => {
  /** A run by an agent of auction 1, as a task of its own. */
  const run = (n: number, of: { agent: AgentId; outcome: "pass" | "fail" | "unknown"; cost: number }) => [
    aTask(n, { calibratesTaskId: taskId(1), calibratesAuctionId: auctionId(1), agentId: of.agent }),
    aTrace(n, { agentId: of.agent, costMicros: asMicros(of.cost) }),
    anOutcome(n, { agentId: of.agent, outcome: of.outcome }),
  ];

  test("add outcomes and costs to their auction, and are no auctions themselves", async () => {
    await write([
      ...escalated,
      aTask(1),
      bid(3, { price: 7 }),
      ...run(11, { agent: three, outcome: "fail", cost: 200 }),
    ]);
    const { auctions } = await read();
    expect(auctions).toHaveLength(1);
    expect(auctions[0]).toMatchObject({
      auctionId: auctionId(1),
      outcomes: { [one]: "fail", [two]: "pass", [three]: "fail" },
      traceCostMicros: { [one]: 31, [two]: 90, [three]: 200 },
    });
  });

  test("come after the task's own attempts and count once, the oldest that decided", async () => {
    await write([
      ...escalated,
      aTask(1),
      bid(3, { price: 7 }),
      ...run(11, { agent: one, outcome: "pass", cost: 1 }),
      ...run(14, { agent: three, outcome: "pass", cost: 4 }),
      ...run(13, { agent: three, outcome: "fail", cost: 3 }),
      ...run(12, { agent: three, outcome: "unknown", cost: 2 }),
    ]);
    const { auctions } = await read();
    expect(auctions[0]).toMatchObject({
      outcomes: { [one]: "fail", [two]: "pass", [three]: "fail" },
      traceCostMicros: { [one]: 31, [two]: 90, [three]: 3 },
    });
  });

  test("of another tenant, or of another auction, stay away", async () => {
    await write([
      ...escalated,
      ...run(11, { agent: three, outcome: "pass", cost: 1 }).map((row) => ({
        ...row,
        tenantId: tenantId(2),
      })),
      aTask(12, { calibratesTaskId: taskId(2), calibratesAuctionId: auctionId(2), agentId: three }),
      anOutcome(12, { agentId: three, outcome: "pass" }),
    ]);
    const { auctions } = await read();
    expect(Object.keys(auctions[0]?.outcomes ?? {})).toEqual([one, two]);
  });
});

test("pages, newest first", async () => {
  await write([1, 2, 3, 4, 5].map((n) => anAuction(n, { weights })));
  const first = await read(2);
  expect(first.auctions.map((auction) => auction.auctionId)).toEqual([auctionId(5), auctionId(4)]);
  const second = await read(2, first.nextCursor ?? undefined);
  expect(second.auctions.map((auction) => auction.auctionId)).toEqual([auctionId(3), auctionId(2)]);
  const last = await read(2, second.nextCursor ?? undefined);
  expect(last).toMatchObject({ auctions: [{ auctionId: auctionId(1) }], nextCursor: null });
});

test("another tenant's rows are never read, whatever ids they share", async () => {
  await write(escalated);
  await write(
    [
      anAuction(2, { weights }),
      bid(3, { auctionId: auctionId(1) }),
      verdict(3, { scores: { [one]: 0 } }),
      anOutcome(1, { attempt: 4, agentId: three, outcome: "pass" }),
    ].map((row) => ({ ...row, tenantId: tenantId(2) })),
  );
  const { auctions } = await read();
  expect(auctions).toHaveLength(1);
  expect(auctions[0]).toMatchObject({ jurors: [one, two], outcomes: { [one]: "fail", [two]: "pass" } });
  expect(auctions[0]?.bids).toHaveLength(2);
  expect(Object.keys(auctions[0]?.outcomes ?? {})).toEqual([one, two]);
});

test("as many auctions as one page may hold stay below D1's bound parameters", async () => {
  await write(Array.from({ length: 95 }, (_, at) => anAuction(1_000 + at, { weights, taskId: taskId(at) })));
  const { auctions, nextCursor } = await read(1_000);
  expect(auctions).toHaveLength(90);
  expect(nextCursor).toBe(auctionId(1_005));
});
