/** The window of an agent: what stays of a conversation that would pass it, and that everybody sends the same. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitContext } from "../../../src/agents/fit-context.ts";
import { outcomeText } from "../../../src/agents/trace-messages.ts";
import type { Step } from "../../../src/market/step.ts";
import { AGENT, aStep, aTrace, messagesOf, OUTPUT, requestOf, tokensOf, type Said } from "./counted-trace.ts";
import { STEP } from "./fakes.ts";

const said = fc.record({
  words: fc.integer({ min: 1, max: 600 }),
  answers: fc.array(fc.integer({ min: 1, max: 12_000 }), { maxLength: 3 }),
  failed: fc.boolean(),
});
const density = fc.constantFrom(0, 0.22, 0.28, 0.35, 0.45);
const traces = fc.tuple(fc.array(said, { minLength: 1, maxLength: 25 }), density);

describe("a conversation that passes its agent's window", () => {
  it("only grows, and stays a prefix of itself, while nothing more is left out", () => {
    fc.assert(
      fc.property(traces, ([all, tokens]) => {
        const steps = aTrace(all, tokens);
        let before = fitContext(AGENT, requestOf([]));
        for (let count = 1; count <= steps.length; count += 1) {
          const now = fitContext(AGENT, requestOf(steps.slice(0, count)));
          expect(now.leftOut.characters).toBeGreaterThanOrEqual(before.leftOut.characters);
          if (now.leftOut.characters === before.leftOut.characters) {
            const [short, long] = [messagesOf(before.request.history), messagesOf(now.request.history)];
            expect(JSON.stringify(long.slice(0, short.length))).toBe(JSON.stringify(short));
          }
          before = now;
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is the same for whoever takes the trace up, and for the wrap-up behind it", () => {
    fc.assert(
      fc.property(traces, ([all, tokens]) => {
        const steps = aTrace(all, tokens);
        const held = fitContext(AGENT, requestOf(steps));
        const resumed = JSON.parse(JSON.stringify(steps)) as Step[];
        expect(fitContext(AGENT, requestOf(resumed))).toEqual(held);
        const last = fitContext(AGENT, { ...requestOf(steps), wrapUp: "budget" });
        expect(last.request.history).toEqual(held.request.history);
      }),
      { numRuns: 60 },
    );
  });

  it("is never sent longer than the window, unless all that may be shortened is", () => {
    fc.assert(
      fc.property(traces, ([all, tokens]) => {
        const steps = aTrace(all, tokens);
        const counted = tokens === 0 ? 0.3 : tokens;
        for (let count = 0; count <= steps.length; count += 1) {
          const { request, leftOut } = fitContext(AGENT, requestOf(steps.slice(0, count)));
          if (tokensOf(request.history, counted) + OUTPUT <= AGENT.contextTokens) continue;
          const most = fitContext({ ...AGENT, contextTokens: 1_024 }, requestOf(steps.slice(0, count)));
          expect(leftOut).toEqual(most.leftOut);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("keeps the model's own words and calls, and says of each answer how much of it is gone", () => {
    fc.assert(
      fc.property(traces, ([all, tokens]) => {
        const steps = aTrace(all, tokens);
        const { request, leftOut } = fitContext(AGENT, requestOf(steps));
        let [outputs, gone] = [0, 0];
        for (const [at, step] of steps.entries()) {
          const sent = request.history[at];
          if (sent === undefined) throw new Error("a step is gone");
          expect(sent.assistant).toEqual(step.assistant);
          for (const [index, { outcome }] of step.toolCalls.entries()) {
            const [whole, short] = [outcome, sent.toolCalls[index]?.outcome ?? outcome];
            if (outcomeText(whole) === outcomeText(short)) continue;
            const text = whole.ok ? whole.output : whole.error.message;
            expect(outcomeText(short)).toContain(`This answer had ${text.length} characters`);
            const head = outcomeText(short).split("It began:]\n")[1] ?? "";
            expect(text.startsWith(head) && head.length >= 400).toBe(true);
            outputs += 1;
            gone += text.length - head.length;
          }
        }
        expect(leftOut).toEqual({ outputs, characters: gone });
      }),
      { numRuns: 60 },
    );
  });

  it("is refilled from half of the window: it does not change again with the next steps", () => {
    const page: Said = { words: 100, answers: [9_000], failed: false };
    const large = { ...AGENT, contextTokens: 65_536 };
    const steps = aTrace(
      Array.from({ length: 60 }, () => page),
      0.28,
      large,
    );
    const cuts = steps.map((_, at) => fitContext(large, requestOf(steps.slice(0, at + 1))).leftOut.outputs);
    const times = cuts.filter((outputs, at) => outputs !== (cuts[at - 1] ?? 0)).length;
    expect(cuts.at(-1)).toBeGreaterThan(40);
    // A dozen pages fit into the half that is free.
    expect(times).toBeLessThan(8);
  });

  it("leaves a conversation that fits as it is, however many steps it has", () => {
    const steps = aTrace(
      Array.from({ length: 80 }, (): Said => ({ words: 60, answers: [40], failed: false })),
      0.28,
    );
    const { request, leftOut } = fitContext(AGENT, requestOf(steps));
    expect(leftOut).toEqual({ outputs: 0, characters: 0 });
    expect(request.history).toEqual(steps);
  });

  it("is known to be too long where the words alone pass the window, and not before", () => {
    const talk = (words: number) => aTrace([{ words, answers: [], failed: false }], 0.3);
    expect(fitContext(AGENT, requestOf(talk(90_000))).leastTokens).toBeGreaterThan(AGENT.contextTokens);
    expect(fitContext(AGENT, requestOf(talk(40_000))).leastTokens).toBeLessThan(AGENT.contextTokens);
  });
});

/** What tools answer, and how many tokens a provider counts for a byte of it: as the agent is likely to guess, or not. */
const KINDS = {
  prose: { text: "a page of text, ", density: 0.25 },
  hex: { text: "0f1e2d3c4b5a6978", density: 0.65 },
  rare: { text: "\u1230\u1201\u1275", density: 0.95 },
} as const;
type Kind = keyof typeof KINDS;
const MARKS: Readonly<Record<Kind, RegExp>> = {
  prose: /$^/g,
  hex: /[0-9a-f]{8,}/g,
  rare: /[\u1200-\u137f]+/g,
};

function countedByKind(history: readonly Step[]): number {
  const sent = JSON.stringify([STEP.prompt, STEP.tools, messagesOf(history)]);
  const all = new TextEncoder().encode(sent).length;
  const dense = (["hex", "rare"] as const).map((kind) => {
    const found = new TextEncoder().encode((sent.match(MARKS[kind]) ?? []).join("")).length;
    return (KINDS[kind].density - KINDS.prose.density) * found;
  });
  return Math.ceil(dense.reduce((sum, more) => sum + more, KINDS.prose.density * all));
}

interface Page {
  readonly kind: Kind;
  readonly chars: number;
}

/** A trace whose provider refuses what passes the window, and of which steps, each as often as it did. */
function aRefusedTrace(pages: readonly (readonly Page[])[], isCounted: boolean) {
  const steps: Step[] = [];
  const refused: number[] = [];
  const isOver = (history: readonly Step[]) => countedByKind(history) + OUTPUT > AGENT.contextTokens;
  for (const [index, page] of [...pages, []].entries()) {
    let { request } = fitContext(AGENT, requestOf(steps), refused);
    for (let times = 1; times <= 2 && isOver(request.history); times += 1) {
      refused.push(index + 1);
      ({ request } = fitContext(AGENT, requestOf(steps), refused));
    }
    const inputTokens = isCounted ? countedByKind(request.history) : 0;
    const answers = page.map(() => 1);
    const step = aStep(index + 1, { words: 40, answers, failed: false }, { inputTokens, density: 0.25 });
    const toolCalls = page.map(({ kind, chars }, at) => {
      const call = step.toolCalls[at];
      if (call === undefined) throw new Error("no call");
      const output = KINDS[kind].text.repeat(Math.ceil(chars / KINDS[kind].text.length)).slice(0, chars);
      return { ...call, outcome: { ok: true, output } as const };
    });
    steps.push({ ...step, toolCalls });
  }
  return { steps: steps.slice(0, -1), refused, isOver };
}

const page = fc.record({
  kind: fc.constantFrom<Kind>("prose", "hex", "rare"),
  chars: fc.integer({ min: 1, max: 20_000 }),
});
const refusedTraces = fc
  .tuple(fc.array(fc.array(page, { maxLength: 3 }), { minLength: 1, maxLength: 12 }), fc.boolean())
  .map(([pages, isCounted]) => aRefusedTrace(pages, isCounted));

describe("a conversation whose answers are not equally dense", () => {
  it("fits after two refusals at the most, unless all that may be shortened is, and each of them shortens it", () => {
    fc.assert(
      fc.property(refusedTraces, ({ steps, refused, isOver }) => {
        for (let count = 0; count <= steps.length; count += 1) {
          const asked = requestOf(steps.slice(0, count));
          const times = refused.filter((due) => due === count + 1).length;
          const before = refused.filter((due) => due <= count);
          const forms = Array.from({ length: times + 1 }, (_, again) =>
            fitContext(AGENT, asked, [...before, ...Array.from({ length: again }, () => count + 1)]),
          );
          const most = fitContext({ ...AGENT, contextTokens: 1_024 }, asked).leftOut;
          for (const [again, { leftOut }] of forms.slice(1).entries()) {
            const shorter = forms[again]?.leftOut.characters ?? 0;
            if (shorter < most.characters) expect(leftOut.characters).toBeGreaterThan(shorter);
            else expect(leftOut).toEqual(most);
          }
          const last = forms.at(-1);
          if (last !== undefined && isOver(last.request.history)) expect(last.leftOut).toEqual(most);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("only grows where nothing was refused anew, and is the same for whoever takes the trace up", () => {
    fc.assert(
      fc.property(refusedTraces, ({ steps, refused }) => {
        let before = fitContext(AGENT, requestOf([]));
        for (let count = 1; count <= steps.length; count += 1) {
          const so = refused.filter((due) => due <= count + 1);
          const now = fitContext(AGENT, requestOf(steps.slice(0, count)), so);
          expect(now.leftOut.characters).toBeGreaterThanOrEqual(before.leftOut.characters);
          if (now.leftOut.characters === before.leftOut.characters) {
            const [short, long] = [messagesOf(before.request.history), messagesOf(now.request.history)];
            expect(JSON.stringify(long.slice(0, short.length))).toBe(JSON.stringify(short));
          }
          before = now;
        }
        const resumed = JSON.parse(JSON.stringify(steps)) as Step[];
        expect(fitContext(AGENT, requestOf(resumed), refused.toReversed())).toEqual(
          fitContext(AGENT, requestOf(steps), refused),
        );
      }),
      { numRuns: 60 },
    );
  });
});
