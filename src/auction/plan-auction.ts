/**
 * What an auction is expected to cost at most, before it begins: bidding and judging are held before they start.
 *
 * First bids count at their bounds. What jurors will be shown is not known yet: their calls count as over strategies of
 * the usual length. An auction whose strategies are longer, whose jurors are asked again, or whose bids are refined asks
 * for more when it comes to that.
 */
import type { JuryPromptInput } from "../agents/prompts/jury-prompt.ts";
import type { Opening } from "../market/auction-record.ts";
import type { StartedCall } from "../market/call.ts";
import { drawNonce } from "../market/draw.ts";
import { sumMicros, ZERO_MICROS, type Micros } from "../market/money.ts";
import { REFERENCE_STRATEGY_TOKENS } from "../market/policy.ts";
import type { AuctionPlan } from "./auction-run.ts";
import { planBids } from "./collect-bids.ts";
import { drawSeats } from "./jury.ts";

/** What it is planned from. */
export type AuctionTerms = Pick<Opening, "spec" | "tools" | "pool" | "policy" | "seed">;

export interface PlannedAuction {
  /** The calls for first bids; none where the policy holds no auction. */
  readonly firstCalls: readonly StartedCall[];
  /** What is to be held for bids, verdicts and the memory's embedding. */
  readonly holdMicros: Micros;
}

/** Of a strategy of the usual length, in UTF-8: English has four to five bytes to a token. */
const STRATEGY_BYTES = REFERENCE_STRATEGY_TOKENS * 5;
const STRATEGY = "s".repeat(STRATEGY_BYTES);

export function planAuction(deps: AuctionPlan["deps"], terms: AuctionTerms): PlannedAuction {
  const { rules } = terms.policy;
  if (rules.kind !== "auction") return { firstCalls: [], holdMicros: ZERO_MICROS };
  const bids = planBids({ deps, opening: terms }, { round: 1, agents: terms.pool, refinements: new Map() });
  const firstCalls = bids.map((call) => call.started);
  const embedding = deps.memory === null ? ZERO_MICROS : deps.memory.embedBound(terms.spec.prompt);
  const bounds = firstCalls.map((call) => call.boundMicros);
  return { firstCalls, holdMicros: sumMicros([...bounds, ...juryBounds(deps, terms), embedding]) };
}

/** One for every call that the jury of the first round is expected to make. */
function juryBounds({ models }: AuctionPlan["deps"], terms: AuctionTerms): Micros[] {
  const { rules } = terms.policy;
  const pointwise = rules.kind === "auction" && rules.jury?.form === "pointwise";
  const bidders = terms.pool.map((agent) => agent.id);
  const ballots = new Map<number, JuryPromptInput>();
  const ballotOf = (size: number): JuryPromptInput => {
    const known = ballots.get(size);
    const ballot = known ?? {
      task: terms.spec.prompt,
      bids: Array.from({ length: size }, (_, at) => ({ label: `A${at}`, strategy: STRATEGY })),
      nonce: drawNonce(terms.seed, "plan"),
    };
    ballots.set(size, ballot);
    return ballot;
  };
  return drawSeats(terms, 1, bidders).flatMap(({ juror, judges }) =>
    pointwise
      ? judges.map(() => models.juryBound(juror, ballotOf(1)))
      : [models.juryBound(juror, ballotOf(judges.length))],
  );
}
