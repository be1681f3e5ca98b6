/**
 * A tenant's auctions as the fit of the weights reads them: first bids, the jury's scores, and what the task's
 * attempts did. Refined bids are left out: not every agent has one, and who has depends on the weights.
 *
 * Outcomes and traces belong to a task and to the agent that made the attempt: where a task was escalated, one
 * auction knows several. An agent's first decided attempt counts, also where it was told of others' that failed before it.
 * Calibration runs add what other agents did on the same task; they are tasks of their own, without an auction, and count after
 * the task's own attempts.
 */
import { and, asc, desc, eq, inArray, lt } from "drizzle-orm";
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import { z } from "zod";
import type { TrainingAuction, TrainingBid } from "../market/fit/training-auction.ts";
import { AGENT_ID_PATTERN, type AgentId, type AuctionId, type TaskId, type TenantId } from "../market/ids.ts";
import { auctions, bids, outcomes, tasks, traces, verdicts } from "./schema.ts";

export interface TrainingPageQuery {
  readonly tenantId: TenantId;
  /** The last auction of the page before; the page begins with the next older one. */
  readonly cursor?: AuctionId;
  /** Most auctions of one page, 1 to `MAX_TRAINING_PAGE`. */
  readonly limit: number;
}

export interface TrainingPage {
  /** Newest first. */
  readonly auctions: readonly TrainingAuction[];
  /** Pass as `cursor` for the next page; null at the end. */
  readonly nextCursor: AuctionId | null;
}

/** D1 binds at most 100 parameters to a statement (https://developers.cloudflare.com/d1/platform/limits/). */
export const MAX_TRAINING_PAGE = 90;

export type StoredAuction = typeof auctions.$inferSelect;
type StoredBid = typeof bids.$inferSelect;
type StoredVerdict = typeof verdicts.$inferSelect;

const traceOfOutcome = and(
  eq(traces.tenantId, outcomes.tenantId),
  eq(traces.taskId, outcomes.taskId),
  eq(traces.attempt, outcomes.attempt),
);

/** The weights' own column names the pool that should have judged; leniently, as older rows have other shapes. */
const juryOfWeights = z.object({ jurors: z.record(z.string(), z.number()) });

export async function readTraining(d1: D1Database, query: TrainingPageQuery): Promise<TrainingPage> {
  const db = drizzle(d1);
  const limit = Math.min(query.limit, MAX_TRAINING_PAGE);
  const found = await db
    .select()
    .from(auctions)
    .where(
      and(
        eq(auctions.tenantId, query.tenantId),
        query.cursor === undefined ? undefined : lt(auctions.auctionId, query.cursor),
      ),
    )
    .orderBy(desc(auctions.auctionId))
    // One more than asked for tells whether there is a next page.
    .limit(limit + 1);
  const page = found.slice(0, limit);
  const joined = await joinTraining(db, query.tenantId, page);
  return { auctions: joined, nextCursor: found.length > limit ? (page.at(-1)?.auctionId ?? null) : null };
}

/** The auctions, at most `MAX_TRAINING_PAGE` of them, in their order with all that is known of them. */
export async function joinTraining(
  db: DrizzleD1Database,
  tenantId: TenantId,
  page: readonly StoredAuction[],
): Promise<TrainingAuction[]> {
  if (page.length === 0) return [];
  const auctionIds = page.map(({ auctionId }) => auctionId);
  const taskIds = page.map(({ taskId }) => taskId);
  const [foundBids, foundVerdicts, attempts, runs] = await db.batch([
    selectBids(db, tenantId, auctionIds),
    selectVerdicts(db, tenantId, auctionIds),
    selectAttempts(db, tenantId, taskIds),
    selectRuns(db, tenantId, auctionIds),
  ]);
  const bidsOf = Map.groupBy(foundBids, (bid) => bid.auctionId);
  const verdictsOf = Map.groupBy(foundVerdicts, (verdict) => verdict.auctionId);
  const attemptsOf = Map.groupBy(attempts, (attempt) => attempt.taskId);
  const runsOf = Map.groupBy(runs, (run) => run.auctionId);
  return page.map((auction) => {
    const judged = verdictsOf.get(auction.auctionId) ?? [];
    return {
      auctionId: auction.auctionId,
      bids: firstBids(bidsOf.get(auction.auctionId) ?? [], judged),
      ...known([...(attemptsOf.get(auction.taskId) ?? []), ...(runsOf.get(auction.auctionId) ?? [])]),
      jurors: expectedJury(auction, judged),
    };
  });
}

function selectBids(db: DrizzleD1Database, tenantId: TenantId, auctionIds: readonly AuctionId[]) {
  return db
    .select()
    .from(bids)
    .where(
      and(
        eq(bids.tenantId, tenantId),
        inArray(bids.auctionId, [...auctionIds]),
        eq(bids.round, 1),
        eq(bids.status, "valid"),
      ),
    )
    .orderBy(asc(bids.agentId));
}

function selectVerdicts(db: DrizzleD1Database, tenantId: TenantId, auctionIds: readonly AuctionId[]) {
  return db
    .select()
    .from(verdicts)
    .where(
      and(
        eq(verdicts.tenantId, tenantId),
        inArray(verdicts.auctionId, [...auctionIds]),
        eq(verdicts.round, 1),
      ),
    );
}

const attemptFields = {
  agentId: outcomes.agentId,
  outcome: outcomes.outcome,
  costMicros: traces.costMicros,
};

/** The tasks' own attempts. */
function selectAttempts(db: DrizzleD1Database, tenantId: TenantId, taskIds: readonly TaskId[]) {
  return db
    .select({ taskId: outcomes.taskId, ...attemptFields })
    .from(outcomes)
    .leftJoin(traces, traceOfOutcome)
    .where(and(eq(outcomes.tenantId, tenantId), inArray(outcomes.taskId, [...taskIds])))
    .orderBy(asc(outcomes.attempt));
}

/** Calibration runs of the auctions, oldest first. */
function selectRuns(db: DrizzleD1Database, tenantId: TenantId, auctionIds: readonly AuctionId[]) {
  return db
    .select({ auctionId: tasks.calibratesAuctionId, ...attemptFields })
    .from(tasks)
    .innerJoin(outcomes, and(eq(outcomes.tenantId, tasks.tenantId), eq(outcomes.taskId, tasks.taskId)))
    .leftJoin(traces, traceOfOutcome)
    .where(and(eq(tasks.tenantId, tenantId), inArray(tasks.calibratesAuctionId, [...auctionIds])))
    .orderBy(asc(tasks.taskId), asc(outcomes.attempt));
}

function firstBids(found: readonly StoredBid[], judged: readonly StoredVerdict[]): TrainingBid[] {
  return found.flatMap(({ agentId, price, visibleTokens, entropy }) => {
    if (visibleTokens === null) return [];
    const scores: Record<AgentId, number> = {};
    for (const verdict of judged) {
      const score = verdict.scores?.[agentId];
      if (score !== undefined) scores[verdict.jurorId] = score;
    }
    return [{ agentId, price, tokens: visibleTokens, entropy, scores }];
  });
}

interface Attempt {
  readonly agentId: AgentId;
  readonly outcome: "pass" | "fail" | "unknown";
  readonly costMicros: TrainingAuction["traceCostMicros"][AgentId] | null;
}

/** An agent's first decided attempt, and its cost; of an undecided one only the cost. */
function known(attempts: readonly Attempt[]): Pick<TrainingAuction, "outcomes" | "traceCostMicros"> {
  const decided: TrainingAuction["outcomes"] = {};
  const traceCostMicros: TrainingAuction["traceCostMicros"] = {};
  for (const { agentId, outcome, costMicros } of attempts) {
    if (decided[agentId] !== undefined) continue;
    if (costMicros !== null) traceCostMicros[agentId] = costMicros;
    if (outcome !== "unknown") decided[agentId] = outcome;
  }
  return { outcomes: decided, traceCostMicros };
}

/** Every juror that was to judge: all that the weights name, and all that were asked. */
function expectedJury({ weights }: StoredAuction, judged: readonly StoredVerdict[]): AgentId[] {
  const weighed = juryOfWeights.safeParse(weights);
  const named = weighed.success ? Object.keys(weighed.data.jurors) : [];
  const jurors = new Set([...named, ...judged.map(({ jurorId }) => jurorId)]);
  return [...jurors].filter((id): id is AgentId => AGENT_ID_PATTERN.test(id)).toSorted();
}
