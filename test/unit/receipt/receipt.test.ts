/** Receipts: made from a room's record, computed again from their own figures. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkBallots } from "../../../bench/receipt/check-ballots.ts";
import { makeReceipt } from "../../../src/market/receipt.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema, type Receipt } from "../../../src/market/receipt-schema.ts";
import { agentSchema } from "../../../src/market/agent.ts";
import { aBid, agentId, anOpening } from "../../support/builders.ts";
import { anAuction, aReceipt, draws, leavesOf, tampered, type Path } from "./support.ts";

/** Every place where a receipt is found out without its signature. */
function faultsOf(receipt: unknown): readonly string[] {
  const parsed = receiptSchema.safeParse(receipt);
  if (!parsed.success) return ["form"];
  const again = recompute(parsed.data);
  return [...(again.ok ? [] : again.failure), ...checkBallots(parsed.data)].map(({ path }) => path);
}

describe("a receipt", () => {
  test("of any auction, under any policy, has the schema's form and computes again to what it states", () => {
    fc.assert(
      fc.property(draws, (draw) => {
        const receipt = aReceipt(draw);
        expect(receiptSchema.parse(receipt)).toEqual(receipt);
        const { decision } = receipt;
        const clearing = decision.status === "cleared" ? decision.clearing : null;
        expect(recompute(receipt)).toEqual({ ok: true, value: clearing });
        expect(checkBallots(receipt)).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test("shows neither names of secrets nor addresses of endpoints", () => {
    const secretive = agentSchema.parse({
      id: "agt_small",
      name: "Small",
      model: "m",
      provider: "openai-compatible",
      baseUrl: "https://internal.example.com/v1",
      apiKeySecret: "VERY_SECRET_NAME",
      usdPerMtok: { input: 1, output: 2 },
      priceSource: "made up",
      contextTokens: 8_192,
      maxOutputTokens: 1_024,
    });
    const opening = anOpening({ pool: [secretive] });
    const text = JSON.stringify(
      makeReceipt({ opening, bids: [], verdicts: [], refinements: null, award: null }),
    );
    expect(text).not.toMatch(/VERY_SECRET_NAME|internal\.example/);
  });

  test("says where a strategy's entropy comes from, or why it has none", () => {
    const auction = anAuction();
    const [tiny, ...rest] = auction.opening.pool;
    if (tiny === undefined) throw new Error("no pool");
    const mute = { ...tiny, topLogprobs: 0 };
    const none = { entropy: null, entropyTopK: null };
    const bids = [
      aBid({ round: 1, agentId: mute.id, ...none }),
      aBid({ round: 1, agentId: agentId("small"), ...none }),
      aBid({ round: 1, agentId: agentId("large"), entropy: 0.25, entropyTopK: 5 }),
    ];
    const receipt = makeReceipt({ ...auction, opening: { ...auction.opening, pool: [mute, ...rest] }, bids });
    expect(receipt.bids.map((bid) => (bid.status === "valid" ? bid.entropy : null))).toEqual([
      { source: "none", nats: null, reason: "not-asked" },
      { source: "none", nats: null, reason: "not-returned" },
      { source: "top-k", nats: 0.25, topK: 5 },
    ]);
  });
});

/** An auction in which a refined bid takes over, so that nothing in the receipt is idle. */
function aTakeover(): Receipt {
  for (let seed = 1; seed < 500; seed++) {
    const receipt = aReceipt({ seed });
    if (receipt.decision.status === "cleared" && receipt.decision.clearing.round === 2) return receipt;
  }
  throw new Error("no takeover among the seeds");
}

describe("recomputing", () => {
  test("finds every single leaf of the decision that was changed, under any policy", () => {
    fc.assert(
      fc.property(draws, fc.nat(), (draw, pick) => {
        const receipt = aReceipt(draw);
        if (receipt.decision.status !== "cleared") return;
        const leaves = leavesOf(receipt.decision.clearing, ["decision", "clearing"]);
        const path = leaves[pick % leaves.length] as Path;
        expect(faultsOf(tampered(receipt, path)), path.join(".")).not.toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test("finds every change of a number that the decision was computed from", () => {
    const receipt = aTakeover();
    const computedFrom = (path: Path) => {
      const name = path.join(".");
      return (
        /^(?:policy\.weights\.|pool\.\d+\.(?:id|prices\.output)|verdicts\.\d+\.(?:scores|jurorId|round|status))/.test(
          name,
        ) ||
        /^(?:bids\.\d+\.(?:agentId|round|visibleTokens|entropy\.(?:nats|source)|status)|refinements\.\d+\.agentId)/.test(
          name,
        ) ||
        /^policy\.rules\.(?:kind|entropy|memory|jury\.(?:size|self))/.test(name)
      );
    };
    const leaves = leavesOf(receipt).filter(computedFrom);
    expect(leaves.length).toBeGreaterThan(80);
    const unseen = leaves.filter((path) => faultsOf(tampered(receipt, path)).length === 0);
    expect(unseen).toEqual([]);
  });

  test("names the place, what is stated and what the figures give", () => {
    const receipt = aReceipt();
    if (receipt.decision.status !== "cleared") throw new Error("not cleared");
    const { clearing } = receipt.decision;
    const winner = clearing.winner === "agt_tiny" ? agentId("large") : agentId("tiny");
    const forged = { ...receipt, decision: { ...receipt.decision, clearing: { ...clearing, winner } } };
    expect(recompute(forged)).toEqual({
      ok: false,
      failure: [{ path: "decision.clearing.winner", stated: winner, expected: clearing.winner }],
    });
  });

  test.each<[string, (receipt: Receipt) => unknown, string]>([
    ["a bid left out", (r) => ({ ...r, bids: r.bids.slice(1) }), "bids"],
    ["a bid twice", (r) => ({ ...r, bids: [...r.bids, r.bids[0]] }), "bids["],
    ["a juror left out", (r) => ({ ...r, verdicts: r.verdicts.slice(1) }), "verdicts"],
    ["a juror twice", (r) => ({ ...r, verdicts: [...r.verdicts, r.verdicts[0]] }), "verdicts["],
    ["refinements denied", (r) => ({ ...r, refinements: [] }), "bids["],
    [
      "a refined bid left out",
      (r) => ({ ...r, bids: r.bids.filter((bid) => bid.round === 1) }),
      "refinements[0]",
    ],
    ["no bids claimed", (r) => ({ ...r, decision: { status: "no-bids" } }), "decision.status"],
  ])("finds %s", (_, forge, place) => {
    const faults = faultsOf(forge(aTakeover()));
    expect(
      faults.some((path) => path.startsWith(place)),
      faults.join(", "),
    ).toBe(true);
  });

  test("finds a juror that the seed did not draw", () => {
    const receipt = aReceipt({ policy: "sale-single-juror", refine: false });
    const [drawn] = receipt.verdicts;
    const stranger = receipt.pool.find(({ id }) => id !== drawn?.jurorId)?.id;
    const forged = structuredClone(receipt) as unknown as { verdicts: { jurorId: unknown }[] };
    (forged.verdicts[0] as { jurorId: unknown }).jurorId = stranger;
    expect(checkBallots(forged as unknown as Receipt)).not.toEqual([]);
  });
});
