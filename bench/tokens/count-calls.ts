/**
 * Where the tokens of an auction are: by what a call is for, and by what stands in it.
 *
 * Counted as the house's emulated models bill them; the parts are counted apart from each other, what is left of a bill
 * is the house's own words: instructions, labels, fences, tools, the answer's schema.
 */
import { countTokens } from "../../emulators/house/tokens.ts";
import { abridged } from "../../src/agents/prompts/abridged.ts";
import { pastTaskExcerpt } from "../../src/agents/prompts/refine-prompt.ts";
import { type TokenUsage, totalTokens } from "../../src/market/money.ts";
import type { BidCall, HouseCalls } from "../market/house-calls.ts";

export const CALL_KINDS = ["bid", "verdict", "refined bid", "second verdict"] as const;
type CallKind = (typeof CALL_KINDS)[number];

export const PARTS = ["task", "strategies", "past tasks", "answer", "our words"] as const;
type Part = (typeof PARTS)[number];

/** Tokens by kind of call and part of it. */
export type AuctionTokens = Readonly<Record<CallKind, Readonly<Record<Part, number>>>>;

type Shown = Pick<Record<Part, number>, "task" | "strategies" | "past tasks">;

/** The calls, and the tokens of all that were made of them. */
export function countedCalls(calls: HouseCalls): {
  readonly calls: HouseCalls;
  readonly counted: () => AuctionTokens;
} {
  const tokens = noTokens();
  const add = (kind: CallKind, shown: Shown, usage: TokenUsage | null) => {
    if (usage === null) throw new Error("house models report their usage");
    const parts = tokens[kind];
    const read = shown.task + shown.strategies + shown["past tasks"];
    parts.task += shown.task;
    parts.strategies += shown.strategies;
    parts["past tasks"] += shown["past tasks"];
    parts.answer += usage.outputTokens;
    parts["our words"] += totalTokens(usage) - usage.outputTokens - read;
  };
  return {
    counted: () => tokens,
    calls: {
      bid: (call) => {
        const bid = calls.bid(call);
        add(call.refinement === null ? "bid" : "refined bid", shownToBidder(call), bid.usage);
        return bid;
      },
      judge: (task, round, ballot) => {
        const verdict = calls.judge(task, round, ballot);
        const shown = {
          task: countTokens(abridged(task.prompt)),
          strategies: total(ballot.entries.map(({ bid }) => bid.strategy)),
          "past tasks": 0,
        };
        add(round === 1 ? "verdict" : "second verdict", shown, verdict.usage);
        return verdict;
      },
    },
  };
}

function shownToBidder({ task, refinement }: BidCall): Shown {
  const pairs = refinement?.pairs ?? [];
  const own = refinement === null ? [] : [refinement.ownStrategy];
  return {
    task: countTokens(task.prompt),
    strategies: total([...own, ...pairs.flatMap((pair) => [pair.losing, pair.winning])]),
    "past tasks": total(pairs.map((pair) => pastTaskExcerpt(pair.task))),
  };
}

function total(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + countTokens(text), 0);
}

const noParts = () => ({ task: 0, strategies: 0, "past tasks": 0, answer: 0, "our words": 0 });

function noTokens(): Record<CallKind, Record<Part, number>> {
  return { bid: noParts(), verdict: noParts(), "refined bid": noParts(), "second verdict": noParts() };
}

/** Each cell's mean. */
export function meanTokens(several: readonly AuctionTokens[]): AuctionTokens {
  const mean = noTokens();
  for (const one of several) {
    for (const kind of CALL_KINDS) {
      for (const part of PARTS) mean[kind][part] += one[kind][part] / several.length;
    }
  }
  return mean;
}

export function tokensOf(tokens: AuctionTokens, kinds: readonly CallKind[] = CALL_KINDS): number {
  return kinds.reduce((sum, kind) => sum + PARTS.reduce((all, part) => all + tokens[kind][part], 0), 0);
}
