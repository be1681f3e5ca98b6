/**
 * Which prompt is this? Read from its text, as a real model would; there is no hidden channel.
 *
 * Refined bids (a prompt with contrastive pairs) belong here too, as one more kind, once that prompt exists.
 */
import type { ChatMessage, ChatRequest } from "../chat.ts";

interface LabelledStrategy {
  readonly label: string;
  readonly strategy: string;
}

export type PromptView =
  | {
      readonly kind: "bid";
      readonly task: string;
      /** Names of the tools that the prompt lists. */
      readonly tools: readonly string[];
      /** Most tokens that the prompt allows; null: it names none. */
      readonly maxTokens: number | null;
    }
  | { readonly kind: "jury"; readonly task: string; readonly bids: readonly LabelledStrategy[] }
  | {
      readonly kind: "trace";
      readonly task: string;
      readonly strategy: string;
      /** The tool that hands in the result, as the prompt names it. */
      readonly submitTool: string;
    }
  | { readonly kind: "chat"; readonly text: string };

function textOf(messages: readonly ChatMessage[], role: ChatMessage["role"]): string {
  return messages
    .filter((message) => message.role === role)
    .map((message) => message.content ?? "")
    .join("\n");
}

interface FencedText {
  readonly label: string;
  readonly text: string;
}

const escaped = (text: string) => text.replace(/[^\w]/g, "\\$&");

/** Fenced texts of one tag and nonce, in order. Other nonces are part of the text, whoever wrote them. */
function fencedTexts(source: string, tag: string, nonce: string): FencedText[] {
  const name = `${tag}-${escaped(nonce)}`;
  const fence = new RegExp(`<${name}(?: label="([^"]*)")?>\\n([\\s\\S]*?)\\n</${name}>`, "g");
  return [...source.matchAll(fence)].map((match) => ({ label: match[1] ?? "", text: match[2] ?? "" }));
}

function bidView(system: string, user: string, task: string): PromptView {
  const list = user.slice(user.lastIndexOf("Tools that"));
  return {
    kind: "bid",
    task,
    tools: [...list.matchAll(/^- ([\w.-]+):/gm)].map((match) => match[1] as string),
    maxTokens: Number(/at most (\d+) tokens/.exec(system)?.[1] ?? 0) || null,
  };
}

/** Reads a request's messages. Anything that is none of the market's prompts is a stranger's chat. */
export function readPrompt(request: ChatRequest): PromptView {
  const system = textOf(request.messages, "system");
  const user = textOf(request.messages, "user");
  const nonce = /<task-([^>\s]+)>/.exec(system)?.[1];
  const task = nonce === undefined ? undefined : fencedTexts(user, "task", nonce)[0]?.text;
  if (nonce === undefined || task === undefined) return { kind: "chat", text: user };
  if (/You are a juror\b/.test(system)) {
    const bids = fencedTexts(user, "strategy", nonce);
    return { kind: "jury", task, bids: bids.map(({ label, text }) => ({ label, strategy: text })) };
  }
  if (/You carry out a task\b/.test(system)) {
    const submitTool = /call `([\w-]+)` with the result/.exec(system)?.[1] ?? "submit";
    return {
      kind: "trace",
      task,
      strategy: fencedTexts(system, "strategy", nonce)[0]?.text ?? "",
      submitTool,
    };
  }
  if (/Write the strategy only\b/.test(system)) return bidView(system, user, task);
  return { kind: "chat", text: user };
}
