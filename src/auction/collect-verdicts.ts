/**
 * Step 3: the jury's verdicts, batched (one call per juror) or pointwise (one call per juror and bid).
 *
 * A juror is asked as soon as the bids that it needs are in (auction.md, "Streaming jury"): in the pointwise form bid by
 * bid, in the batched form once its whole ballot is there. A juror whose batch is no use is asked bid by bid before it
 * leaves, and a bid that makes it fail alone gets 0 from it: no strategy can knock a juror out of an auction by what it
 * says to it, or gain by trying.
 */
import type { CallLimits, JuryAnswer } from "../agents/model-port.ts";
import type { CallFailure, CallFailureReason } from "../market/call.ts";
import type { BidRecord, Round, VerdictRecord } from "../market/auction-record.ts";
import { drawNonce } from "../market/draw.ts";
import type { AgentId } from "../market/ids.ts";
import { addUsage, sumMicros, type TokenUsage } from "../market/money.ts";
import type { AuctionRun } from "./auction-run.ts";
import { billedCost, billedUsage } from "./billed.ts";
import {
  answerMs,
  limitsFor,
  makeCall,
  notMade,
  settleAll,
  startedCall,
  type MadeCall,
  type PlannedCall,
} from "./calls.ts";
import type { PendingBid } from "./collect-bids.ts";
import { ballotOf, drawSeats, type Ballot, type BallotEntry, type Seat, type ValidBid } from "./jury.ts";
import { tellFailure } from "./tell-failure.ts";

type Made = MadeCall<JuryAnswer>;
type JurorAnswer = Made["answer"];

interface Jury {
  readonly run: AuctionRun;
  readonly round: Round;
  readonly bids: ReadonlyMap<AgentId, PendingBid>;
  /** Whether there are two valid bids: as soon as there are, or else when all are in. */
  readonly contested: Promise<boolean>;
}

/** All verdicts of a round, those committed before and those asked for now. @throws AuctionAborted */
export async function collectVerdicts(
  run: AuctionRun,
  round: Round,
  pending: readonly PendingBid[],
): Promise<readonly VerdictRecord[]> {
  const known = run.desk.verdicts.filter((verdict) => verdict.round === round);
  const bids = new Map(pending.map((bid) => [bid.agentId, bid]));
  const contested = twoValid(pending);
  // Where no seat waits for it, a failure is the bids' own to tell.
  contested.catch(() => undefined);
  const jury: Jury = { run, round, bids, contested };
  const seats = drawSeats(run.opening, round, [...bids.keys()]).filter(
    (seat) => !known.some((verdict) => verdict.jurorId === seat.juror.id),
  );
  const { rules } = run.opening.policy;
  const pointwise = rules.kind === "auction" && rules.jury?.form === "pointwise";
  const sitting = seats.map((seat) => (pointwise ? sitPointwise(jury, seat) : sitBatched(jury, seat)));
  const asked = await settleAll(sitting);
  return [...known, ...asked.filter((verdict) => verdict !== null)];
}

/** With fewer than two bids there is nothing to decide, and nobody is asked. */
async function twoValid(pending: readonly PendingBid[]): Promise<boolean> {
  let valid = 0;
  const two = Promise.withResolvers<boolean>();
  const all = pending.map(async ({ arrived }) => {
    if ((await arrived).status === "valid") valid += 1;
    if (valid === 2) two.resolve(true);
  });
  return Promise.race([two.promise, Promise.all(all).then(() => valid >= 2)]);
}

async function sitBatched(jury: Jury, seat: Seat): Promise<VerdictRecord | null> {
  const { run, round, bids } = jury;
  const arrived = await Promise.all(seat.judges.map(async (id) => bids.get(id)?.arrived));
  const ballot = ballotOf(seat, { seed: run.opening.seed, round, bids: arrived.filter(isValid) });
  if (ballot === null || !(await jury.contested)) return null;
  const limits = limitsFor(run, answerMs(run, "jury"));
  const made = await ask(jury, { ballot, entries: ballot.entries, limits });
  if (made.answer.ok) {
    return record(jury, ballot, [made], scored(scoresOf(ballot.entries, made.answer.value)));
  }
  const hopeless = ballot.entries.length < 2 || limits.signal.aborted;
  if (hopeless) return record(jury, ballot, [made], made.answer);
  // With time of their own: a juror that was slow over its batch must not fail on bids for that.
  const again = limitsFor(run, answerMs(run, "jury"));
  const alone = await settleAll(
    ballot.entries.map((entry) => askAlone(jury, { ballot, entry, limits: again })),
  );
  return recordPointwise(jury, ballot, { before: [made], alone });
}

async function sitPointwise(jury: Jury, seat: Seat): Promise<VerdictRecord | null> {
  const { run, round, bids } = jury;
  const asked = await settleAll(
    seat.judges.map(async (id) => {
      const bid = await bids.get(id)?.arrived;
      if (!isValid(bid) || !(await jury.contested)) return [];
      const ballot = ballotOf(seat, { seed: run.opening.seed, round, bids: [bid] });
      const [entry] = ballot?.entries ?? [];
      if (ballot === null || entry === undefined) return [];
      return [await askAlone(jury, { ballot, entry, limits: limitsFor(run, answerMs(run, "jury")) })];
    }),
  );
  const alone = asked.flat();
  if (alone.length === 0) return null;
  return recordPointwise(jury, { juror: seat.juror, entries: [] }, { before: [], alone });
}

function isValid(bid: BidRecord | undefined): bid is ValidBid {
  return bid?.status === "valid";
}

interface Alone {
  readonly entry: BallotEntry;
  readonly made: Made;
}

async function askAlone(
  jury: Jury,
  { ballot, entry, limits }: { ballot: Ballot; entry: BallotEntry; limits: CallLimits },
): Promise<Alone> {
  const only = { ...entry, label: "A" };
  return { entry: only, made: await ask(jury, { ballot, entries: [only], limits }) };
}

/**
 * What cannot be a bid's doing: the provider refused or was away, or the work was stopped. A juror that fails so on one
 * bid leaves, because its verdict must cover all.
 */
const NOBODYS_DOING: ReadonlySet<CallFailureReason> = new Set([
  "cancelled",
  "rate_limited",
  "unreachable",
  "misconfigured",
  "unaffordable",
  "circuit_open",
]);

/** Of a provider's errors, those that pass and for which nothing was done: it was away. */
function isNobodysDoing({ failure, bill }: Extract<JurorAnswer, { readonly ok: false }>): boolean {
  const wasAway = failure.mayPass === true && bill.status === "refused";
  return NOBODYS_DOING.has(failure.reason) || (failure.reason === "provider_error" && wasAway);
}

function recordPointwise(
  jury: Jury,
  ballot: Ballot,
  { before, alone }: { readonly before: readonly Made[]; readonly alone: readonly Alone[] },
): VerdictRecord {
  return record(jury, ballot, [...before, ...alone.map((one) => one.made)], pointwiseScores(alone));
}

function pointwiseScores(alone: readonly Alone[]): Scores {
  const scores: Record<AgentId, number> = {};
  const failedOn: Record<AgentId, CallFailureReason> = {};
  let failure: CallFailure | null = null;
  let final = false;
  for (const { entry, made } of alone) {
    if (made.answer.ok) {
      Object.assign(scores, scoresOf([entry], made.answer.value));
      continue;
    }
    failure ??= made.answer.failure;
    failedOn[entry.bid.agentId] = made.answer.failure.reason;
    final ||= isNobodysDoing(made.answer);
  }
  if (failure !== null && (final || Object.keys(scores).length === 0)) return { ok: false, failure };
  // Not the lowest that it gave to others: beside one rival that would be the rival's own score.
  for (const id of Object.keys(failedOn) as AgentId[]) scores[id] = 0;
  return { ok: true, value: scores, failedOn };
}

async function ask(
  jury: Jury,
  {
    ballot,
    entries,
    limits,
  }: { readonly ballot: Ballot; readonly entries: readonly BallotEntry[]; readonly limits: CallLimits },
): Promise<Made> {
  const call = planCall(jury, ballot, entries);
  const started = startedCall(jury.run, "jury", call);
  try {
    await jury.run.log.commit({ started: [started] });
  } catch (error) {
    return notMade(started, error);
  }
  return makeCall(jury.run, started, { call, limits });
}

function planCall(
  { run, round }: Jury,
  { juror }: Ballot,
  entries: readonly BallotEntry[],
): PlannedCall<JuryAnswer> {
  const { opening, deps } = run;
  const input = {
    task: opening.spec.prompt,
    bids: entries.map(({ label, bid }) => ({ label, strategy: bid.strategy })),
    nonce: drawNonce(opening.seed, `jury/${round}/${juror.id}`),
    seed: opening.seed,
  };
  return {
    agent: juror,
    boundMicros: deps.models.juryBound(juror, input),
    ask: (limits) => deps.models.judge(juror, input, limits),
  };
}

/** Scores by bidder, or why there are none. */
type Scores =
  | {
      readonly ok: true;
      readonly value: Readonly<Record<AgentId, number>>;
      readonly failedOn: Readonly<Record<AgentId, CallFailureReason>>;
    }
  | { readonly ok: false; readonly failure: CallFailure };

function scored(value: Readonly<Record<AgentId, number>>): Scores {
  return { ok: true, value, failedOn: {} };
}

function scoresOf(entries: readonly BallotEntry[], { scores }: JuryAnswer): Record<AgentId, number> {
  return Object.fromEntries(entries.map(({ label, bid }) => [bid.agentId, scores[label] ?? 0]));
}

function record({ run, round }: Jury, ballot: Ballot, made: readonly Made[], scores: Scores): VerdictRecord {
  const verdict = verdictRecord(ballot, round, made, scores);
  run.log.add({ verdicts: [{ calls: made.map((call) => call.ended), verdict }] });
  return verdict;
}

function verdictRecord(
  { juror }: Ballot,
  round: Round,
  made: readonly Made[],
  scores: Scores,
): VerdictRecord {
  const bills = made.map((call) => call.answer.bill);
  const common = {
    jurorId: juror.id,
    round,
    ms: Math.max(...made.map((call) => call.ended.ms)),
    usage: bills.map(billedUsage).reduce(addKnownUsage, null),
    costMicros: sumMicros(bills.map(billedCost)),
  };
  if (!scores.ok) return { ...common, status: "left", ...tellFailure(juror.id, scores.failure) };
  return { ...common, status: "scored", scores: scores.value, failedOn: scores.failedOn };
}

function addKnownUsage(sum: TokenUsage | null, usage: TokenUsage | null): TokenUsage | null {
  if (sum === null) return usage;
  return usage === null ? sum : addUsage(sum, usage);
}
