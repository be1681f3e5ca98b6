/** The house models have the shape that house-agents.md gives them. Tolerances are three standard errors or more. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Bin, BINS, HOUSE_SIZES, type HouseSize } from "../../../emulators/house/constants.ts";
import {
  correlation,
  failureCorrelation,
  judgedBids,
  mean,
  outcomes,
  outcomesWithOtherSeeds,
  selfPreference,
  withinCellAuc,
} from "../../../emulators/house/measure.ts";
import { logprobsOf } from "../../../emulators/house/bid/logprobs.ts";
import { drawsFor } from "../../../emulators/house/draws.ts";
import { drawQuality } from "../../../emulators/house/quality.ts";
import { drawSuccess, passChance, targetPassRate } from "../../../emulators/house/success.ts";

const anySize = fc.constantFrom(...HOUSE_SIZES);
const anyBin = fc.constantFrom(...BINS);
const bids = judgedBids(15, 1);

/** Nats of one position, the mass that was not returned counted as one more outcome (auction.md). */
function entropyOf(top: readonly { readonly logprob: number }[]): number {
  const masses = top.map(({ logprob }) => Math.exp(logprob));
  const rest = 1 - masses.reduce((sum, mass) => sum + mass, 0);
  return [...masses, rest].filter((mass) => mass > 0).reduce((sum, mass) => sum - mass * Math.log(mass), 0);
}

function draw(seed: number, size: HouseSize, bin: Bin): number {
  return drawQuality({ seed, taskKey: "t", size, bin });
}

describe("success", () => {
  it("has the published shape at the ends", () => {
    const [smallest, largest] = [HOUSE_SIZES[0] as HouseSize, HOUSE_SIZES[3] as HouseSize];
    expect(BINS.map((bin) => targetPassRate(largest, bin))).toEqual([0.95, 0.8, 0.6, 0.35, 0.125]);
    expect(targetPassRate(smallest, 1)).toBeCloseTo(0.9 * 0.95);
    expect(targetPassRate(smallest, 5)).toBeCloseTo(0.2 * 0.125);
  });

  // 6 tasks x 800 seeds a cell: standard error at most 0.7 points.
  it.each([0, 1, 3])("meets its target on average in every cell at b = %d", (informativeness) => {
    for (const size of HOUSE_SIZES) {
      for (const bin of BINS) {
        const measured = mean(outcomes({ size, bin, seeds: 800, informativeness }));
        expect(Math.abs(measured - targetPassRate(size, bin))).toBeLessThan(0.025);
      }
    }
  });

  it("fails together: the two largest correlate between 0.5 and 0.65", () => {
    const measured = failureCorrelation(400, 1);
    expect(measured).toBeGreaterThan(0.5);
    expect(measured).toBeLessThan(0.65);
  });

  // Six tasks with fixed factors and 12 texts each: standard error up to 6 points.
  it("keeps its shape where every call carries a seed of its own", () => {
    const gaps = HOUSE_SIZES.flatMap((size) =>
      BINS.map(
        (bin) =>
          mean(outcomesWithOtherSeeds({ size, bin, seeds: 12, informativeness: 1 })) -
          targetPassRate(size, bin),
      ),
    );
    expect(Math.max(...gaps.map(Math.abs))).toBeLessThan(0.15);
    expect(Math.abs(mean(gaps))).toBeLessThan(0.03);
    const together = failureCorrelation(12, 1, outcomesWithOtherSeeds);
    expect(together).toBeGreaterThan(0.45);
    expect(together).toBeLessThan(0.7);
  });
});

describe("draws", () => {
  it("never turn a pass into a fail for a better plan, and ignore the plan at b = 0", () => {
    fc.assert(
      fc.property(
        fc.integer(),
        anySize,
        anyBin,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (seed, size, bin, p, q) => {
          const key = { seed, taskKey: "t", size, bin, informativeness: 1 };
          const [worse, better] = p < q ? [p, q] : [q, p];
          expect(passChance({ ...key, quality: worse })).toBeLessThanOrEqual(
            passChance({ ...key, quality: better }),
          );
          const passes = [worse, better].map((quality) => Number(drawSuccess({ ...key, quality })));
          expect(passes).toEqual(passes.toSorted((a, b) => a - b));
          const blind = { ...key, informativeness: 0 };
          expect(passChance({ ...blind, quality: worse })).toBe(passChance({ ...blind, quality: better }));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("go by name, never by order: other draws in between change nothing", () => {
    const alone = HOUSE_SIZES.map((size) => draw(7, size, 3));
    const turned = HOUSE_SIZES.toReversed().map((size) => [draw(8, size, 1), draw(7, size, 3)][1]);
    expect(turned.toReversed()).toEqual(alone);
  });
});

describe("jury", () => {
  it("reads quality in the text", () => {
    expect(
      correlation(
        bids.map((bid) => mean(bid.scores)),
        bids.map((bid) => bid.quality),
      ),
    ).toBeGreaterThan(0.5);
  });

  // Measured by report.ts: 0.60 for the jury's mean at b = 1, 0.50 at b = 0.
  it("predicts success above chance at b = 1, among bids of the same agent and bin", () => {
    const auc = withinCellAuc(bids, (bid) => mean(bid.scores));
    expect(auc).toBeGreaterThan(0.55);
    expect(auc).toBeLessThan(0.68);
  });

  it("predicts nothing at b = 0", () => {
    const auc = withinCellAuc(judgedBids(15, 0), (bid) => mean(bid.scores));
    expect(Math.abs(auc - 0.5)).toBeLessThan(0.04);
  });

  it("prefers its own strategies by about 0.3", () => {
    const preference = selfPreference(bids);
    expect(preference).toBeGreaterThan(0.2);
    expect(preference).toBeLessThan(0.4);
  });

  it("scores from 0 to 5 in whole points and uses the range", () => {
    const scores = bids.flatMap((bid) => bid.scores);
    expect(new Set(scores)).toEqual(new Set([0, 1, 2, 3, 4, 5]));
  });
});

describe("strategies", () => {
  it("are lower in entropy when worse, with noise", () => {
    const texts = Array.from({ length: 300 }, (_, index) => {
      const draws = drawsFor(index, "entropy test");
      const qualityZ = draws.normal();
      const tokens = logprobsOf({ text: "a plan of a few plain words ".repeat(20), qualityZ, top: 5, draws });
      return { qualityZ, entropy: mean(tokens.map((token) => entropyOf(token.top))) };
    });
    const r = correlation(
      texts.map((text) => text.qualityZ),
      texts.map((text) => text.entropy),
    );
    expect(r).toBeGreaterThan(0.3);
    expect(r).toBeLessThan(0.9);
    expect(mean(texts.map((text) => text.entropy))).toBeCloseTo(0.5, 0);
  });

  it("are 60 to 300 tokens long, most of them 80 or more, and longer when worse", () => {
    const tokens = bids.map((bid) => bid.tokens);
    expect(Math.min(...tokens)).toBeGreaterThan(45);
    expect(Math.max(...tokens)).toBeLessThanOrEqual(300);
    expect(mean(tokens.map((count) => (count >= 80 ? 1 : 0)))).toBeGreaterThan(0.98);
    const r = correlation(
      tokens,
      bids.map((bid) => bid.quality),
    );
    expect(r).toBeLessThan(-0.1);
    expect(r).toBeGreaterThan(-0.6);
  });
});
