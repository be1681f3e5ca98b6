import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clearAuction, type Clearing } from "../../../src/market/clear.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { asMicros, microsToUsd } from "../../../src/market/money.ts";
import { forecastOf, NO_TRACES, type Forecast } from "../../../src/market/sale/forecast.ts";
import { sell, standingsOf, type SaleTerms, type Standing } from "../../../src/market/sale/sale.ts";
import { aPolicy, aPool, agentId } from "../../support/builders.ts";

const [A, B, C] = ["a", "b", "c"].map(agentId) as [AgentId, AgentId, AgentId];

const [first] = aPool();
if (first === undefined) throw new Error("an empty pool");
const FORECAST = forecastOf(first, NO_TRACES);

const standing = (id: AgentId): Standing => ({ agentId: id, round: 1, scored: null });
const STANDINGS = [A, B, C].map(standing);

function termsOf(
  forecasts: Readonly<Record<AgentId, Partial<Forecast>>>,
  more: Partial<SaleTerms> = {},
): SaleTerms {
  const all = [A, B, C].map((id): [AgentId, Forecast] => [
    id,
    { ...FORECAST, medianMicros: asMicros(0), ...forecasts[id] },
  ]);
  return {
    forecasts: new Map(all),
    limits: { maxCostUsd: null, deadlineS: 100, maxSteps: 10 },
    spentMicros: asMicros(0),
    elapsedMs: 0,
    shares: new Map(),
    ...more,
  };
}

describe("standings", () => {
  const bids = [A, B, C].map((id, at) => ({ agentId: id, price: 3 - at, tokens: 100, entropy: null }));
  const pool = bids.map(({ agentId: id, price }) => ({ agentId: id, price }));
  const verdict = (scores: readonly number[]) => ({
    jurorId: A,
    scores: Object.fromEntries([A, B, C].map((id, at) => [id, scores[at] ?? 0])),
  });
  const policy = {
    ...aPolicy("sale:entropy=off"),
    weights: { cost: 0, entropy: 0, jurors: { [A]: 1 } },
  };
  const clear = (refined: Parameters<typeof clearAuction>[0]["refined"]): Clearing => {
    const record = { policy, seed: 1, pool, first: { bids, verdicts: [verdict([5, 3, 4])] }, refined };
    const cleared = clearAuction(record);
    if (!cleared.ok) throw new Error(cleared.failure.reason);
    return cleared.value;
  };
  const places = (clearing: Clearing) => standingsOf(clearing).map((one) => [one.agentId, one.round]);

  test("are the ranking, where nobody refined", () => {
    expect(places(clear(null))).toEqual([
      [A, 1],
      [C, 1],
      [B, 1],
    ]);
  });

  test("begin with a challenger that took over; the holder stands by its first bid, the rest by theirs", () => {
    const refined = {
      bids: [{ agentId: B, price: 2, tokens: 90, entropy: null }],
      verdicts: [verdict([4, 5, 0])],
    };
    expect(places(clear(refined))).toEqual([
      [B, 2],
      [A, 1],
      [C, 1],
    ]);
  });

  test("keep a challenger that did not take over behind the holder, by its refined bid", () => {
    const refined = {
      bids: [{ agentId: B, price: 2, tokens: 90, entropy: null }],
      verdicts: [verdict([4, 4, 0])],
    };
    expect(places(clear(refined))).toEqual([
      [A, 1],
      [B, 2],
      [C, 1],
    ]);
  });

  test("are the chosen agent alone, where no auction was held", () => {
    const record = {
      policy: aPolicy("cheapest"),
      seed: 1,
      pool,
      first: { bids: [], verdicts: [] },
      refined: null,
    };
    const cleared = clearAuction(record);
    expect(cleared.ok && places(cleared.value)).toEqual([[C, 0]]);
  });
});

describe("a sale", () => {
  test("goes to the best bid, where nothing stands against it", () => {
    expect(sell(STANDINGS, termsOf({}))).toEqual({
      ok: true,
      value: { standing: standing(A), passedOver: [] },
    });
  });

  test("passes over a trace that is likelier than not to cost more than is left", () => {
    const terms = termsOf(
      { [A]: { medianMicros: asMicros(901) } },
      { limits: { maxCostUsd: 0.001, deadlineS: 100, maxSteps: 10 }, spentMicros: asMicros(100) },
    );
    const sold = sell(STANDINGS, terms);
    expect(sold.ok && sold.value).toEqual({
      standing: standing(B),
      passedOver: [{ agentId: A, obstacles: [{ limit: "maxCostUsd", is: 0.001, needs: 0.001_001 }] }],
    });
  });

  test("takes what just fits", () => {
    const terms = termsOf(
      { [A]: { medianMicros: asMicros(900), medianMs: 40_000, medianSteps: 10 } },
      {
        limits: { maxCostUsd: 0.001, deadlineS: 100, maxSteps: 10 },
        spentMicros: asMicros(100),
        elapsedMs: 60_000,
      },
    );
    expect(sell(STANDINGS, terms).ok).toBe(true);
  });

  test.each<[string, Partial<Forecast>, object]>([
    ["time", { medianMs: 100_001 }, { limit: "deadlineS", is: 100, needs: 101 }],
    ["steps", { medianSteps: 11 }, { limit: "maxSteps", is: 10, needs: 11 }],
  ])("passes over a trace that is likely to want more %s", (_, forecast, obstacle) => {
    const sold = sell(STANDINGS, termsOf({ [A]: forecast }));
    expect(sold.ok && sold.value.passedOver).toEqual([{ agentId: A, obstacles: [obstacle] }]);
  });

  test("holds nothing against a bid of which nothing is known", () => {
    expect(sell(STANDINGS, termsOf({ [A]: { medianMs: null, medianSteps: null } })).ok).toBe(true);
  });

  test("passes over an agent that has its share of awards", () => {
    const sold = sell(STANDINGS, termsOf({}, { shares: new Map([[A, { cap: 0.2, needs: 0.21 }]]) }));
    expect(sold.ok && sold.value.standing.agentId).toBe(B);
  });
});

describe("no sale", () => {
  const refusalOf = (terms: SaleTerms) => {
    const sold = sell(STANDINGS, terms);
    if (sold.ok) throw new Error("it was sold");
    return sold.failure;
  };

  test("names the change that is the smallest, as a ratio, though a better bid stood before", () => {
    const terms = termsOf({
      [A]: { medianMs: 400_000 },
      [B]: { medianMs: 150_000 },
      [C]: { medianSteps: 19 },
    });
    expect(refusalOf(terms)).toMatchObject({
      reason: "deadline",
      relaxation: { agentId: B, limits: { deadlineS: 150 } },
    });
  });

  test("prefers one limit to two, however far it is to give", () => {
    const both = { medianMs: 101_000, medianSteps: 11 };
    const terms = termsOf({ [A]: both, [B]: both, [C]: { medianSteps: 500 } });
    expect(refusalOf(terms)).toMatchObject({
      reason: "step_limit",
      relaxation: { agentId: C, limits: { maxSteps: 500 } },
    });
  });

  test("has several limits for its reason, where no bid fails at one alone", () => {
    const both = { medianMs: 101_000, medianSteps: 11 };
    expect(refusalOf(termsOf({ [A]: both, [B]: both, [C]: both }))).toMatchObject({
      reason: "limits",
      relaxation: { agentId: A, limits: { deadlineS: 101, maxSteps: 11 } },
    });
  });

  test("asks for nothing that another bid does without, where the largest change is the same", () => {
    const [more, less] = [12, 11].map((medianSteps) => ({ medianMs: 400_000, medianSteps }));
    expect(refusalOf(termsOf({ [A]: more ?? {}, [B]: less ?? {}, [C]: more ?? {} }))).toMatchObject({
      relaxation: { agentId: B, limits: { deadlineS: 400, maxSteps: 11 } },
    });
  });

  const figures = fc.record({
    medianMicros: fc.nat(5_000_000).map(asMicros),
    medianMs: fc.option(fc.nat(400_000)),
    medianSteps: fc.option(fc.nat(40)),
  });
  const world = fc.record({
    forecasts: fc.tuple(figures, figures, figures),
    maxCostUsd: fc.option(
      fc.integer({ min: 1, max: 3_000_000 }).map((micros) => microsToUsd(asMicros(micros))),
    ),
    spentMicros: fc.nat(1_000_000).map(asMicros),
    elapsedMs: fc.nat(50_000),
    capped: fc.boolean(),
  });

  test("would have been a sale with that relaxation, and with nothing less", () => {
    let unsold = 0;
    fc.assert(
      fc.property(world, ({ forecasts: [a, b, c], maxCostUsd, spentMicros, elapsedMs, capped }) => {
        const limits = { maxCostUsd, deadlineS: 100, maxSteps: 10 };
        const shares = new Map(capped ? [[A, { cap: 0.5, needs: 0.51 }]] : []);
        const terms = termsOf({ [A]: a, [B]: b, [C]: c }, { limits, spentMicros, elapsedMs, shares });
        const sold = sell(STANDINGS, terms);
        if (sold.ok) return;
        unsold += 1;
        const { agentId: id, limits: wanted } = sold.failure.relaxation;
        const { maxShare, ...own } = wanted;
        const relaxed = {
          ...terms,
          limits: { ...limits, ...own },
          shares: new Map([...shares].map(([of, share]) => [of, { ...share, cap: maxShare ?? share.cap }])),
        };
        const again = sell(STANDINGS, relaxed);
        expect(again.ok && again.value.standing.agentId).toBe(id);
        // A hair less of any of them, and nobody gets it.
        for (const name of Object.keys(own) as (keyof typeof own)[]) {
          const less = { ...relaxed, limits: { ...relaxed.limits, [name]: (own[name] ?? 0) * (1 - 1e-9) } };
          expect(sell(STANDINGS, less).ok).toBe(false);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(unsold).toBeGreaterThan(50);
  });
});
