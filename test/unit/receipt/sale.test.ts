/** Receipts of auctions that were not simply won: another bid was sold, none was, or the tenant chose. */
import { describe, expect, test } from "vitest";
import { checkBallots } from "../../../bench/receipt/check-ballots.ts";
import { verifyReceipt } from "../../../bench/receipt/verify-receipt.ts";
import { clearAuction, type Clearing } from "../../../src/market/clear.ts";
import { clearingRecord } from "../../../src/market/auction-record.ts";
import { makeReceipt, type Decided } from "../../../src/market/receipt.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema, type Receipt } from "../../../src/market/receipt-schema.ts";
import { smallestRelaxation, standingsOf, type PassedOver } from "../../../src/market/sale/sale.ts";
import { anAuction } from "./support.ts";

/** One in which a refined bid takes over: the most that standings can be. */
function aTakeover() {
  for (let seed = 1; seed < 500; seed++) {
    const auction = anAuction({ seed });
    const cleared = clearAuction(clearingRecord(auction.opening, auction));
    if (cleared.ok && cleared.value.round === 2) return { ...auction, clearing: cleared.value };
  }
  throw new Error("no takeover among the seeds");
}

const AUCTION = aTakeover();
const STANDINGS = standingsOf(AUCTION.clearing);
const over: PassedOver[] = STANDINGS.map(({ agentId }, at) => ({
  agentId,
  obstacles: [{ limit: "maxCostUsd", is: 0.5, needs: 0.9 - 0.1 * at }],
}));
const place = (at: number) => {
  const found = STANDINGS[at];
  if (found === undefined) throw new Error("too few bids");
  return found;
};

/** As it arrives at its reader: through JSON, and fit for the schema. */
function receiptOf(decided: (clearing: Clearing) => Decided): Receipt {
  const { clearing, ...auction } = AUCTION;
  const receipt: unknown = JSON.parse(
    JSON.stringify(makeReceipt({ ...auction, decided: decided(clearing) })),
  );
  return receiptSchema.parse(receipt);
}

function sold(
  at: number,
  chosenBy: "market" | "tenant",
  passedOver: readonly PassedOver[],
  round = place(at).round,
) {
  const sale = { round, chosenBy, passedOver };
  return receiptOf((clearing) => ({
    kind: "award",
    award: { agentId: place(at).agentId, clearing, awardedAtMs: 9, sale },
  }));
}

function unsold(passedOver: readonly PassedOver[], end: Partial<Receipt["decision"]> = {}) {
  const relaxation = smallestRelaxation(over);
  const receipt = receiptOf((clearing) => ({
    kind: "unsold",
    unsold: {
      clearing,
      passedOver,
      end: { state: "no_sale", reason: "cost_limit", relaxation },
      decidedAtMs: 9,
    },
  }));
  return { ...receipt, decision: { ...receipt.decision, ...end } } as Receipt;
}

const pathsOf = (receipt: Receipt): string[] => {
  const computed = recompute(receipt);
  return [...(computed.ok ? [] : computed.failure), ...checkBallots(receipt)].map(({ path }) => path);
};

describe("a receipt of a sale", () => {
  test.each([1, 2])("to the bid in place %#+2, over better ones, computes again", (at) => {
    expect(pathsOf(sold(at, "market", over.slice(0, at)))).toEqual([]);
  });

  test("that the tenant chose from a quote computes again, whatever stood before it", () => {
    expect(pathsOf(sold(2, "tenant", []))).toEqual([]);
    expect(pathsOf(sold(1, "tenant", over.slice(2)))).toEqual([]);
  });

  test.each<[string, Receipt, string]>([
    ["passes over a better bid without a word", sold(1, "market", []), "decision.sale.passedOver"],
    ["passes over more than was better", sold(1, "market", over.slice(0, 3)), "decision.sale.passedOver"],
    [
      "names the bids in another order",
      sold(2, "market", over.slice(0, 2).toReversed()),
      "decision.sale.passedOver",
    ],
    ["is of a plan that nobody has", sold(0, "market", [], 1), "decision.sale.agentId"],
    [
      "is of a bid that something stands against",
      sold(1, "tenant", over.slice(1, 2)),
      "decision.sale.passedOver",
    ],
    [
      "holds against a bid what it keeps to",
      sold(1, "market", [
        { agentId: place(0).agentId, obstacles: [{ limit: "deadlineS", is: 9, needs: 9 }] },
      ]),
      "decision.sale.passedOver[0].obstacles[0]",
    ],
  ])("that %s does not", (_, receipt, path) => {
    expect(pathsOf(receipt)).toContain(path);
  });
});

describe("a receipt without a sale", () => {
  test("computes again, with what the least would have been", () => {
    expect(pathsOf(unsold(over))).toEqual([]);
  });

  test("of an open quote, and of one that ran out, computes again", () => {
    const clearedAtMs = 9;
    expect(pathsOf(receiptOf((clearing) => ({ kind: "quote", clearing, clearedAtMs })))).toEqual([]);
    expect(pathsOf(unsold([], { reason: "quote_expired", relaxation: null }))).toEqual([]);
  });

  const other = { agentId: place(0).agentId, limits: { maxCostUsd: 0.9 } };
  test.each<[string, Receipt, string]>([
    ["leaves a bid out", unsold(over.slice(1)), "decision.passedOver"],
    ["names another relaxation", unsold(over, { relaxation: other }), "decision.relaxation"],
    ["names another reason", unsold(over, { reason: "deadline" }), "decision.reason"],
    [
      "has run out, and still names a relaxation",
      unsold([], { reason: "quote_expired" }),
      "decision.relaxation",
    ],
    [
      "tells of another ranking",
      unsold(over, { clearing: { ...AUCTION.clearing, margin: 7 } }),
      "decision.clearing.margin",
    ],
  ])("that %s does not", (_, receipt, path) => {
    expect(pathsOf(receipt)).toContain(path);
  });
});

test("whoever verifies a receipt reads what came of the clearing", async () => {
  const { clearing } = AUCTION;
  const quoted = receiptOf(() => ({ kind: "quote", clearing, clearedAtMs: 9 }));
  const lines = [sold(1, "market", over.slice(0, 1)), quoted, unsold(over)].map(async (receipt) => {
    const unsigned = { signature: null, unsignedBecause: "no_signing_key" };
    const { agrees, lines: said } = await verifyReceipt({ object: "receipt", receipt, ...unsigned }, null);
    return [agrees, said[0]];
  });
  expect(await Promise.all(lines)).toEqual([
    [true, expect.stringContaining(`, ${place(1).agentId} is sold (market), as stated`)],
    [true, expect.stringContaining(", quoted, as stated")],
    [true, expect.stringContaining(", none is sold (cost_limit), as stated")],
  ]);
});
