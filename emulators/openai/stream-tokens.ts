/** A reply's visible text in the pieces in which a stream sends it. Pure. */
import type { ChatReply, TokenLogprobs } from "../chat.ts";

export interface StreamToken {
  readonly text: string;
  readonly logprobs: TokenLogprobs | null;
}

/** The model's own tokens where it names them, otherwise words with the space before them; joined, they are the content. */
export function streamTokens(reply: ChatReply): StreamToken[] {
  if (reply.content === null) return [];
  if (reply.logprobs !== null && reply.logprobs.map((token) => token.token).join("") === reply.content) {
    return reply.logprobs.map((logprobs) => ({ text: logprobs.token, logprobs }));
  }
  return (reply.content.match(/\s*\S{1,12}|\s+/g) ?? []).map((text) => ({ text, logprobs: null }));
}
