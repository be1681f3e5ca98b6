import { describe, expect, test } from "vitest";
import { unknownAgents, type PastTask } from "../../../src/market/calibration/suitable.ts";
import type { TrainingAuction } from "../../../src/market/fit/training-auction.ts";
import type { AuctionId, TaskId } from "../../../src/market/ids.ts";
import { A, aTrainingAuction, aTrainingBid, B, C } from "../fit/support.ts";

const scores = { [A]: 3, [B]: 4, [C]: 5 };
const POOL = [A, B, C];

/** Three bids, three jurors; `agt_a` won and passed. */
function aPastTask(fields: Partial<TrainingAuction> = {}): PastTask {
  const auction = aTrainingAuction(1, {
    bids: POOL.map((agentId) => aTrainingBid({ agentId, scores })),
    jurors: POOL,
    outcomes: { [A]: "pass" },
    ...fields,
  });
  return { taskId: "tsk_1" as TaskId, auction };
}

describe("unknownAgents", () => {
  test("are those without an outcome, in the order of the pool", () => {
    expect(unknownAgents(aPastTask(), [C, A, B], [])).toEqual({ ok: true, value: [C, B] });
  });

  test("are not those whose run is under way or needs no repetition", () => {
    const { auctionId } = aPastTask().auction;
    const taken = [
      { auctionId, agentId: B },
      { auctionId: "auc_other" as AuctionId, agentId: C },
    ];
    expect(unknownAgents(aPastTask(), POOL, taken)).toEqual({ ok: true, value: [C] });
    const all = [...taken, { auctionId, agentId: C }];
    expect(unknownAgents(aPastTask(), POOL, all)).toEqual({ ok: false, failure: "all_known" });
  });

  const noBid = [A, B].map((agentId) => aTrainingBid({ agentId, scores }));
  const lostJuror = POOL.map((agentId) => aTrainingBid({ agentId, scores: { [A]: 1, [B]: 2 } }));
  const noEntropy = POOL.map((agentId) => aTrainingBid({ agentId, scores, entropy: null }));
  test.each<[string, Partial<TrainingAuction>]>([
    ["bids_missing", { bids: noBid }],
    ["juror_lost", { bids: lostJuror }],
    ["entropy_missing", { bids: noEntropy }],
    ["other_jury", { jurors: [A, B] }],
    ["other_jury", { jurors: [] }],
    ["all_known", { outcomes: { [A]: "pass", [B]: "fail", [C]: "pass" } }],
  ])("are not asked for: %s", (reason, fields) => {
    expect(unknownAgents(aPastTask(fields), POOL, [])).toEqual({ ok: false, failure: reason });
  });

  test("an agent that joined the pool since then has no bid to be calibrated by", () => {
    const newcomer = "agt_new" as typeof A;
    expect(unknownAgents(aPastTask(), [...POOL, newcomer], [])).toEqual({
      ok: false,
      failure: "bids_missing",
    });
    // One that left it still sat on the jury: the weights of now would not know its scores.
    expect(unknownAgents(aPastTask(), [A, B], [])).toEqual({ ok: false, failure: "other_jury" });
  });
});
