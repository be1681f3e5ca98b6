/** |s|: the visible tokens of an answer (auction.md, "Symbols"). */
import type { TextReply } from "./providers/provider.ts";

const BYTES_PER_TOKEN = 4;

/**
 * Output minus reasoning, as the provider counted them.
 *
 * Where a provider returns reasoning text but does not count it (Workers AI), the output is split by length of text.
 * Where it reports no usage at all, positions with log-probabilities are counted, else four bytes make a token: a bid
 * without a length could not be scored. At least 1 for any text.
 */
export function visibleTokens({ text, reasoning, usage, topLogprobs }: TextReply): number {
  if (usage === null) {
    return Math.max(
      1,
      topLogprobs?.length ?? Math.ceil(new TextEncoder().encode(text).length / BYTES_PER_TOKEN),
    );
  }
  if (usage.reasoningTokens === 0 && reasoning !== "") {
    const share = text.length / (text.length + reasoning.length);
    return Math.max(1, Math.round(usage.outputTokens * share));
  }
  return Math.max(1, usage.outputTokens - usage.reasoningTokens);
}
