/**
 * Whether a provider refused a request because it is longer than the model's window, by what it says of it: there is no
 * status for that. Pure.
 *
 * How many tokens it counted is not read: some count the output that was asked for with it, and vLLM stops counting at
 * its limit ("at least 131073 tokens").
 */
import { APICallError } from "ai";
import { z } from "zod";

/** As they were told in the projects' issues, read in copies of 2026. */
const WORDS: readonly RegExp[] = [
  // OpenAI's code, and of those who do as it does (Groq, Cerebras, DeepSeek).
  /context[_ ]length[_ ]exceeded/i,
  // OpenAI, vLLM, SGLang, Mistral, OpenRouter, DeepSeek; Workers AI, whose models run on such servers.
  /maximum context length/i,
  // OpenAI's Responses; Workers AI: "… exceeded this model context window limit (24000)".
  /exceed(?:s|ed)? (?:the |this )?(?:model'?s? )?context window/i,
  // Anthropic: "prompt is too long: 208310 tokens > 200000 maximum".
  /prompt is too long/i,
  // Anthropic: "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000".
  /exceed context limit/i,
  // Google: "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575)."
  /input token count.{0,40}exceeds the maximum number of tokens/i,
  // xAI: "This model's maximum prompt length is 131072 but the request contains 537812 tokens."
  /maximum prompt length is \d/i,
  // llama.cpp; SGLang and Together; LM Studio.
  /exceeds the available context size/i,
  /(?:longer|greater) than the (?:model'?s )?context length/i,
  // Groq; Bedrock; Poolside; DashScope.
  /reduce the length of the (?:messages|prompt|input)/i,
  /input is too long for requested model/i,
  /maximum allowed input length/i,
  /range of input length should be/i,
];

/** How much of a body of unknown form is read, in UTF-16 units. */
const READ_CHARS = 2_000;

const codeSchema = z.looseObject({ error: z.looseObject({ code: z.string() }) });

/** @param error as the SDK or the binding threw it. @param message what it says */
export function saysContextTooLong(error: unknown, message: string): boolean {
  const said = APICallError.isInstance(error) ? [message, ...bodyOf(error)] : [message];
  return said.some((text) => WORDS.some((words) => words.test(text)));
}

function bodyOf({ data, responseBody }: APICallError): readonly string[] {
  const code = codeSchema.safeParse(data);
  if (code.success) return [code.data.error.code];
  // The adapter knows no such body, and has no message of it: older vLLM puts none into an envelope.
  return data === undefined && responseBody !== undefined ? [responseBody.slice(0, READ_CHARS)] : [];
}
