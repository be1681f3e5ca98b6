/**
 * Who judges what (auction.md, "Jury calls"). Pure.
 *
 * Bids are anonymous and in an order drawn per juror. A sparse jury has m drawn members; a bidder beyond them still
 * judges itself where self-assessment holds.
 */
import type { Agent } from "../market/agent.ts";
import type { BidRecord, Opening, Round } from "../market/auction-record.ts";
import { drawOrder } from "../market/draw.ts";

export type ValidBid = Extract<BidRecord, { readonly status: "valid" }>;

export interface BallotEntry {
  /** A, B, C … */
  readonly label: string;
  readonly bid: ValidBid;
}

/** What one juror is asked to judge. */
export interface Ballot {
  readonly juror: Agent;
  readonly entries: readonly BallotEntry[];
}

/** Every juror's ballot; nobody's is empty. With fewer than two bids there is nothing to decide, and nobody is asked. */
export function drawBallots(
  { pool, policy, seed }: Pick<Opening, "pool" | "policy" | "seed">,
  round: Round,
  bids: readonly ValidBid[],
): Ballot[] {
  if (policy.rules.kind !== "auction" || policy.rules.jury === null || bids.length < 2) return [];
  const { size, self } = policy.rules.jury;
  const byId = pool.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const drawn = new Set(
    (size === null ? byId : drawOrder(byId, seed, `jurors/${round}`).slice(0, size)).map((agent) => agent.id),
  );
  const canonical = bids.toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1));
  return byId.flatMap((juror): Ballot[] => {
    // A sole juror judges all bids, its own included, and nobody beside it: that is what a single juror means.
    const alone = size === 1;
    const judged = canonical.filter((bid) =>
      bid.agentId === juror.id ? self && (!alone || drawn.has(juror.id)) : drawn.has(juror.id),
    );
    if (judged.length === 0) return [];
    const ordered = drawOrder(judged, seed, `jury-order/${round}/${juror.id}`);
    return [{ juror, entries: ordered.map((bid, index) => ({ label: labelOf(index), bid })) }];
  });
}

function labelOf(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + index);
}
