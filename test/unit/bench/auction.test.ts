/** The auction's bench slows an auction's calls down, and nothing else: it knows them by their prompts. */
import { expect, it } from "vitest";
import { IN_AUCTION_PROMPTS } from "../../../bench/auction/run-auctions.ts";
import { juryPrompt } from "../../../src/agents/prompts/jury-prompt.ts";
import { strategyPrompt } from "../../../src/agents/prompts/strategy-prompt.ts";
import { tracePrompt } from "../../../src/agents/prompts/trace-prompt.ts";

const asked = { task: "Add two numbers.", nonce: "bcdfgh" };
const bid = { ...asked, tools: [], maxTokens: 600 };
const pair = { task: "Add three.", losing: "guess", winning: "count", verified: true };

it.each([
  ["a bid", strategyPrompt({ ...bid, refinement: null }), true],
  ["a refined bid", strategyPrompt({ ...bid, refinement: { ownStrategy: "guess", pairs: [pair] } }), true],
  ["verdicts", juryPrompt({ ...asked, bids: [{ label: "A", strategy: "count" }] }), true],
  ["a step", tracePrompt({ ...asked, strategy: "count" }), false],
  ["a step without a plan", tracePrompt({ ...asked, strategy: null }), false],
])("tells the prompt of %s", (_name, { system, user }, ours) => {
  expect(IN_AUCTION_PROMPTS.some((text) => `${system}\n${user}`.includes(text))).toBe(ours);
});
