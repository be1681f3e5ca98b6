import { describe, expect, test } from "vitest";
import { usable } from "../../../src/market/fit/usable.ts";
import { asMicros } from "../../../src/market/money.ts";
import { A, aTrainingAuction, aTrainingBid, B, C } from "./support.ts";

describe("usable", () => {
  test("keeps auctions with a known pass, a known fail, the whole jury and all entropies, by id", () => {
    const found = usable([aTrainingAuction(2), aTrainingAuction(1)]);
    expect(found.auctions.map(({ auctionId }) => auctionId)).toEqual(["auc_0001", "auc_0002"]);
    expect(found.jury).toEqual([A]);
    expect(Object.values(found.leftOut)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test.each([
    ["no_known_pass", { outcomes: { [B]: "fail" as const } }],
    ["no_known_fail", { outcomes: { [A]: "pass" as const } }],
    // Somebody who did not bid teaches nothing about bids.
    ["no_known_fail", { outcomes: { [A]: "pass" as const, [C]: "fail" as const } }],
    ["trace_cost_unknown", { traceCostMicros: { [B]: asMicros(40) } }],
    ["juror_lost", { jurors: [A, B] }],
    ["entropy_missing", { bids: [aTrainingBid(), aTrainingBid({ agentId: B, entropy: null })] }],
  ])("leaves out: %s", (reason, fields) => {
    const found = usable([aTrainingAuction(1), aTrainingAuction(2, fields)]);
    expect(found.auctions).toHaveLength(1);
    expect(found.leftOut).toMatchObject({ [reason]: 1 });
  });

  test("keeps one jury: the most frequent, of equally frequent ones the more recent", () => {
    const judgedByBoth = (n: number) =>
      aTrainingAuction(n, {
        jurors: [B, A],
        bids: [
          aTrainingBid({ agentId: A, scores: { [A]: 5, [B]: 4 } }),
          aTrainingBid({ agentId: B, scores: { [A]: 3, [B]: 2 } }),
        ],
      });
    const twoAgainstOne = usable([aTrainingAuction(1), aTrainingAuction(2), judgedByBoth(3)]);
    expect(twoAgainstOne).toMatchObject({ jury: [A], leftOut: { other_jury: 1 } });
    const even = usable([judgedByBoth(3), aTrainingAuction(1), aTrainingAuction(2), judgedByBoth(4)]);
    expect(even).toMatchObject({ jury: [A, B], leftOut: { other_jury: 2 } });
  });

  test("nothing in, nothing out", () => {
    expect(usable([])).toMatchObject({ auctions: [], jury: [] });
  });
});
