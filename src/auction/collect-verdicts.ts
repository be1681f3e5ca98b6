/**
 * Step 3: the jury's verdicts, batched (one call per juror) or pointwise (one call per juror and bid).
 *
 * A juror whose batch is no use is asked bid by bid before it leaves, so that no strategy can knock a juror out of an
 * auction by what it says to it.
 */
import type { Answer, CallLimits, JuryAnswer } from "../agents/model-port.ts";
import type { CallFailure } from "../market/call.ts";
import type { BidRecord, Round, VerdictRecord } from "../market/auction-record.ts";
import { drawNonce } from "../market/draw.ts";
import type { AgentId } from "../market/ids.ts";
import { addUsage, sumMicros, type TokenUsage } from "../market/money.ts";
import type { DeskAnswer } from "../taskroom/task-room-api.ts";
import type { AuctionRun } from "./auction-run.ts";
import { billedCost, billedUsage } from "./billed.ts";
import { drawBallots, type Ballot, type BallotEntry, type ValidBid } from "./jury.ts";
import { goOn, makeCalls, phaseLimits, type MadeCall, type PlannedCall } from "./phase.ts";
import { tellFailure } from "./tell-failure.ts";

type Made = MadeCall<JuryAnswer>;

/** All verdicts of a round, those committed before and those asked for now. @throws AuctionAborted */
export async function collectVerdicts(
  run: AuctionRun,
  round: Round,
  bids: readonly BidRecord[],
): Promise<readonly VerdictRecord[]> {
  const { opening } = run.desk;
  const valid = bids.filter((bid): bid is ValidBid => bid.status === "valid");
  const verdicts = run.desk.verdicts.filter((verdict) => verdict.round === round);
  const known = new Set(verdicts.map((verdict) => verdict.jurorId));
  const ballots = drawBallots(opening, round, valid).filter(({ juror }) => !known.has(juror.id));
  const jury: Jury = {
    run,
    round,
    limits: phaseLimits(run, run.deps.config.auctionJuryMs),
    commit: async (ballot, made, scores) => {
      const verdict = verdictRecord(ballot, round, made, scores);
      verdicts.push(verdict);
      return run.task.recordVerdict(
        run.generation,
        made.map((call) => call.ended),
        verdict,
      );
    },
  };
  const pointwise =
    opening.policy.rules.kind === "auction" && opening.policy.rules.jury?.form === "pointwise";
  if (!pointwise) {
    await askBatched(jury, ballots);
  } else {
    const asked = await Promise.allSettled(ballots.map((ballot) => askPointwise(jury, ballot, [])));
    for (const one of asked) {
      if (one.status === "rejected") throw one.reason;
      goOn(one.value);
    }
  }
  return verdicts;
}

interface Jury {
  readonly run: AuctionRun;
  readonly round: Round;
  readonly limits: CallLimits;
  commit(ballot: Ballot, made: readonly Made[], scores: Scores): Promise<DeskAnswer>;
}

/** Scores by bidder, or why there are none. */
type Scores =
  | { readonly ok: true; readonly value: Readonly<Record<AgentId, number>> }
  | { readonly ok: false; readonly failure: CallFailure };

async function askBatched(jury: Jury, ballots: readonly Ballot[]): Promise<void> {
  const calls = ballots.map((ballot) => ({ ...planCall(jury, ballot, ballot.entries), ballot }));
  await makeCalls<JuryAnswer>(jury.run, {
    kind: "jury",
    limits: jury.limits,
    calls,
    commit: async (call, made) => {
      const { ballot } = call as (typeof calls)[number];
      if (made.answer.ok) {
        return jury.commit(ballot, [made], { ok: true, value: scoresOf(ballot.entries, made.answer.value) });
      }
      const hopeless = ballot.entries.length < 2 || jury.limits.signal.aborted;
      if (hopeless) return jury.commit(ballot, [made], made.answer);
      return askPointwise(jury, ballot, [made]);
    },
  });
}

/** One call per bid; the juror leaves where any of them fails, because its verdict must cover all. */
async function askPointwise(jury: Jury, ballot: Ballot, before: readonly Made[]): Promise<DeskAnswer> {
  const made: Made[] = [...before];
  const scores: Record<AgentId, number> = {};
  let failure: CallFailure | null = null;
  const calls = ballot.entries.map((entry) => {
    const alone = [{ ...entry, label: "A" }];
    return { ...planCall(jury, ballot, alone), alone };
  });
  await makeCalls<JuryAnswer>(jury.run, {
    kind: "jury",
    limits: jury.limits,
    calls,
    commit: async (call, answered) => {
      made.push(answered);
      if (answered.answer.ok) {
        Object.assign(scores, scoresOf((call as (typeof calls)[number]).alone, answered.answer.value));
      } else {
        failure ??= answered.answer.failure;
      }
      return "continue";
    },
  });
  return jury.commit(ballot, made, failure === null ? { ok: true, value: scores } : { ok: false, failure });
}

function planCall(
  { run, round }: Jury,
  { juror }: Ballot,
  entries: readonly BallotEntry[],
): PlannedCall<JuryAnswer> {
  const { opening } = run.desk;
  const input = {
    task: opening.spec.prompt,
    bids: entries.map(({ label, bid }) => ({ label, strategy: bid.strategy })),
    nonce: drawNonce(opening.seed, `jury/${round}/${juror.id}`),
    seed: opening.seed,
  };
  return {
    agent: juror,
    boundMicros: run.deps.models.juryBound(juror, input),
    ask: (limits: CallLimits): Promise<Answer<JuryAnswer>> => run.deps.models.judge(juror, input, limits),
  };
}

function scoresOf(entries: readonly BallotEntry[], { scores }: JuryAnswer): Record<AgentId, number> {
  return Object.fromEntries(entries.map(({ label, bid }) => [bid.agentId, scores[label] ?? 0]));
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
  return { ...common, status: "scored", scores: scores.value };
}

function addKnownUsage(sum: TokenUsage | null, usage: TokenUsage | null): TokenUsage | null {
  if (sum === null) return usage;
  return usage === null ? sum : addUsage(sum, usage);
}
