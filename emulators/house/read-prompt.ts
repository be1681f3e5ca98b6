/**
 * Which prompt is this? Read from its text, as a real model would; there is no hidden channel.
 */
import type { ChatMessage, ChatRequest } from "../chat.ts";

interface LabelledStrategy {
  readonly label: string;
  readonly strategy: string;
}

/** A past task with a strategy that lost and one that won. */
export interface Lesson {
  readonly pastTask: string;
  readonly losing: string;
  readonly winning: string;
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
  | {
      readonly kind: "refine";
      readonly task: string;
      readonly tools: readonly string[];
      readonly maxTokens: number | null;
      /** The agent's first bid. */
      readonly own: string;
      readonly lessons: readonly Lesson[];
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
  /** Value of the fence's `label` or `pair`. */
  readonly label: string;
  readonly text: string;
}

const escaped = (text: string) => text.replace(/[^\w]/g, "\\$&");

/** Fenced texts of one tag and nonce, in order. Other nonces are part of the text, whoever wrote them. */
function fencedTexts(source: string, tag: string, nonce: string): FencedText[] {
  const name = `${tag}-${escaped(nonce)}`;
  const fence = new RegExp(`<${name}(?: (?:label|pair)="([^"]*)")?>\\n([\\s\\S]*?)\\n</${name}>`, "g");
  return [...source.matchAll(fence)].map((match) => ({ label: match[1] ?? "", text: match[2] ?? "" }));
}

/** What a prompt for a strategy says of tools and length. `frame`: the user's message without fenced texts. */
function strategyTerms(system: string, frame: string) {
  const list = frame.slice(frame.lastIndexOf("Tools that"));
  return {
    tools: [...list.matchAll(/^- ([\w.-]+):/gm)].map((match) => match[1] as string),
    maxTokens: Number(/at most (\d+) tokens/.exec(system)?.[1] ?? 0) || null,
  };
}

/** The text without what stands in fences of this nonce: only there may strangers have written. */
function outsideFences(source: string, nonce: string): string {
  const name = `([\\w-]+)-${escaped(nonce)}`;
  return source.replace(new RegExp(`<${name}[^>]*>\\n[\\s\\S]*?\\n</\\1-${escaped(nonce)}>`, "g"), "");
}

function lessonsIn(user: string, nonce: string): Lesson[] {
  const [losing, winning] = ["losing", "winning"].map((tag) => fencedTexts(user, tag, nonce));
  return fencedTexts(user, "past-task", nonce).flatMap(({ label, text }) => {
    const lost = losing?.find((other) => other.label === label);
    const won = winning?.find((other) => other.label === label);
    return lost === undefined || won === undefined
      ? []
      : [{ pastTask: text, losing: lost.text, winning: won.text }];
  });
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
  const terms = strategyTerms(system, outsideFences(user, nonce));
  if (/Your first bid is not in the lead\b/.test(system)) {
    const own = fencedTexts(user, "own", nonce)[0]?.text ?? "";
    return { kind: "refine", task, ...terms, own, lessons: lessonsIn(user, nonce) };
  }
  if (/Write the strategy only\b/.test(system)) return { kind: "bid", task, ...terms };
  return { kind: "chat", text: user };
}
