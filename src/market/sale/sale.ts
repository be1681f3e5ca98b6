/**
 * The sale: which of the standing bids gets the task, once the auction has ranked them. Pure.
 *
 * The auction decides who is best (auction.md, steps 4 to 6); a task's limits and the tenant's caps decide who may get it.
 * The best bid without an obstacle is sold; where there is none, the task is not sold, and the answer says what would have
 * to give. The ranking itself knows nothing of limits: who leads, and who may refine, stays the paper's.
 */
import type { Clearing } from "../clear.ts";
import type { AgentId } from "../ids.ts";
import { asMicros, microsToUsd, sumMicros, type Micros } from "../money.ts";
import { fail, ok, type Result } from "../result.ts";
import type { ScoredBid } from "../score.ts";
import type { NoSaleReason, Relaxation } from "../task.ts";
import type { Forecast } from "./forecast.ts";

/** A bid that could be sold. */
export interface Standing {
  readonly agentId: AgentId;
  /** Which of the agent's strategies is its plan; 0: no auction was held, and there is none. */
  readonly round: 0 | 1 | 2;
  /** As the round that decided on it scored it; null: nothing was scored. */
  readonly scored: ScoredBid | null;
}

/** The task's own limits, in USD, seconds and steps; `maxShare`: the tenant's cap on the agent's share of awards. */
export const OBSTACLES = ["maxCostUsd", "deadlineS", "maxSteps", "maxShare"] as const;

/** What a limit needs to be for a bid to be sold, beside what it is: in the limit's own unit. */
export interface Obstacle {
  readonly limit: (typeof OBSTACLES)[number];
  readonly is: number;
  readonly needs: number;
}

/** A bid that stood before the one that was sold, or before none. */
export interface PassedOver {
  readonly agentId: AgentId;
  readonly obstacles: readonly Obstacle[];
}

export interface Sale {
  readonly standing: Standing;
  /** Better ones, best first. */
  readonly passedOver: readonly PassedOver[];
}

export interface NoSale {
  /** Every bid, best first. */
  readonly passedOver: readonly PassedOver[];
  readonly reason: NoSaleReason;
  readonly relaxation: Relaxation;
}

/** What a sale is decided by, beside the ranking. */
export interface SaleTerms {
  /** Of every agent of the pool. */
  readonly forecasts: ReadonlyMap<AgentId, Forecast>;
  readonly limits: {
    /** Null: none of its own. */
    readonly maxCostUsd: number | null;
    readonly deadlineS: number;
    readonly maxSteps: number;
  };
  /** What the auction has cost, and how long it took since admission. */
  readonly spentMicros: Micros;
  readonly elapsedMs: number;
  /** Agents that have their share of the awards; absent: it has room, or no cap. */
  readonly shares: ReadonlyMap<AgentId, { readonly cap: number; readonly needs: number }>;
}

/** The standing bids, best first: the winner, the others of the round that decided, then the rest of the first round. */
export function standingsOf(clearing: Clearing): Standing[] {
  const { winner, round, first, refined, provisionalWinner } = clearing;
  const secondRound = (refined?.ranking ?? []).map((scored): Standing => ({
    agentId: scored.agentId,
    round: scored.agentId === provisionalWinner ? 1 : 2,
    scored,
  }));
  const firstRound = (first?.ranking ?? []).map((scored): Standing => ({
    agentId: scored.agentId,
    round: 1,
    scored,
  }));
  const all = [...secondRound, ...firstRound];
  const won = all.find((standing) => standing.agentId === winner && standing.round === round);
  const ordered = [won ?? { agentId: winner, round, scored: null }, ...all];
  return ordered.filter((one, at) => ordered.findIndex((other) => other.agentId === one.agentId) === at);
}

/** The best standing bid that nothing stands against. */
export function sell(standings: readonly Standing[], terms: SaleTerms): Result<Sale, NoSale> {
  const passedOver: PassedOver[] = [];
  for (const standing of standings) {
    const obstacles = obstaclesOf(standing.agentId, terms);
    if (obstacles.length === 0) return ok({ standing, passedOver });
    passedOver.push({ agentId: standing.agentId, obstacles });
  }
  const relaxation = smallestRelaxation(passedOver);
  return fail({ passedOver, reason: reasonOf(relaxation), relaxation });
}

/** What a task may have to cost, in USD, for its trace to begin, and to be likelier than not to end within it. */
export function costNeeded({ medianMicros, leastMicros }: Forecast, spentMicros: Micros): number {
  return microsToUsd(sumMicros([spentMicros, asMicros(Math.max(medianMicros, leastMicros))]));
}

/**
 * What stands against an agent's bid: a trace that is likelier than not to pass a limit of the task, by its median, or
 * that cannot begin under it, or a share of the awards that it has already.
 */
export function obstaclesOf(agentId: AgentId, terms: SaleTerms): Obstacle[] {
  const { limits, spentMicros, elapsedMs } = terms;
  const forecast = terms.forecasts.get(agentId);
  if (forecast === undefined) throw new Error(`no forecast of ${agentId}`);
  const share = terms.shares.get(agentId);
  const { medianMs, medianSteps } = forecast;
  const needs = {
    maxCostUsd: costNeeded(forecast, spentMicros),
    deadlineS: medianMs === null ? 0 : Math.ceil((elapsedMs + medianMs) / 1_000),
    maxSteps: medianSteps ?? 0,
    maxShare: share?.needs ?? 0,
  };
  const is = { ...limits, maxCostUsd: limits.maxCostUsd ?? Infinity, maxShare: share?.cap ?? 1 };
  return OBSTACLES.flatMap((limit) =>
    needs[limit] > is[limit] ? [{ limit, is: is[limit], needs: needs[limit] }] : [],
  );
}

/**
 * Fewest limits first, then the one whose largest change is the smallest, as a ratio, where those are equal the one whose
 * next largest is; between equals the better bid.
 *
 * @throws Error for no bids at all
 */
export function smallestRelaxation(passedOver: readonly PassedOver[]): Relaxation {
  const [least] = passedOver.toSorted(
    (a, b) => a.obstacles.length - b.obstacles.length || compareChanges(changesOf(a), changesOf(b)),
  );
  if (least === undefined) throw new Error("no bid was passed over");
  const { agentId, obstacles } = least;
  return { agentId, limits: Object.fromEntries(obstacles.map(({ limit, needs }) => [limit, needs])) };
}

/** What stands against the bid that the least stands against. */
export function reasonOf({ limits }: Relaxation): NoSaleReason {
  const [limit, ...more] = OBSTACLES.filter((name) => limits[name] !== undefined);
  return limit === undefined || more.length > 0 ? "limits" : REASONS[limit];
}

const REASONS = {
  maxCostUsd: "cost_limit",
  deadlineS: "deadline",
  maxSteps: "step_limit",
  maxShare: "share_cap",
} as const satisfies Record<Obstacle["limit"], NoSaleReason>;

/** Largest first. */
function changesOf({ obstacles }: PassedOver): number[] {
  return obstacles.map(({ is, needs }) => needs / is).toSorted((a, b) => b - a);
}

function compareChanges(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((change, place) => change !== b[place]);
  return at < 0 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
