/** Reasoning that a model writes into its answer as `<think>…</think>` (Qwen3 and R1 distils without a reasoning parser). */

const THINKING = /^\s*<think>([\s\S]*?)<\/think>/;

interface SplitText {
  readonly text: string;
  readonly reasoning: string;
}

/** Takes a leading thinking block off; an unclosed one means that the answer never began. */
export function splitThinking(answer: string): SplitText {
  const closed = THINKING.exec(answer);
  if (closed !== null) return { text: answer.slice(closed[0].length), reasoning: closed[1] ?? "" };
  if (/^\s*<think>/.test(answer)) return { text: "", reasoning: answer };
  return { text: answer, reasoning: "" };
}
