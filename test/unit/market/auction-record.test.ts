import { describe, expect, test } from "vitest";
import { bidFigures, clearingRecord, jurorVerdicts } from "../../../src/market/auction-record.ts";
import {
  aBid,
  agentId,
  aLostJuror,
  anAbstention,
  anOpening,
  aPool,
  aVerdict,
} from "../../support/builders.ts";

const [tiny, small, medium] = [agentId("tiny"), agentId("small"), agentId("medium")];

describe("the figures of recorded bids", () => {
  test("take the price from the frozen pool, length and entropy from the bid", () => {
    expect(bidFigures(aPool(), [aBid({ agentId: small, visibleTokens: 123, entropy: null })])).toEqual([
      { agentId: small, price: 0.09, tokens: 123, entropy: null },
    ]);
  });

  test("leave out who abstained, and who is not of the pool", () => {
    const stranger = aBid({ agentId: agentId("stranger") });
    const bids = [anAbstention({ agentId: small }), aBid({ agentId: tiny }), stranger];
    expect(bidFigures(aPool(), bids).map((bid) => bid.agentId)).toEqual([tiny]);
  });

  test("stand in the order of the agents' ids, whatever the order of arrival and of the pool", () => {
    const bids = [aBid({ agentId: tiny }), aBid({ agentId: medium }), aBid({ agentId: small })];
    const figures = bidFigures(aPool(), bids);
    expect(figures.map((bid) => bid.agentId)).toEqual([medium, small, tiny]);
    expect(bidFigures(aPool().toReversed(), bids.toReversed())).toEqual(figures);
  });

  test("of no bids are none", () => {
    expect(bidFigures(aPool(), [])).toEqual([]);
  });
});

test("the scores of recorded verdicts leave out who left the jury", () => {
  const scores = { [tiny]: 0, [small]: 5 };
  const verdicts = [aLostJuror({ jurorId: tiny }), aVerdict({ jurorId: small, scores })];
  expect(jurorVerdicts(verdicts)).toEqual([{ jurorId: small, scores }]);
});

describe("the record that clearing decides on", () => {
  const opening = anOpening();
  const bids = [aBid({ agentId: small }), aBid({ agentId: tiny }), anAbstention({ agentId: medium })];
  const verdicts = [aVerdict({ jurorId: tiny, scores: { [tiny]: 1, [small]: 2 } })];

  test("carries policy, seed and the pool in the order of its file, with prices", () => {
    const record = clearingRecord(opening, { bids, verdicts });
    expect(record).toMatchObject({ policy: opening.policy, seed: opening.seed });
    expect(record.pool.map((agent) => agent.agentId)).toEqual(aPool().map((agent) => agent.id));
    expect(record.pool.map((agent) => agent.price)).toEqual([0.05, 0.09, 0.16, 0.36]);
  });

  test("has no second round where nobody was asked to refine", () => {
    const { first, refined } = clearingRecord(opening, { bids, verdicts });
    expect(first.bids.map((bid) => bid.agentId)).toEqual([small, tiny]);
    expect(first.verdicts).toEqual([{ jurorId: tiny, scores: { [tiny]: 1, [small]: 2 } }]);
    expect(refined).toBeNull();
  });

  test("keeps the rounds apart, whatever the order of arrival", () => {
    const again = aBid({ agentId: tiny, round: 2, visibleTokens: 99 });
    const second = aVerdict({ jurorId: small, round: 2, scores: { [tiny]: 5, [small]: 3 } });
    const answers = { bids: [again, ...bids], verdicts: [second, ...verdicts] };
    const record = clearingRecord(opening, answers);
    expect(record.first).toEqual(clearingRecord(opening, { bids, verdicts }).first);
    expect(record.refined?.bids).toEqual([{ agentId: tiny, price: 0.05, tokens: 99, entropy: 0.5 }]);
    expect(record.refined?.verdicts).toEqual([{ jurorId: small, scores: { [tiny]: 5, [small]: 3 } }]);
    const reversed = { bids: answers.bids.toReversed(), verdicts: answers.verdicts.toReversed() };
    expect(clearingRecord(opening, reversed)).toEqual(record);
  });

  test("has an empty second round where all who were asked abstained", () => {
    const abstained = anAbstention({ agentId: tiny, round: 2 });
    expect(clearingRecord(opening, { bids: [...bids, abstained], verdicts }).refined).toEqual({
      bids: [],
      verdicts: [],
    });
  });
});
