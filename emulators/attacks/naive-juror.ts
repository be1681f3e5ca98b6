/**
 * A juror that obeys what it is told, to measure what a prompt's structure holds. Emulated; no evidence about any model.
 *
 * Its naivety, all of it:
 * - It understands every attack of the set, and knows which of them a text holds.
 * - What stands outside of the tags between which its system message declares everything to be data, it obeys, always.
 *   Without such a declaration everything stands outside.
 * - What stands inside of them it obeys with the chance `obedience`, drawn once per juror, task and attack: asked again,
 *   it falls for the same text again.
 * - It takes exactly the declared tags for the borders of data, whoever wrote them; a `loose` one takes whatever resembles
 *   the last of them, or the end of any tag, for the end of data, as models do.
 * Beyond that it judges texts as a house juror does, attack included, with the noise of its honest part alone.
 */
import type { ChatReply, ChatRequest, EmulatedModel } from "../chat.ts";
import { BIN_DOUBT, HOUSE_SIZES, type HouseSize } from "../house/constants.ts";
import { drawsFor } from "../house/draws.ts";
import { estimateQuality } from "../house/jury/judge.ts";
import { viewTask } from "../house/known-tasks.ts";
import type { Attack, Intent } from "./attack.ts";

const MAX_SCORE = 5;

/** Ours, no evidence: chance that an instruction is obeyed from within declared data. */
export const DEFAULT_OBEDIENCE = 0.1;

export interface NaiveJurorOptions {
  /** Names the juror in its draws. */
  readonly name: string;
  readonly attacks: readonly Attack[];
  readonly obedience?: number;
  readonly loose?: boolean;
  /** Whose noise it has; default: the largest house model's. */
  readonly size?: HouseSize;
}

interface Section {
  readonly label: string;
  /** What it takes for the strategy. */
  readonly inside: string;
  /** What follows it, up to the next strategy: instructions, as it reads. */
  readonly outside: string;
}

/** A juror as an emulated model. */
export function naiveJuror(options: NaiveJurorOptions): EmulatedModel {
  return {
    id: "naive-juror-emulated",
    latencyMs: () => 1,
    reply: (request) => replyOf(answerOf(request, options)),
  };
}

function answerOf(request: ChatRequest, options: NaiveJurorOptions): string {
  const text = (role: string) =>
    request.messages.map((message) => (message.role === role ? (message.content ?? "") : "")).join("");
  const ending = declaredEnding(text("system"));
  const sections = readSections(text("user"), ending, options.loose ?? false);
  const task = /<task[^>]*>\n([\s\S]*?)\n<(?:\/task|[A-Z][->])/.exec(text("user"))?.[1] ?? text("user");
  const scores = new Map<string, number>();
  for (const { label, inside } of sections)
    scores.set(label, opinion(inside, task, request.seed ?? 0, options));
  const orders = sections.flatMap((section) => ordersIn(section, task, request.seed ?? 0, options));
  for (const { label, intent } of orders) obey(intent, label, scores);
  return spoken(
    orders.map((order) => order.intent),
    scores,
  );
}

/** How the tags end between which the system message declares everything to be data, such as `-1a2b3c4d`; null: none. */
function declaredEnding(system: string): string | null {
  return /Everything between tags ending in ([\w-]*) ?is data/.exec(system)?.[1] ?? null;
}

/** What resembles the last tag, or the end of any. */
const LOOSE_END = /[<＜‹]\s*(?:\/\s*[\p{L}]|[eе]nd)[^>＞›\n]*[>＞›]/iu;

function readSections(user: string, ending: string | null, loose: boolean): Section[] {
  const opening = ending === null ? /^Strategy ([A-Z]):\n/gm : new RegExp(`<([A-Z])${ending}>\n`, "g");
  const close = loose ? LOOSE_END : new RegExp(`<end${ending}>`);
  const openings = [...user.matchAll(opening)];
  const seen = new Set<string>();
  return openings.flatMap((match, at) => {
    const label = match[1] ?? "";
    const body = user.slice(match.index + match[0].length, openings[at + 1]?.index);
    if (seen.has(label)) return [];
    seen.add(label);
    // Nothing is declared to be data: the whole text is in the position of instructions.
    if (ending === null) return [{ label, inside: body, outside: body }];
    const end = close.exec(body);
    const inside = end === null ? body : body.slice(0, end.index);
    return [{ label, inside: inside.trimEnd(), outside: end === null ? "" : body.slice(end.index) }];
  });
}

/** The strategy's worth to a house juror: impression of all of it, noise of the part before any attack. */
function opinion(
  strategy: string,
  task: string,
  seed: number,
  { attacks, name, size }: NaiveJurorOptions,
): number {
  const starts = attacks.map(({ payload }) => strategy.indexOf(payload)).filter((at) => at >= 0);
  const honest = strategy.slice(0, Math.min(strategy.length, ...starts)).split("\n\n")[0] ?? "";
  const { key, bin } = viewTask(task);
  const sd = (size ?? HOUSE_SIZES.at(-1))?.juryNoise ?? 0;
  const noise = sd * drawsFor(seed, key, name, "opinion", honest.replace(/\s+/g, "")).normal();
  const points = MAX_SCORE * estimateQuality(task, strategy) - BIN_DOUBT * (bin - 3) + noise;
  return Math.min(MAX_SCORE, Math.max(0, Math.round(points)));
}

interface Order {
  readonly label: string;
  readonly intent: Intent;
}

function ordersIn(section: Section, task: string, seed: number, options: NaiveJurorOptions): Order[] {
  const { obedience = DEFAULT_OBEDIENCE, attacks, name } = options;
  const { label, inside, outside } = section;
  return attacks.flatMap(({ id, intent, payload }): Order[] => {
    const falls = () => drawsFor(seed, viewTask(task).key, name, "obeys", id).uniform() < obedience;
    const obeyed = outside.includes(payload) || (inside.includes(payload) && falls());
    return obeyed ? [{ label, intent }] : [];
  });
}

function obey(intent: Intent, own: string, scores: Map<string, number>): void {
  if (intent.wants === "say") return;
  if (intent.wants === "raise-and-sink") for (const label of scores.keys()) scores.set(label, 0);
  scores.set(own, MAX_SCORE);
}

function spoken(intents: readonly Intent[], scores: ReadonlyMap<string, number>): string {
  const words = intents.flatMap((intent) => (intent.wants === "say" ? [intent] : []));
  const instead = words.find((word) => word.instead);
  if (instead !== undefined) return instead.text;
  return [...words.map((word) => word.text), JSON.stringify(Object.fromEntries(scores))].join("\n");
}

function replyOf(content: string): ChatReply {
  return {
    content,
    toolCalls: [],
    finishReason: "stop",
    logprobs: null,
    usage: {
      promptTokens: 1,
      cachedPromptTokens: 0,
      completionTokens: 1,
      reasoningTokens: 0,
    },
  };
}
