/**
 * Step 3: the jury. The whole pool scores all valid bids, one call per juror, anonymous, in an order drawn per juror.
 *
 * With a single valid bid there is nothing to decide, and nobody is asked.
 */
import type { Answer, JuryAnswer } from "../agents/model-port.ts";
import type { JuryPromptInput } from "../agents/prompts/jury-prompt.ts";
import type { Agent } from "../market/agent.ts";
import type { BidRecord, VerdictRecord } from "../market/auction-record.ts";
import { drawNonce, drawOrder } from "../market/draw.ts";
import type { AgentId } from "../market/ids.ts";
import { billedCost, billedUsage } from "./billed.ts";
import { tellFailure } from "./tell-failure.ts";
import { askAll } from "./phase.ts";
import type { AuctionRun } from "./auction-run.ts";

type ValidBid = Extract<BidRecord, { readonly status: "valid" }>;

/** All verdicts of the auction, those committed before and those asked for now. @throws AuctionAborted */
export async function collectVerdicts(
  run: AuctionRun,
  bids: readonly BidRecord[],
): Promise<readonly VerdictRecord[]> {
  const { opening } = run.desk;
  const valid = bids
    .filter((bid): bid is ValidBid => bid.status === "valid")
    .toSorted((a, b) => (a.agentId < b.agentId ? -1 : 1));
  const verdicts = [...run.desk.verdicts];
  if (valid.length < 2) return verdicts;

  const missing = opening.pool.filter((agent) => !verdicts.some((verdict) => verdict.jurorId === agent.id));
  const ballots = new Map(missing.map((juror) => [juror.id, ballot(valid, opening.seed, juror.id)]));
  const input = (juror: Agent): JuryPromptInput & { seed: number } => ({
    task: opening.spec.prompt,
    bids: (ballots.get(juror.id) ?? []).map(({ label, bid }) => ({ label, strategy: bid.strategy })),
    nonce: drawNonce(opening.seed, `jury/${juror.id}`),
    seed: opening.seed,
  });
  await askAll<JuryAnswer>(run, {
    kind: "jury",
    agents: missing,
    durationMs: run.deps.config.auctionJuryMs,
    bound: (juror) => run.deps.models.juryBound(juror, input(juror)),
    ask: (juror, limits) => run.deps.models.judge(juror, input(juror), limits),
    commit: async (juror, call, answer) => {
      const verdict = verdictRecord(juror, ballots.get(juror.id) ?? [], answer);
      verdicts.push(verdict);
      return run.task.recordVerdict(run.generation, call, verdict);
    },
  });
  return verdicts;
}

interface BallotEntry {
  readonly label: string;
  readonly bid: ValidBid;
}

/** The bids under anonymous labels, in an order drawn from (seed, juror). */
function ballot(valid: readonly ValidBid[], seed: number, jurorId: AgentId): BallotEntry[] {
  return drawOrder(valid, seed, `jury-order/${jurorId}`).map((bid, index) => ({
    label: String.fromCharCode("A".charCodeAt(0) + index),
    bid,
  }));
}

function verdictRecord(
  juror: Agent,
  entries: readonly BallotEntry[],
  answer: Answer<JuryAnswer>,
): VerdictRecord {
  const common = {
    jurorId: juror.id,
    ms: answer.ms,
    usage: billedUsage(answer.bill),
    costMicros: billedCost(answer.bill),
  };
  if (!answer.ok) return { ...common, status: "left", ...tellFailure(common.jurorId, answer.failure) };
  const scores = Object.fromEntries(
    entries.map(({ label, bid }) => [bid.agentId, answer.value.scores[label] ?? 0]),
  );
  return { ...common, status: "scored", scores };
}
