/**
 * What refining changed: an agent's refined bid against its first one. Computed from what a receipt records, both when
 * it is made and when it is checked.
 *
 * Scores, and the terms that they consist of, are each in their own round's terms: another jury's weights may have counted
 * in the second, and entropy may have been dropped there. Whether the bid took over was decided in the second alone.
 */
import type { Clearing } from "./clear.ts";
import type { AgentId } from "./ids.ts";
import type { Receipt } from "./receipt-schema.ts";
import { sharedWords, wordsOf } from "./words.ts";

type Refinement = NonNullable<Receipt["refinements"]>[number];
export type Change = Pick<Refinement, "change" | "unchangedBecause">;
type Bid = Receipt["bids"][number];

/** @param clearing null: nobody made a valid first bid */
export function changeOf(agentId: AgentId, bids: readonly Bid[], clearing: Clearing | null): Change {
  const own = (round: 1 | 2) => bids.find((bid) => bid.agentId === agentId && bid.round === round);
  const [first, refined] = [own(1), own(2)];
  if (refined?.status === "abstained") return { change: null, unchangedBecause: "abstained" };
  const before = clearing?.first?.ranking.find((bid) => bid.agentId === agentId);
  const after = clearing?.refined?.ranking.find((bid) => bid.agentId === agentId);
  if (first?.status === "valid" && refined?.status === "valid" && before !== undefined) {
    if (after !== undefined && agentId !== clearing?.provisionalWinner) {
      const [had, has] = [first.entropy.nats, refined.entropy.nats];
      return {
        change: {
          visibleTokens: refined.visibleTokens - first.visibleTokens,
          entropy: had === null || has === null ? null : has - had,
          cost: after.cost - before.cost,
          juryValue: after.juryValue - before.juryValue,
          score: after.score - before.score,
          wordsShared: sharedWords(wordsOf(first.strategy), wordsOf(refined.strategy)),
          tookOver: clearing?.round === 2 && clearing.winner === agentId,
        },
        unchangedBecause: null,
      };
    }
    const dropped = clearing?.first?.terms.entropyUsed === true && refined.entropy.nats === null;
    if (dropped) return { change: null, unchangedBecause: "no-entropy" };
  }
  return { change: null, unchangedBecause: "not-admitted" };
}
