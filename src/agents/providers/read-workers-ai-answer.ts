/**
 * Workers AI's answers, native (`{response, usage}`) or in OpenAI's shape (`{choices, usage}`), read leniently.
 *
 * JSON mode returns `response` as an object on some models and as text on others.
 */
import { z } from "zod";
import type { TokenUsage } from "../../market/money.ts";
import { readLogprobs } from "./logprobs.ts";
import type { TextReply } from "./provider.ts";
import { splitThinking } from "./thinking.ts";
import { readOpenAiUsage } from "./usage.ts";

const text = z.string().nullish().catch(null);

const answerSchema = z.looseObject({
  response: z.unknown().optional(),
  choices: z
    .array(
      z.looseObject({
        message: z
          .looseObject({ content: z.unknown().optional(), reasoning_content: text, reasoning: text })
          .nullish()
          .catch(null),
        logprobs: z.unknown().optional(),
        finish_reason: text,
      }),
    )
    .nullish()
    .catch(null),
  logprobs: z.unknown().optional(),
  finish_reason: text,
  usage: z.unknown().optional(),
  error: z.unknown().optional(),
  errors: z.array(z.unknown()).nullish().catch(null),
});

const errorSchema = z.looseObject({
  message: z.string(),
  code: z.union([z.string(), z.number()]).nullish().catch(null),
});

/** What an answer says beside its words, or an event of one that is streamed; null: nothing of it. */
export interface BesideWords {
  readonly usage: TokenUsage | null;
  readonly finishReason: string | null;
  /** What went wrong, with its code in front as in the binding's own errors. */
  readonly error: string | null;
}

export const NOTHING_BESIDE: BesideWords = { usage: null, finishReason: null, error: null };

export function besideWords(answer: unknown): BesideWords {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) return NOTHING_BESIDE;
  const { usage, choices, finish_reason: finishReason, error, errors } = parsed.data;
  return {
    usage: readOpenAiUsage(usage),
    finishReason: choices?.[0]?.finish_reason ?? finishReason ?? null,
    error: errorText(error ?? errors?.[0]),
  };
}

function errorText(error: unknown): string | null {
  // Some say of each event that there is none: null, false, or no words.
  if (error === undefined || error === null || error === false || error === "") return null;
  const parsed = errorSchema.safeParse(error);
  if (!parsed.success) return asText(error);
  const { message, code } = parsed.data;
  return code === null || code === undefined ? message : `${code}: ${message}`;
}

/** An answer of an unknown form reads as an empty one: the model worked, but said nothing that can be used. */
export function readWorkersAiAnswer(answer: unknown): TextReply {
  const parsed = answerSchema.safeParse(answer);
  if (!parsed.success) {
    return { text: typeof answer === "string" ? answer : "", reasoning: "", usage: null, topLogprobs: null };
  }
  const choice = parsed.data.choices?.[0];
  const content = choice?.message?.content ?? parsed.data.response;
  const split = splitThinking(asText(content));
  return {
    text: split.text,
    reasoning: (choice?.message?.reasoning_content ?? choice?.message?.reasoning ?? "") + split.reasoning,
    usage: readOpenAiUsage(parsed.data.usage),
    topLogprobs: readLogprobs(choice?.logprobs ?? parsed.data.logprobs),
  };
}

function asText(content: unknown): string {
  if (typeof content === "string") return content;
  return content === null || content === undefined ? "" : JSON.stringify(content);
}
