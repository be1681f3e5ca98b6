/** Auction tokens against recorded traces: made-up recordings, shares by hand. */
import { describe, expect, it } from "vitest";
import { countTokens } from "../../../emulators/house/tokens.ts";
import { abridged } from "../../../src/agents/prompts/abridged.ts";
import { CALL_KINDS, PARTS, tokensOf } from "../../../bench/tokens/count-calls.ts";
import {
  auctionTokens,
  measureTokens,
  shareOfAuction,
  type Recorded,
  type TraceTokens,
} from "../../../bench/tokens/measure-tokens.ts";
import { providerPerHouseToken } from "../../../bench/tokens/provider-tokens.ts";
import { tokensReport } from "../../../bench/tokens/report.ts";

const usage = (prompt: number, completion: number) => ({
  usage: { prompt_tokens: prompt, completion_tokens: completion },
});
const short: Recorded = {
  name: "short",
  trace: { prompt: "Fix the parser: it drops the last line of a file.", steps: [usage(900, 100)] },
};
const long: Recorded = {
  name: "long",
  trace: {
    prompt: `Fix the parser: it drops the last line of a file. ${"The traceback has many lines like this one. ".repeat(80)}`,
    steps: [usage(1_000, 100), usage(400_000, 900)],
  },
};

const SEEDS = 4;

describe("the provider's tokens", () => {
  const tasks = [10, 40, 80, 200, 350].map((words) => "word ".repeat(words));
  const billed = (of: (tokens: number) => number) =>
    tasks.map((prompt): Recorded => ({
      name: prompt,
      trace: { prompt, steps: [usage(of(countTokens(prompt)), 1), usage(9_999, 1)] },
    }));

  it("for one of the house's are what the first prompt grows by", () => {
    expect(providerPerHouseToken(billed((tokens) => 1_270 + 1.5 * tokens))).toBeCloseTo(1.5);
    // Off the line by as much above as below it.
    const noisy = [7, -7, 0, -7, 7];
    let at = 0;
    expect(providerPerHouseToken(billed((tokens) => 300 + 0.8 * tokens + (noisy[at++] ?? 0)))).toBeCloseTo(
      0.8,
      1,
    );
  });

  it("are not known from few recordings, or tasks of one length", () => {
    expect(providerPerHouseToken(billed((tokens) => tokens).slice(1))).toBeNull();
    const same = billed((tokens) => tokens).map((one) => ({
      ...one,
      trace: { ...one.trace, prompt: "a task" },
    }));
    expect(providerPerHouseToken(same)).toBeNull();
  });
});

describe("tokens of auctions on recorded traces", () => {
  const rows = measureTokens([short, long], SEEDS);
  const [first, second] = rows as [TraceTokens, TraceTokens];

  it("count a trace's prompt at every step", () => {
    expect(rows.map(({ name, steps, trace }) => ({ name, steps, trace }))).toEqual([
      { name: "short", steps: 1, trace: 1_000 },
      { name: "long", steps: 2, trace: 402_000 },
    ]);
  });

  it("count all of a task in each of four bids, and in four ballots what jurors see of it", () => {
    for (const [row, { prompt }] of [
      [first, short.trace],
      [second, long.trace],
    ] as const) {
      for (const tokens of [row.growing, row.full]) {
        expect(tokens.bid.task).toBe(4 * countTokens(prompt));
        expect(tokens.verdict.task).toBe(4 * countTokens(abridged(prompt)));
      }
    }
    expect(second.full.verdict.task).toBeLessThan(second.full.bid.task);
  });

  it("show each first strategy to four jurors, and leave the answers and our words", () => {
    const { bid, verdict } = second.full;
    // The largest reasons: its answer is longer than its strategy.
    expect(verdict.strategies).toBeGreaterThan(0.7 * 4 * bid.answer);
    expect(verdict.strategies).toBeLessThan(4 * bid.answer);
    for (const kind of CALL_KINDS) {
      for (const part of ["answer", "our words"] as const)
        expect(second.full[kind][part], `${kind}: ${part}`).toBeGreaterThan(0);
    }
    expect(PARTS.map((part) => first.full["refined bid"][part] > 0)).toEqual(PARTS.map(() => true));
  });

  it("have no refinement where the memory is empty, and no past tasks in a first round", () => {
    const [alone] = measureTokens([long], SEEDS);
    expect(tokensOf((alone as TraceTokens).growing, ["refined bid", "second verdict"])).toBe(0);
    expect(tokensOf((alone as TraceTokens).full, ["refined bid", "second verdict"])).toBeGreaterThan(0);
    for (const kind of ["bid", "verdict", "second verdict"] as const)
      expect(second.full[kind]["past tasks"]).toBe(0);
  });

  it("are a share of auction and trace together", () => {
    for (const which of ["first", "growing", "full"] as const) {
      const auction = auctionTokens(first, which);
      expect(shareOfAuction([first], which)).toBeCloseTo(auction / (auction + 1_000));
      const both = auction + auctionTokens(second, which);
      expect(shareOfAuction(rows, which)).toBeCloseTo(both / (both + 403_000));
    }
    expect(auctionTokens(first, "first")).toBe(tokensOf(first.full, ["bid", "verdict"]));
  });

  it("are reported with a line for every trace and every kind of call", () => {
    const report = tokensReport({ rows, seeds: SEEDS, factor: 0.5 });
    for (const name of ["short", "long", ...CALL_KINDS])
      expect(
        report.filter((line) => line.startsWith(`${name} `)),
        name,
      ).toHaveLength(1);
    const all = Math.round(auctionTokens(first, "full") + auctionTokens(second, "full"));
    expect(report.join("\n")).toContain(`memory that holds every task: ${all} tokens`);
    const half = `${(100 * shareOfAuction(rows, "full", 0.5)).toFixed(2)} %`;
    expect(report.filter((line) => line.includes(half))).toHaveLength(1);
    expect(tokensReport({ rows, seeds: SEEDS, factor: null }).join("\n")).not.toContain("provider's tokens");
  });

  it("count half where the provider counts half", () => {
    const auction = auctionTokens(first, "full");
    expect(shareOfAuction([first], "full", 0.5)).toBeCloseTo(auction / 2 / (auction / 2 + 1_000));
  });
});
