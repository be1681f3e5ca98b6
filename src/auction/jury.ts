/**
 * Who judges what (auction.md, "Jury calls"). Pure.
 *
 * Bids are anonymous and in an order drawn per juror. A sparse jury has m drawn members; a bidder beyond them still
 * judges itself where self-assessment holds.
 */
import type { Agent } from "../market/agent.ts";
import type { BidRecord, Opening, Round } from "../market/auction-record.ts";
import { drawOrder } from "../market/draw.ts";
import type { AgentId } from "../market/ids.ts";

export type ValidBid = Extract<BidRecord, { readonly status: "valid" }>;

type Drawn = Pick<Opening, "pool" | "policy" | "seed">;

/** A juror, and whose bids it judges if they are valid. */
export interface Seat {
  readonly juror: Agent;
  readonly judges: readonly AgentId[];
}

export interface BallotEntry {
  /** A, B, C … Z, AA, AB … */
  readonly label: string;
  readonly bid: ValidBid;
}

/** What one juror is asked to judge. */
export interface Ballot {
  readonly juror: Agent;
  readonly entries: readonly BallotEntry[];
}

/** The jury's seats over these bidders, before anybody has bid; a juror that would judge nobody has none. */
export function drawSeats({ pool, policy, seed }: Drawn, round: Round, bidders: readonly AgentId[]): Seat[] {
  if (policy.rules.kind !== "auction" || policy.rules.jury === null) return [];
  const { size, self } = policy.rules.jury;
  const byId = pool.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const drawn = new Set(
    (size === null ? byId : drawOrder(byId, seed, `jurors/${round}`).slice(0, size)).map((agent) => agent.id),
  );
  const canonical = bidders.toSorted();
  return byId.flatMap((juror): Seat[] => {
    // A sole juror judges all bids, its own included, and nobody beside it: that is what a single juror means.
    const alone = size === 1;
    const judges = canonical.filter((bidder) =>
      bidder === juror.id ? self && (!alone || drawn.has(juror.id)) : drawn.has(juror.id),
    );
    return judges.length === 0 ? [] : [{ juror, judges }];
  });
}

/** The seat's ballot once its bids are in; null where none of them is valid. */
export function ballotOf(
  { juror, judges }: Seat,
  { seed, round, bids }: { readonly seed: number; readonly round: Round; readonly bids: readonly ValidBid[] },
): Ballot | null {
  const judged = bids
    .filter((bid) => judges.includes(bid.agentId))
    .toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1));
  if (judged.length === 0) return null;
  const ordered = drawOrder(judged, seed, `jury-order/${round}/${juror.id}`);
  return { juror, entries: ordered.map((bid, index) => ({ label: labelOf(index), bid })) };
}

/** Every juror's ballot; nobody's is empty. With fewer than two bids there is nothing to decide, and nobody is asked. */
export function drawBallots(drawn: Drawn, round: Round, bids: readonly ValidBid[]): Ballot[] {
  if (bids.length < 2) return [];
  const seats = drawSeats(
    drawn,
    round,
    bids.map((bid) => bid.agentId),
  );
  return seats.flatMap((seat) => ballotOf(seat, { seed: drawn.seed, round, bids }) ?? []);
}

const LETTERS = 26;

/** As the columns of a spreadsheet. */
function labelOf(index: number): string {
  const last = String.fromCharCode("A".charCodeAt(0) + (index % LETTERS));
  return index < LETTERS ? last : labelOf(Math.floor(index / LETTERS) - 1) + last;
}
