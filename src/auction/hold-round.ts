/** One round of an auction: bids, and verdicts on them as soon as they can be given. */
import type { AuctionCommit } from "../market/auction-commit.ts";
import type { AuctionAnswers, BidRecord } from "../market/auction-record.ts";
import type { AuctionRun } from "./auction-run.ts";
import { settleAll } from "./calls.ts";
import { askForBids, planBids, standingBid, type BidCall, type BidRound } from "./collect-bids.ts";
import { collectVerdicts } from "./collect-verdicts.ts";
import { nextTurn } from "./next-turn.ts";

export interface RoundToHold extends BidRound {
  /** Calls of bidders that count as started already; null: all are still to be planned. */
  readonly begun: readonly BidCall[] | null;
  /** Judged with the round's bids: the provisional winner's, in the second round. */
  readonly holder: BidRecord | null;
  /** What is to be committed with the first calls. */
  readonly with: Partial<AuctionCommit>;
  /** Hears it once all bids are in and the jury has been asked: what it does meanwhile keeps no juror waiting. */
  juryOut?(): void;
}

/**
 * The answers of the round, those committed before and those asked for now; the holder's bid is not among them. What came
 * is in the log, and may not stand yet. @throws AuctionAborted; CallsRefused where refined bids may not be asked for
 */
export async function holdRound(run: AuctionRun, toHold: RoundToHold): Promise<AuctionAnswers> {
  const { round, agents, begun, holder } = toHold;
  const standing = run.desk.bids.filter((bid) => bid.round === round);
  const missing = agents.filter((agent) => !standing.some((bid) => bid.agentId === agent.id));
  const calls = begun ?? planBids(run, { ...toHold, agents: missing });
  const started = start(run, toHold, calls);
  // A round of refined bids that may not be begun is none; of one that is recorded as begun, the missing bids abstain.
  if (round === 2 && run.desk.refinements === null) await started;
  const pending = [...standing.map(standingBid), ...askForBids(run, { round, calls, started })];
  const judged = holder === null ? pending : [standingBid(holder), ...pending];
  const bids = Promise.all(pending.map((bid) => bid.arrived));
  // A failure is thrown below, where everything is waited for; nobody else needs to hear of it.
  bids.then(() => tellJuryOut(run, toHold)).catch(() => undefined);
  const verdicts = collectVerdicts(run, round, judged);
  await settleAll<unknown>([verdicts, ...pending.map((bid) => bid.arrived)]);
  return { bids: await bids, verdicts: await verdicts };
}

async function tellJuryOut(run: AuctionRun, toHold: RoundToHold): Promise<void> {
  if (toHold.juryOut === undefined) return;
  // The jury's calls leave once they are recorded as started.
  await run.log.settled();
  await nextTurn();
  toHold.juryOut();
}

async function start(run: AuctionRun, toHold: RoundToHold, calls: readonly BidCall[]): Promise<void> {
  if (toHold.begun !== null || calls.length === 0) return;
  await run.log.commit({ ...toHold.with, started: calls.map((call) => call.started) });
}
