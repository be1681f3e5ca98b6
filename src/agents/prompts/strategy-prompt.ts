/** The prompt for a strategy: a first bid, or a refined one. */
import { bidPrompt, type BidPromptInput } from "./bid-prompt.ts";
import { refinePrompt } from "./refine-prompt.ts";

/** What an agent is shown when it may refine its bid. */
export interface RefinementInput {
  readonly ownStrategy: string;
  readonly pairs: readonly {
    readonly task: string;
    readonly losing: string;
    readonly winning: string;
    /** True where the winning strategy's trace is known to have passed. */
    readonly verified: boolean;
  }[];
}

export type StrategyPromptInput = BidPromptInput & {
  /** Null: a first bid. */
  readonly refinement: RefinementInput | null;
};

/** System and user message that ask an agent for its strategy. */
export function strategyPrompt(input: StrategyPromptInput): {
  readonly system: string;
  readonly user: string;
} {
  return input.refinement === null ? bidPrompt(input) : refinePrompt({ ...input, ...input.refinement });
}
