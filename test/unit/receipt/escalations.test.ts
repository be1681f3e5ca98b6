/** Receipts of escalated tasks: to whom the task was sold after each attempt that failed. */
import { describe, expect, test } from "vitest";
import { clearingRecord } from "../../../src/market/auction-record.ts";
import { clearAuction } from "../../../src/market/clear.ts";
import { makeReceipt, type AwardedBid } from "../../../src/market/receipt.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema, type Receipt } from "../../../src/market/receipt-schema.ts";
import { standingsOf, type PassedOver } from "../../../src/market/sale/sale.ts";
import { anAuction, leavesOf, tampered } from "./support.ts";

/** One in which a refined bid takes over: the most that standings can be. */
function aTakeover() {
  for (let seed = 1; seed < 500; seed++) {
    const auction = anAuction({ seed });
    const cleared = clearAuction(clearingRecord(auction.opening, auction));
    if (cleared.ok && cleared.value.round === 2) return { ...auction, clearing: cleared.value };
  }
  throw new Error("no takeover among the seeds");
}

const { clearing, ...AUCTION } = aTakeover();
const STANDINGS = standingsOf(clearing);
const place = (at: number) => {
  const found = STANDINGS[at];
  if (found === undefined) throw new Error("too few bids");
  return found;
};
const over = (at: number): PassedOver => ({
  agentId: place(at).agentId,
  obstacles: [{ limit: "maxCostUsd", is: 0.5, needs: 0.9 }],
});

type Escalated = NonNullable<AwardedBid["escalations"]>[number];

/** Sold again to the bid in that place, over those in others. */
function next(attempt: number, at: number, passed: readonly number[] = []): Escalated {
  const { agentId, round } = place(at);
  if (round === 0) throw new Error("no auction was held");
  return { attempt, agentId, round, passedOver: passed.map(over) };
}

/** The same, as one that goes on with the steps of the one before. */
const takenOver = (escalated: Escalated): Escalated => ({ ...escalated, takesOver: true });

/** As it arrives at its reader: through JSON, and fit for the schema. */
function receiptOf(
  escalations: readonly Escalated[],
  of: {
    readonly maxAttempts?: number | null;
    readonly sale?: AwardedBid["sale"];
    readonly first?: number;
  } = {},
): Receipt {
  const { maxAttempts = 4, sale = null, first = 0 } = of;
  const { opening } = AUCTION;
  const policy = {
    ...opening.policy,
    ...(maxAttempts !== null && { escalation: { mode: "verified", maxAttempts } as const }),
  };
  const award = { agentId: place(first).agentId, clearing, awardedAtMs: 9, sale, escalations };
  const parts = { ...AUCTION, opening: { ...opening, policy }, decided: { kind: "award", award } as const };
  return receiptSchema.parse(JSON.parse(JSON.stringify(makeReceipt(parts))));
}

const pathsOf = (receipt: Receipt): string[] => {
  const computed = recompute(receipt);
  return computed.ok ? [] : computed.failure.map(({ path }) => path);
};

const overFirst = { round: place(1).round, chosenBy: "market", passedOver: [over(0)] } as const;

describe("a receipt of an escalated task computes again", () => {
  test.each<[string, Receipt]>([
    ["one attempt", receiptOf([])],
    ["one by one, in their order", receiptOf([next(2, 1), next(3, 2), next(4, 3)])],
    ["with a better bid passed over each time", receiptOf([next(2, 2, [1]), next(3, 3, [1])])],
    [
      "with a bid that was passed over before, and could be sold later",
      receiptOf([next(2, 2, [1]), next(3, 1)]),
    ],
    [
      "taken over, without a policy to escalate",
      receiptOf([takenOver(next(2, 1)), takenOver(next(3, 2))], { maxAttempts: null }),
    ],
    [
      "taken over beside as many attempts as there may be",
      receiptOf([takenOver(next(2, 1)), next(3, 2)], { maxAttempts: 2 }),
    ],
    ["whose first sale passed over the winner", receiptOf([next(2, 0)], { sale: overFirst, first: 1 })],
    ["and again", receiptOf([next(2, 2, [0])], { sale: overFirst, first: 1 })],
  ])("%s", (_, receipt) => {
    expect(pathsOf(receipt)).toEqual([]);
  });
});

describe("a receipt does not, that", () => {
  test.each<[string, Receipt, string]>([
    ["sells again to who has tried", receiptOf([next(2, 0)]), "decision.escalations[0].agentId"],
    ["sells twice to the same", receiptOf([next(2, 1), next(3, 1)]), "decision.escalations[1].agentId"],
    ["skips a bid without a word", receiptOf([next(2, 2)]), "decision.escalations[0].passedOver"],
    ["passes over who has tried", receiptOf([next(2, 2, [0, 1])]), "decision.escalations[0].passedOver"],
    ["passes over a worse bid", receiptOf([next(2, 1, [2])]), "decision.escalations[0].passedOver"],
    ["passes over whom it sells to", receiptOf([next(2, 1, [1])]), "decision.escalations[0].passedOver"],
    ["counts wrongly", receiptOf([next(3, 1)]), "decision.escalations[0].attempt"],
    [
      "is of a plan that the agent does not have in that round",
      receiptOf([{ ...next(2, 1), round: place(1).round === 1 ? 2 : 1 }]),
      "decision.escalations[0].agentId",
    ],
    [
      "goes beyond its attempts",
      receiptOf([next(2, 1), next(3, 2)], { maxAttempts: 2 }),
      "decision.escalations",
    ],
    [
      "is taken over by a worse bid than stood",
      receiptOf([takenOver(next(2, 2))]),
      "decision.escalations[0].passedOver",
    ],
    [
      "is taken over though the tenant chose the agent",
      receiptOf([takenOver(next(2, 1))], {
        sale: { round: place(0).round, chosenBy: "tenant", passedOver: [] },
      }),
      "decision.escalations",
    ],
    ["escalates without a policy to", receiptOf([next(2, 1)], { maxAttempts: null }), "decision.escalations"],
    [
      "escalates what the tenant chose from a quote",
      receiptOf([next(2, 1)], { sale: { round: place(0).round, chosenBy: "tenant", passedOver: [] } }),
      "decision.escalations",
    ],
    [
      "holds against a bid what it keeps to",
      receiptOf([
        {
          ...next(2, 2),
          passedOver: [{ agentId: place(1).agentId, obstacles: [{ limit: "deadlineS", is: 9, needs: 9 }] }],
        },
      ]),
      "decision.escalations[0].passedOver[0].obstacles[0]",
    ],
  ])("%s", (_, receipt, path) => {
    expect(pathsOf(receipt)).toContain(path);
  });

  test("has any of its escalations changed, but for figures of forecasts", () => {
    const receipt = receiptOf([next(2, 2, [1]), next(3, 3, [1])]);
    const leaves = leavesOf(receipt).filter(
      (path) => path[1] === "escalations" && !path.includes("obstacles"),
    );
    expect(leaves.length).toBeGreaterThanOrEqual(8);
    for (const path of leaves) {
      const forged = receiptSchema.safeParse(tampered(receipt, path));
      expect(forged.success && pathsOf(forged.data).length === 0, path.join(".")).toBe(false);
    }
  });
});

test("an empty list of escalations is no receipt: it would say what its absence says", () => {
  const receipt = receiptOf([]);
  const empty = { ...receipt, decision: { ...receipt.decision, escalations: [] } };
  expect(receiptSchema.safeParse(empty).success).toBe(false);
});
