import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawNonce, drawNumber, drawOrder } from "../../../src/market/draw.ts";

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });
const purposes = fc.string({ maxLength: 40 });

/** Seeds as auctions have them: spread over the whole range, here by Weyl's sequence. */
const SEEDS = Array.from({ length: 2_000 }, (_, at) => Math.imul(at, 0x9e3779b1) >>> 1);
const JURORS = ["agt_house-4b", "agt_house-8b", "agt_house-14b", "agt_house-32b"];

function share(hits: (seed: number) => boolean): number {
  return SEEDS.filter((seed) => hits(seed)).length / SEEDS.length;
}

describe("an order", () => {
  test("is a permutation, leaves its input alone, and is the same for the same seed and purpose", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), seeds, purposes, (items, seed, purpose) => {
        const before = [...items];
        const order = drawOrder(items, seed, purpose);
        expect(items).toEqual(before);
        expect(order.toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
        expect(drawOrder(items, seed, purpose)).toEqual(order);
      }),
    );
  });

  test("is not moved by other draws of the same auction", () => {
    const items = [1, 2, 3, 4, 5, 6];
    const alone = drawOrder(items, 7, "jury-order/agt_a");
    drawNonce(7, "jury/agt_a");
    drawOrder(items, 7, "jury-order/agt_b");
    expect(drawOrder(items, 7, "jury-order/agt_a")).toEqual(alone);
  });

  test("puts each of four bids first about equally often", () => {
    for (const juror of JURORS) {
      for (const item of ["a", "b", "c", "d"]) {
        const first = share(
          (seed) => drawOrder(["a", "b", "c", "d"], seed, `jury-order/${juror}`)[0] === item,
        );
        // 0.25 ± 5 standard deviations of a fair draw over 2,000 seeds.
        expect(first, `${item} first for ${juror}`).toBeGreaterThan(0.2);
        expect(first, `${item} first for ${juror}`).toBeLessThan(0.3);
      }
    }
  });

  // Jurors favour what they read first. That cancels out only where their orders do not follow one another.
  test.each([
    [2, 1 / 2],
    [3, 1 / 6],
    [4, 1 / 24],
  ])("of %d bids is drawn for each juror on its own", (size, chance) => {
    const items = ["a", "b", "c", "d"].slice(0, size);
    const order = (seed: number, juror: string) => drawOrder(items, seed, `jury-order/${juror}`).join("");
    // 6 standard deviations of a fair draw over 2,000 seeds: about 0.07 at 1/2, 0.05 at 1/6, 0.03 at 1/24.
    const slack = 6 * Math.sqrt((chance * (1 - chance)) / SEEDS.length);
    const shares = JURORS.flatMap((a, at) =>
      JURORS.slice(at + 1).map((b) => ({ a, b, same: share((seed) => order(seed, a) === order(seed, b)) })),
    );
    const dependent = shares.filter(({ same }) => Math.abs(same - chance) > slack);
    expect(dependent).toEqual([]);
  });
});

describe("a nonce", () => {
  test("has six consonants", () => {
    fc.assert(
      fc.property(seeds, purposes, (seed, purpose) => {
        expect(drawNonce(seed, purpose)).toMatch(/^[b-df-hj-np-tv-xz]{6}$/);
        expect(drawNonce(seed, purpose)).toBe(drawNonce(seed, purpose));
      }),
    );
  });

  test("differs by seed and by purpose", () => {
    const nonces = SEEDS.slice(0, 100).flatMap((seed) =>
      JURORS.map((juror) => drawNonce(seed, `jury/${juror}`)),
    );
    expect(new Set(nonces).size).toBe(nonces.length);
  });
});

describe("a number", () => {
  test("is at least 0 and below 1, and the same for the same seed and purpose", () => {
    fc.assert(
      fc.property(seeds, purposes, (seed, purpose) => {
        const drawn = drawNumber(seed, purpose);
        expect(drawn).toBeGreaterThanOrEqual(0);
        expect(drawn).toBeLessThan(1);
        expect(drawNumber(seed, purpose)).toBe(drawn);
      }),
    );
  });

  test("falls into each tenth about equally often, whatever the purpose", () => {
    for (const purpose of ["random-policy", "static-mix"]) {
      for (let tenth = 0; tenth < 10; tenth++) {
        const hits = share((seed) => Math.floor(drawNumber(seed, purpose) * 10) === tenth);
        // 0.1 ± 5 standard deviations of a fair draw over 2,000 seeds.
        expect(Math.abs(hits - 0.1), `tenth ${tenth} of ${purpose}`).toBeLessThan(0.034);
      }
    }
  });

  test("of one purpose says nothing of another", () => {
    const both = share(
      (seed) => drawNumber(seed, "random-policy") < 0.5 && drawNumber(seed, "static-mix") < 0.5,
    );
    expect(Math.abs(both - 0.25)).toBeLessThan(0.05);
  });
});
