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
      readonly kind: "ruling";
      readonly task: string;
      readonly rubric: string;
      readonly result: string;
    }
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
  readonly tag: string;
  readonly text: string;
}

const escaped = (text: string) => text.replace(/[^\w]/g, "\\$&");

/** The one text in a pair of tags with this nonce. Other nonces are part of the text, whoever wrote them. */
function fencedText(source: string, tag: string, nonce: string): string | undefined {
  const name = `${tag}-${escaped(nonce)}`;
  return new RegExp(`<${name}>\\n([\\s\\S]*?)\\n</${name}>`).exec(source)?.[1];
}

/** Texts in a row, each from its tag with this nonce to the next, in order. */
function fencedRow(source: string, nonce: string): FencedText[] {
  const tag = new RegExp(`<([\\w-]+)-${escaped(nonce)}>`, "g");
  const tags = [...source.matchAll(tag)];
  return tags.slice(0, -1).map((match, at) => ({
    tag: match[1] ?? "",
    text: source.slice(match.index + match[0].length, tags[at + 1]?.index).replace(/^\n|\n$/g, ""),
  }));
}

/** What a prompt for a strategy says of tools and length. `after`: the user's message behind all fenced texts. */
function strategyTerms(system: string, after: string) {
  return {
    tools: [...after.matchAll(/^- ([\w.-]+):/gm)].map((match) => match[1] as string),
    maxTokens: Number(/at most (\d+) tokens/.exec(system)?.[1] ?? 0) || null,
  };
}

/** The text behind the last tag of this nonce: strangers have written before it alone. */
function afterFences(source: string, nonce: string): string {
  return source.slice(source.lastIndexOf(`-${nonce}>`));
}

/** Every pair with the past task that stands before it. */
function lessonsIn(row: readonly FencedText[]): Lesson[] {
  const lessons: Lesson[] = [];
  let pastTask = "";
  for (const [at, { tag, text }] of row.entries()) {
    if (tag === "past") pastTask = text;
    const lost = row[at - 1];
    if (tag.startsWith("won") && lost?.tag === "lost")
      lessons.push({ pastTask, losing: lost.text, winning: text });
  }
  return lessons;
}

/** Whether a trace's last message says that no further step is left. */
export function wrapsUp({ messages }: ChatRequest): boolean {
  const last = messages.at(-1);
  return last?.role === "user" && (last.content ?? "").startsWith("This is your last answer");
}

/** Reads a request's messages. Anything that is none of the market's prompts is a stranger's chat. */
export function readPrompt(request: ChatRequest): PromptView {
  const system = textOf(request.messages, "system");
  const user = textOf(request.messages, "user");
  const rowNonce = /between tags ending in -([^>\s]+) is data/.exec(system)?.[1];
  return (
    (rowNonce === undefined ? readSingle(system, user) : readRow({ system, user, nonce: rowNonce })) ?? {
      kind: "chat",
      text: user,
    }
  );
}

/** Prompts that show one text of others: the task. */
function readSingle(system: string, user: string): PromptView | null {
  const nonce = /<task-([^>\s]+)>/.exec(system)?.[1];
  const task = nonce === undefined ? undefined : fencedText(user, "task", nonce);
  if (nonce === undefined || task === undefined) return null;
  if (/You carry out a task\b/.test(system)) {
    const submitTool = /call `([\w-]+)` with the result/.exec(system)?.[1] ?? "submit";
    return { kind: "trace", task, strategy: fencedText(system, "strategy", nonce) ?? "", submitTool };
  }
  if (!/Write the strategy only\b/.test(system)) return null;
  return { kind: "bid", task, ...strategyTerms(system, afterFences(user, nonce)) };
}

interface RowPrompt {
  readonly system: string;
  readonly user: string;
  readonly nonce: string;
}

/** Prompts that show several: the task first. */
function readRow({ system, user, nonce }: RowPrompt): PromptView | null {
  const [first, ...others] = fencedRow(user, nonce);
  if (first?.tag !== "task") return null;
  const task = first.text;
  if (/You are a juror\b/.test(system))
    return { kind: "jury", task, bids: others.map(({ tag, text }) => ({ label: tag, strategy: text })) };
  const shown = (wanted: string) => others.find(({ tag }) => tag === wanted)?.text ?? "";
  if (/You are a judge\b/.test(system))
    return { kind: "ruling", task, rubric: shown("rubric"), result: shown("result") };
  if (!/Your first bid \(own\) is not in the lead\b/.test(system)) return null;
  const terms = strategyTerms(system, afterFences(user, nonce));
  return { kind: "refine", task, ...terms, own: shown("own"), lessons: lessonsIn(others) };
}
