/** Traces step by step, as their agent was asked, and a provider that counts what it is sent. */
import { fitContext } from "../../../src/agents/fit-context.ts";
import { tracePrompt } from "../../../src/agents/prompts/trace-prompt.ts";
import { traceMessages } from "../../../src/agents/trace-messages.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { Step } from "../../../src/market/step.ts";
import { anAgent, STEP } from "./fakes.ts";

export const AGENT = anAgent("openai-compatible", { contextTokens: 16_384 });
export const OUTPUT = 1_000;
export const bytes = (value: unknown): number => new TextEncoder().encode(JSON.stringify(value)).length;
export const requestOf = (history: readonly Step[]) => ({ ...STEP, maxOutputTokens: OUTPUT, history });
export const messagesOf = (history: readonly Step[]) => traceMessages("task", history);

/** As a provider counts it: this many tokens to a byte of what it is sent. */
export const tokensOf = (history: readonly Step[], density: number): number =>
  Math.ceil(density * bytes([tracePrompt(STEP.prompt), STEP.tools, messagesOf(history)]));

export interface Said {
  readonly words: number;
  readonly answers: readonly number[];
  readonly failed: boolean;
}

/** Its words are counted as they are read again. */
interface Counted {
  readonly inputTokens: number;
  readonly density: number;
}

const letter = (at: number): string => String.fromCodePoint(0x61 + (at % 26));

export function aStep(at: number, { words, answers, failed }: Said, { inputTokens, density }: Counted): Step {
  const toolCalls = answers.map((chars, index) => {
    // Prose, which no kind of text is denser than here.
    const word = `${letter(at)}${letter(index)}x `;
    const text = word.repeat(Math.ceil(chars / word.length)).slice(0, chars);
    const outcome = failed
      ? ({ ok: false, error: { code: "failed", message: text } } as const)
      : ({ ok: true, output: text } as const);
    return { id: `call_${at}_${index}`, name: "page", input: { url: "x" }, outcome };
  });
  const text = "w".repeat(words);
  const content = [
    { type: "text", text },
    ...toolCalls.map(({ id, name, input }) => ({ type: "tool-call", toolCallId: id, toolName: name, input })),
  ];
  const usage = { ...NO_USAGE, inputTokens, outputTokens: Math.ceil(density * bytes(content)) };
  return {
    step: at,
    text,
    toolCalls,
    assistant: { role: "assistant", content },
    usage,
    costMicros: asMicros(0),
  };
}

/** A trace, step by step, as its agent was asked: the provider counts what it is sent. Density 0: it reports nothing. */
export function aTrace(said: readonly Said[], density: number, agent = AGENT): Step[] {
  const steps: Step[] = [];
  for (const [index, one] of said.entries()) {
    const { request } = fitContext(agent, requestOf(steps));
    const inputTokens = density === 0 ? 0 : tokensOf(request.history, density);
    steps.push(aStep(index + 1, one, { inputTokens, density }));
  }
  return steps;
}
