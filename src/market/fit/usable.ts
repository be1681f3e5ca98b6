/**
 * Which auctions the fit can learn from (auction.md, "MIP").
 *
 * An auction teaches only where somebody is known to pass and somebody else is known to fail. One that lost a juror
 * or an entropy was scored on other terms than the deployed weights will meet, and a weight is per juror: all
 * auctions of one fit have the same jury.
 */
import type { AgentId } from "../ids.ts";
import type { TrainingAuction } from "./training-auction.ts";

/** Fewest usable auctions to fit from. */
export const LEAST_USABLE = 30;

/** Why an auction is left out; where several hold, the first in this order. */
export const UNUSABLE_REASONS = [
  "no_known_pass",
  "no_known_fail",
  "trace_cost_unknown",
  "juror_lost",
  "entropy_missing",
  "other_jury",
] as const;
export type UnusableReason = (typeof UNUSABLE_REASONS)[number];
/** What is wrong with an auction whatever its outcomes turn out to be. */
export type FormFlaw = Extract<UnusableReason, "juror_lost" | "entropy_missing">;

export interface UsableAuctions {
  /** In the order of their ids. */
  readonly auctions: readonly TrainingAuction[];
  readonly leftOut: Readonly<Record<UnusableReason, number>>;
  /** The jury that most auctions have, by id; of two equally frequent ones the more recent. Empty: no auction. */
  readonly jury: readonly AgentId[];
}

/** Splits auctions into those that a fit can use and, counted by reason, those that it cannot. */
export function usable(auctions: readonly TrainingAuction[]): UsableAuctions {
  const leftOut = Object.fromEntries(UNUSABLE_REASONS.map((reason) => [reason, 0])) as Record<
    UnusableReason,
    number
  >;
  const sound: TrainingAuction[] = [];
  for (const auction of auctions.toSorted((a, b) => (a.auctionId < b.auctionId ? -1 : 1))) {
    const reason = flaw(auction);
    if (reason === null) sound.push(auction);
    else leftOut[reason]++;
  }
  const jury = commonJury(sound);
  const same = sound.filter((auction) => juryKey(auction) === jury.join(" "));
  leftOut.other_jury = sound.length - same.length;
  return { auctions: same, leftOut, jury };
}

/** Agents that bid in the auction and are known to pass, or to fail, by id. */
export function bidders(auction: TrainingAuction, outcome: "pass" | "fail"): AgentId[] {
  return auction.bids
    .map((bid) => bid.agentId)
    .filter((agentId) => auction.outcomes[agentId] === outcome)
    .toSorted();
}

function flaw(auction: TrainingAuction): Exclude<UnusableReason, "other_jury"> | null {
  const passed = bidders(auction, "pass");
  if (passed.length === 0) return "no_known_pass";
  if (bidders(auction, "fail").length === 0) return "no_known_fail";
  // κ of an agent that may be chosen must be known: an unknown cost is not 0.
  if (passed.some((agentId) => auction.traceCostMicros[agentId] === undefined)) return "trace_cost_unknown";
  return formFlaw(auction);
}

/** Null: with the outcomes known, the auction could be used. */
export function formFlaw({ jurors, bids }: Pick<TrainingAuction, "jurors" | "bids">): FormFlaw | null {
  if (bids.some((bid) => jurors.some((jurorId) => bid.scores[jurorId] === undefined))) return "juror_lost";
  if (bids.some((bid) => bid.entropy === null)) return "entropy_missing";
  return null;
}

function juryKey(auction: TrainingAuction): string {
  return auction.jurors.toSorted().join(" ");
}

/** Auctions come in the order of their ids, so that the last to reach a count is the more recent. */
function commonJury(auctions: readonly TrainingAuction[]): AgentId[] {
  const counts = new Map<string, number>();
  let most = 0;
  let jury: AgentId[] = [];
  for (const auction of auctions) {
    const key = juryKey(auction);
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count < most) continue;
    most = count;
    jury = auction.jurors.toSorted();
  }
  return jury;
}
