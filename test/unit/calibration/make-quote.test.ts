import { describe, expect, test } from "vitest";
import { isConclusive, QUOTE_MS } from "../../../src/market/calibration/calibration.ts";
import { makeQuote, type QuoteParts } from "../../../src/market/calibration/make-quote.ts";
import { isStillThatBidder, pastAuction } from "../../../src/market/calibration/past-auction.ts";
import { runBound } from "../../../src/market/calibration/estimate.ts";
import type { CalibrationId } from "../../../src/market/ids.ts";
import type { TaskEnd } from "../../../src/market/task.ts";
import { aBid, agentId, anAbstention, anOpening, aPool, aTaskSpec } from "../../support/builders.ts";

const pool = aPool();
const [tiny, small] = [agentId("tiny"), agentId("small")];
const { taskId, auctionId } = anOpening();

function parts(fields: Partial<QuoteParts> = {}): QuoteParts {
  return {
    calibrationId: "clb_1" as CalibrationId,
    asked: 5,
    chosen: [{ taskId, auctionId, spec: aTaskSpec({ tools: ["http"] }), agents: [small, tiny] }],
    unsuitable: ["juror_lost", "all_known", "juror_lost"],
    pool,
    seen: [{ agentId: tiny, traces: 2, costMicros: 50 }],
    nowMs: 1_000,
    ...fields,
  };
}

describe("makeQuote", () => {
  test("names every run with its price, in the order of the pool", () => {
    const { quote, runs } = makeQuote(parts());
    const { limits } = aTaskSpec();
    const bounds = pool.map((agent) => runBound(agent, limits));
    expect(runs).toEqual([
      { taskId, auctionId, agentId: tiny, expectedMicros: 25, boundMicros: bounds[0] },
      { taskId, auctionId, agentId: small, expectedMicros: 45, boundMicros: bounds[1] },
    ]);
    expect(quote).toMatchObject({
      asked: 5,
      examined: 4,
      unsuitable: { juror_lost: 2, all_known: 1, bids_missing: 0, task_erased: 0 },
      tasks: [{ taskId, auctionId, tools: ["http"] }],
      createdAtMs: 1_000,
      expiresAtMs: 1_000 + QUOTE_MS,
    });
    expect(quote.agents.map(({ id, estimate }) => [id, estimate.basis])).toEqual([
      ["agt_tiny", "own_mean"],
      ["agt_small", "scaled_by_price"],
      ["agt_medium", "scaled_by_price"],
      ["agt_large", "scaled_by_price"],
    ]);
  });

  test("nothing chosen is nothing to run", () => {
    const { quote, runs } = makeQuote(parts({ chosen: [], unsuitable: [] }));
    expect(runs).toEqual([]);
    expect(quote).toMatchObject({ examined: 0, tasks: [] });
  });
});

describe("pastAuction", () => {
  test("has the first strategies of valid bids, and the task as it was asked", () => {
    const opening = anOpening({ pool, seed: 99 });
    const bids = [
      aBid({ agentId: tiny, strategy: "first" }),
      aBid({ agentId: tiny, round: 2, strategy: "refined" }),
      anAbstention({ agentId: small }),
    ];
    expect(pastAuction(opening, bids)).toEqual({
      auctionId: opening.auctionId,
      seed: 99,
      spec: opening.spec,
      bidders: [{ agentId: tiny, provider: pool[0]?.provider, model: "@cf/test/tiny", strategy: "first" }],
    });
  });

  test("tells a model that took another's name from the one that bid", () => {
    const bidder = { agentId: tiny, provider: "workers-ai", model: "one", strategy: "s" } as const;
    expect(isStillThatBidder(bidder, { provider: "workers-ai", model: "one" })).toBe(true);
    expect(isStillThatBidder(bidder, { provider: "workers-ai", model: "two" })).toBe(false);
    expect(isStillThatBidder(bidder, { provider: "google", model: "one" })).toBe(false);
  });
});

test.each<[TaskEnd, boolean]>([
  [{ state: "finished", outcome: "pass" }, true],
  [{ state: "finished", outcome: "fail" }, true],
  [{ state: "finished", outcome: "unknown" }, true],
  [{ state: "failed", reason: "step_limit" }, true],
  [{ state: "failed", reason: "deadline" }, true],
  [{ state: "failed", reason: "agent_failed" }, false],
  [{ state: "failed", reason: "trace_abandoned" }, false],
  [{ state: "cancelled" }, false],
])("a run that ended %j is conclusive: %s", (end, conclusive) => {
  expect(isConclusive(end)).toBe(conclusive);
});
