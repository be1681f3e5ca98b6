/** No call costs more than the bound it was announced with, whatever the text and whatever the provider counts. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { Step } from "../../../src/market/step.ts";
import { anAgent, aWorld, BID, JURY, limits, REFINEMENT, STEP } from "./fakes.ts";

const AGENT = anAgent("workers-ai", {
  usdPerMtok: { input: 1, cachedInput: 0.1, cacheWrite: 3, output: 10 },
});
const text = fc.string({ unit: "binary", maxLength: 400 });
/** In steps of a tenth, often all: doubles would crowd around zero and never come near a bound. */
const share = fc.oneof(
  fc.constant(1),
  fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
);
const shares = fc.record({ input: share, cached: share, written: share, output: share });

interface Shares {
  readonly input: number;
  readonly cached: number;
  readonly written: number;
  readonly output: number;
}

const bytes = (value: unknown): number =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value)).length;

/** The dearest a provider may count for what it was sent: a token per byte of every text, and 16 around each message. */
function countsOf(
  inputs: { messages: { content: string }[]; tools?: unknown; max_tokens: number },
  part: Shares,
): unknown {
  // The largest preamble known: Anthropic's for tools.
  let most = 700;
  for (const message of inputs.messages) most += bytes(message.content ?? "") + 16;
  if (inputs.tools !== undefined) most += bytes(inputs.tools);
  const prompt = Math.max(1, Math.floor(most * part.input));
  return {
    prompt_tokens: prompt,
    completion_tokens: Math.floor(inputs.max_tokens * part.output),
    prompt_tokens_details: {
      cached_tokens: Math.floor(prompt * part.cached),
      // May add up to more than the prompt, as a careless provider's might.
      cache_write_tokens: Math.floor(prompt * part.written),
    },
  };
}

const answering =
  (response: string, part: Shares) =>
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- the wire's body
  (request: { readonly body: any }): unknown => ({ response, usage: countsOf(request.body, part) });

const costOf = (bill: { status: string; costMicros?: number }): number => bill.costMicros ?? 0;

describe("bound ≥ cost", () => {
  it("of a bid, over-length retry included", async () => {
    await fc.assert(
      fc.asyncProperty(text, text, shares, shares, async (task, description, first, second) => {
        const { models } = aWorld({ ai: [answering("a", first), answering("b", second)] });
        const input = { ...BID, task, tools: [{ name: "t", description }] };
        const answer = await models.bid(AGENT, input, limits());
        expect(answer.bill.status).toBe("billed");
        expect(costOf(answer.bill)).toBeLessThanOrEqual(models.bidBound(AGENT, input));
      }),
    );
  });

  it("of a refined bid, over-length retry included, whatever past tasks and strategies say", async () => {
    const pair = fc.record({ task: text, losing: text, winning: text, verified: fc.boolean() });
    const refinement = fc.record({
      ownStrategy: text,
      pairs: fc.array(pair, { minLength: 1, maxLength: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(text, refinement, shares, shares, async (task, shown, first, second) => {
        const { models } = aWorld({ ai: [answering("a", first), answering("b", second)] });
        const input = { ...BID, task, refinement: shown };
        const answer = await models.bid(AGENT, input, limits());
        expect(answer.bill.status).toBe("billed");
        expect(costOf(answer.bill)).toBeLessThanOrEqual(models.bidBound(AGENT, input));
      }),
    );
  });

  it("of a juror", async () => {
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(text, { minLength: 1, maxLength: 4 }),
        shares,
        async (task, strategies, part) => {
          const { models } = aWorld({ ai: [answering("no", part)] });
          const bids = strategies.map((strategy, index) => ({ label: "ABCD".charAt(index), strategy }));
          const input = { ...JURY, task, bids };
          const answer = await models.judge(AGENT, input, limits());
          expect(costOf(answer.bill)).toBeLessThanOrEqual(models.juryBound(AGENT, input));
        },
      ),
    );
  });

  it("of a step with a history", async () => {
    const step = fc.record({ said: text, output: text, failed: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(text, fc.array(step, { maxLength: 3 }), shares, async (task, steps, part) => {
        const { models } = aWorld({ ai: [answering("done", part)] });
        const request = { ...STEP, prompt: { ...STEP.prompt, task }, history: steps.map(aStep) };
        const answer = await models.step(AGENT, request, limits());
        expect(answer.bill.status).toBe("billed");
        expect(costOf(answer.bill)).toBeLessThanOrEqual(models.stepBound(AGENT, request));
      }),
    );
  });

  it("of a refined bid grows with what the agent is shown", () => {
    const { models } = aWorld();
    const refined = models.bidBound(AGENT, { ...BID, refinement: REFINEMENT });
    const pairs = [...REFINEMENT.pairs, ...REFINEMENT.pairs];
    expect(refined).toBeGreaterThan(models.bidBound(AGENT, BID));
    expect(models.bidBound(AGENT, { ...BID, refinement: { ...REFINEMENT, pairs } })).toBeGreaterThan(refined);
  });

  it("of a first bid is the task's, whoever was asked before with the same menu of tools", () => {
    const { models } = aWorld();
    const tools = [{ name: "t", description: "d" }];
    const fresh = (input: typeof BID) => models.bidBound(AGENT, { ...input, tools: [...tools] });
    for (const change of [
      {},
      { task: `${BID.task} and more` },
      { maxTokens: 900 },
      { nonce: "0123456789" },
      {},
    ]) {
      const input = { ...BID, ...change };
      expect(models.bidBound(AGENT, { ...input, tools })).toBe(fresh(input));
    }
    const refined = { ...BID, tools, refinement: REFINEMENT };
    expect(models.bidBound(AGENT, refined)).toBe(models.bidBound(AGENT, { ...refined, tools: [...tools] }));
  });

  it("grows with every step", () => {
    const { models } = aWorld();
    const history = [aStep({ said: "x", output: "y", failed: false }, 0)];
    expect(models.stepBound(AGENT, { ...STEP, history })).toBeGreaterThan(models.stepBound(AGENT, STEP));
  });
});

function aStep(said: { said: string; output: string; failed: boolean }, index: number): Step {
  const id = `call_${index}`;
  const input = { url: said.said };
  const outcome = said.failed
    ? ({ ok: false, error: { code: "failed", message: said.output } } as const)
    : ({ ok: true, output: said.output } as const);
  return {
    step: index + 1,
    text: said.said,
    toolCalls: [{ id, name: "page", input, outcome }],
    assistant: {
      role: "assistant",
      content: [
        { type: "text", text: said.said },
        { type: "tool-call", toolCallId: id, toolName: "page", input },
      ],
    },
    usage: NO_USAGE,
    costMicros: asMicros(0),
  };
}
