/** Receipts: made from a room's record, computed again from their own figures. */
import type { AgentId } from "../../../src/market/ids.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkBallots } from "../../../bench/receipt/check-ballots.ts";
import { makeReceipt } from "../../../src/market/receipt.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema, type Receipt } from "../../../src/market/receipt-schema.ts";
import { agentSchema } from "../../../src/market/agent.ts";
import { clearingRecord, type BidRecord } from "../../../src/market/auction-record.ts";
import { clearAuction } from "../../../src/market/clear.ts";
import { changeOf } from "../../../src/market/receipt-change.ts";
import { aBid, agentId, anAbstention, anOpening } from "../../support/builders.ts";
import { anAuction, aReceipt, aRefinement, draws, leavesOf, tampered, type Path } from "./support.ts";

const TINY = agentId("tiny");
const LARGE = agentId("large");

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
      makeReceipt({ opening, bids: [], verdicts: [], refinements: null, decided: { kind: "no-bids" } }),
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

describe("what refining changed", () => {
  /** The refinement of one agent in a hand-worked auction: large leads, tiny was asked. */
  function refinementOf(refined: BidRecord) {
    const auction = anAuction({ policy: "sale:jury=none" });
    const { pool } = auction.opening;
    const policy = { ...auction.opening.policy, weights: { cost: 0.001, entropy: 1, jurors: {} } };
    const opening = { ...auction.opening, policy };
    const first = pool.map(({ id }) =>
      id === TINY
        ? aBid({ agentId: id, round: 1, strategy: "Read the file. Guess.", visibleTokens: 300, entropy: 0.2 })
        : aBid({ agentId: id, round: 1, visibleTokens: 100, entropy: id === LARGE ? 0.9 : 0.1 }),
    );
    const bids = [...first, refined];
    const cleared = clearAuction(clearingRecord(opening, { bids, verdicts: [] }));
    if (!cleared.ok) throw new Error(cleared.failure.reason);
    const refinements = [aRefinement(TINY)];
    const award = { agentId: cleared.value.winner, clearing: cleared.value, awardedAtMs: 1 };
    const decided = { kind: "award", award } as const;
    const receipt = makeReceipt({ opening, bids, verdicts: [], refinements, decided });
    expect(recompute(receipt).ok).toBe(true);
    expect(receipt.policy.name).toBe("sale:jury=none");
    return receipt.refinements?.[0];
  }
  const better = { agentId: TINY, round: 2, strategy: "Read the file, test, then guess again!" } as const;

  test("is the refined bid minus the first: tokens, terms, score, and the words that both have", () => {
    const found = refinementOf(aBid({ ...better, visibleTokens: 200, entropy: 1.5 }));
    expect(found?.unchangedBecause).toBeNull();
    const { change } = found ?? {};
    // Tiny costs 0.05: 0.001 · 0.05 · (200 − 300); no jury; score = cost − entropy.
    expect(change?.visibleTokens).toBe(-100);
    expect(change?.cost).toBeCloseTo(-0.005);
    expect(change?.entropy).toBeCloseTo(1.3);
    expect(change?.juryValue).toBe(0);
    expect(change?.score).toBeCloseTo(-1.305);
    // read, the, file, guess of read, the, file, guess, test, then, again.
    expect(change?.wordsShared).toBeCloseTo(4 / 7);
    expect(change?.tookOver).toBe(true);
  });

  test("is told of a refined bid that did not take over, too", () => {
    const found = refinementOf(aBid({ ...better, visibleTokens: 300, entropy: 0.3 }));
    expect(found?.change).toMatchObject({ visibleTokens: 0, cost: 0, tookOver: false });
  });

  test.each<[string, BidRecord]>([
    ["abstained", anAbstention({ agentId: TINY, round: 2 })],
    ["no-entropy", aBid({ ...better, entropy: null, entropyTopK: null })],
  ])("is null where there is none to compare, because: %s", (reason, refined) => {
    expect(refinementOf(refined)).toMatchObject({ change: null, unchangedBecause: reason });
  });

  test("is null for a bid that was never admitted, and a receipt that says otherwise is found out", () => {
    const { refinements, ...receipt } = aTakeover();
    const leader = receipt.decision.status === "cleared" ? receipt.decision.clearing.provisionalWinner : TINY;
    const [asked] = refinements ?? [];
    if (asked === undefined) throw new Error("nobody was asked");
    // The leader itself may not refine.
    expect(changeOf(leader, receipt.bids, null)).toEqual({ change: null, unchangedBecause: "not-admitted" });
    const denied = [{ ...asked, change: null, unchangedBecause: "abstained" as const }];
    const faults = faultsOf({ ...receipt, refinements: [...denied, ...(refinements ?? []).slice(1)] });
    expect(faults).toContain("refinements[0].unchangedBecause");
  });
});

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
        /^policy\.rules\.(?:kind|entropy|memory|jury\.(?:size|self))/.test(name) ||
        /^(?:policy\.name|refinements\.\d+\.(?:change|unchangedBecause))/.test(name)
      );
    };
    const leaves = leavesOf(receipt).filter(computedFrom);
    expect(leaves.length).toBeGreaterThan(80);
    const unseen = leaves.filter((path) => faultsOf(tampered(receipt, path)).length === 0);
    expect(unseen).toEqual([]);
  });

  test("holds a bid that a juror failed on to 0", () => {
    const receipt = aReceipt();
    const at = receipt.verdicts.findIndex(
      (one) => one.status === "scored" && Object.values(one.scores).some((score) => score > 0),
    );
    const verdict = receipt.verdicts[at];
    if (verdict?.status !== "scored") throw new Error("no juror gave a point");
    const [liked] = (Object.keys(verdict.scores) as AgentId[]).filter((id) => (verdict.scores[id] ?? 0) > 0);
    const failing = { ...verdict, failedOn: { [liked ?? ""]: "malformed" } };
    expect(faultsOf({ ...receipt, verdicts: receipt.verdicts.with(at, failing) })).toEqual([
      `verdicts[${at}].scores.${liked}`,
    ]);
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
