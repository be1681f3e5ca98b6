/** The comparison at equal cost, by hand; intervals against a table of Student's t. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Corner, frontier, mixAtCost } from "../../../bench/market/static-mix.ts";
import { estimate, pairedDifference, studentQuantile } from "../../../bench/market/statistics.ts";

const corner = (agentId: string, cost: number, pass: number): Corner => ({ agentId, cost, pass });

// By hand: c lies under the line from b to d (at cost 6 that is 0.5 + 0.2 * 4 / 8 = 0.6), so mixes leave it out.
const corners = [corner("a", 1, 0.3), corner("b", 2, 0.5), corner("c", 6, 0.55), corner("d", 10, 0.7)];

describe("static mix", () => {
  it("consists of the agents that no mix of others beats", () => {
    expect(frontier(corners).map(({ agentId }) => agentId)).toEqual(["a", "b", "d"]);
  });

  it("interpolates between its neighbours at equal cost", () => {
    const mix = mixAtCost(corners, 6);
    expect(mix).toMatchObject({ cost: 6, matched: true });
    expect(mix.pass).toBeCloseTo(0.6);
    expect(mix.shares).toEqual({ b: 0.5, d: 0.5 });
  });

  it("meets an agent at its own cost", () => {
    expect(mixAtCost(corners, 2)).toMatchObject({ pass: 0.5, matched: true });
    expect(mixAtCost(corners, 1)).toMatchObject({ pass: 0.3, matched: true, shares: { a: 1 } });
  });

  it("says so where no mix costs as little or as much", () => {
    expect(mixAtCost(corners, 0.5)).toMatchObject({ matched: false, shares: { a: 1 } });
    expect(mixAtCost(corners, 12)).toMatchObject({ matched: false, cost: 10, pass: 0.7, shares: { d: 1 } });
  });

  it("leaves out who costs more and passes less", () => {
    expect(frontier([corner("a", 1, 0.5), corner("b", 2, 0.4)]).map(({ agentId }) => agentId)).toEqual(["a"]);
  });

  it("is at least as good as any mix of two at the same cost", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const anyCorners = fc.array(fc.record({ cost: fc.integer({ min: 1, max: 50 }), pass: share }), {
      minLength: 2,
      maxLength: 6,
    });
    fc.assert(
      fc.property(anyCorners, share, (points, part) => {
        const all = points.map((point, i) => ({ ...point, agentId: String(i) }));
        const [one, two] = all as [Corner, Corner, ...Corner[]];
        const cost = part * one.cost + (1 - part) * two.cost;
        const pass = part * one.pass + (1 - part) * two.pass;
        expect(mixAtCost(all, cost).pass).toBeGreaterThanOrEqual(pass - 1e-9);
      }),
    );
  });
});

describe("intervals", () => {
  it.each([
    [4, 2.776],
    [9, 2.262],
    [19, 2.093],
    [99, 1.984],
  ])("use Student's quantile at %d degrees of freedom", (degrees, table) => {
    expect(Math.abs(studentQuantile(degrees) / table - 1)).toBeLessThan(0.01);
  });

  it("are those of the differences, not of the arms", () => {
    // Differences 1 to 5: mean 3, standard error sqrt(2.5 / 5), t at 4 degrees of freedom 2.776.
    const { mean, low, high } = pairedDifference([101, 52, 13, 8, 305], [100, 50, 10, 4, 300]);
    expect(mean).toBeCloseTo(3);
    expect(high - mean).toBeCloseTo(2.776 * Math.sqrt(0.5), 1);
    expect(mean - low).toBeCloseTo(high - mean);
  });

  it("refuse what is not paired, and are points for a single seed", () => {
    expect(() => pairedDifference([1], [1, 2])).toThrow("not paired");
    expect(estimate([3])).toEqual({ mean: 3, low: 3, high: 3 });
  });
});
