/** Auction tokens against recorded traces: made-up recordings, shares by hand. */
import { describe, expect, it } from "vitest";
import {
  measureTokens,
  shareOfAuction,
  tokensInAll,
  type Recorded,
} from "../../../bench/tokens/measure-tokens.ts";

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

describe("tokens of auctions on recorded traces", () => {
  const rows = measureTokens([short, long]);
  const [first, second] = rows as [(typeof rows)[0], (typeof rows)[0]];

  it("count a trace's prompt at every step", () => {
    expect(rows.map(({ name, steps, trace }) => ({ name, steps, trace }))).toEqual([
      { name: "short", steps: 1, trace: 1_000 },
      { name: "long", steps: 2, trace: 402_000 },
    ]);
  });

  it("count the task's prompt in each of four bids and four ballots", () => {
    // About a token for every four characters, eight times.
    const more = (long.trace.prompt.length - short.trace.prompt.length) / 4;
    expect(second.first.bids - first.first.bids).toBeGreaterThan(2.5 * more);
    expect(second.first.verdicts - first.first.verdicts).toBeGreaterThan(2.5 * more);
  });

  it("have no refinement without a memory, and the same first round with one", () => {
    for (const row of rows) {
      expect(row.first.refinement).toBe(0);
      expect(row.refined).toMatchObject({ bids: row.first.bids, verdicts: row.first.verdicts });
    }
    expect(rows.some((row) => row.refined.refinement > 0)).toBe(true);
  });

  it("are a share of auction and trace together", () => {
    const auction = tokensInAll(first.first);
    expect(shareOfAuction([first], "first")).toBeCloseTo(auction / (auction + 1_000));
    const both = auction + tokensInAll(second.first);
    expect(shareOfAuction(rows, "first")).toBeCloseTo(both / (both + 403_000));
  });
});
