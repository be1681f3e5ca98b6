import { describe, expect, test } from "vitest";
import { bidFigures, jurorVerdicts } from "../../../src/market/auction-record.ts";
import { aBid, agentId, aLostJuror, anAbstention, aPool, aVerdict } from "../../support/builders.ts";

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
