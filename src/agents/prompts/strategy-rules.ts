/** What a first bid and a refined one are told alike. */

export interface BidTerms {
  readonly tools: readonly { readonly name: string; readonly description: string }[];
  /** Largest number of visible tokens that the strategy may have; longer bids abstain. */
  readonly maxTokens: number;
}

/** Whoever is asked, and for what. */
export const BIDDER =
  "You bid for a task with a short strategy; if it is chosen, you carry out the task yourself, by this plan";

/** What a strategy is, and what it is not. `also`: what else must not be in it. */
export function strategyRules({ maxTokens }: Pick<BidTerms, "maxTokens">, also = ""): string {
  return [
    "Write the strategy only: sub-goals, the tool for each, what could go wrong and how you would notice.",
    `Do not solve the task${also} or address anyone. Be specific and brief, shorter is cheaper: plain text, at most ${maxTokens} tokens.`,
  ].join(" ");
}

/** After the untrusted texts, so that no list of tools inside them comes last. */
export function toolList(tools: BidTerms["tools"]): string {
  if (tools.length === 0) return "Tools: none";
  return ["Tools:", ...tools.map((tool) => `- ${tool.name}: ${tool.description}`)].join("\n");
}
