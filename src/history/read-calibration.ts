/** What a quote for a calibration is made from: finished tasks that a verifier decided about, and what traces cost. */
import { and, desc, eq, inArray, lt, notInArray, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { TraceCosts } from "../market/calibration/estimate.ts";
import type { PastTask } from "../market/calibration/suitable.ts";
import type { AuctionId, TenantId } from "../market/ids.ts";
import { ASKING_VERIFIERS } from "../market/verifier-spec.ts";
import { joinTraining, MAX_TRAINING_PAGE, type TrainingPageQuery } from "./read-training.ts";
import { auctions, tasks, traces } from "./schema.ts";

export interface PastTaskPage {
  /** Newest first, of verifiers that ask nobody. Calibration runs are not among them: they have no auction. */
  readonly tasks: readonly PastTask[];
  /** Pass as `cursor` for the next page; null at the end. */
  readonly nextCursor: AuctionId | null;
}

export async function readPastTasks(d1: D1Database, query: TrainingPageQuery): Promise<PastTaskPage> {
  const db = drizzle(d1);
  const limit = Math.min(query.limit, MAX_TRAINING_PAGE);
  const found = await db
    .select({ auction: auctions })
    .from(auctions)
    .innerJoin(tasks, and(eq(tasks.tenantId, auctions.tenantId), eq(tasks.taskId, auctions.taskId)))
    .where(
      and(
        eq(auctions.tenantId, query.tenantId),
        query.cursor === undefined ? undefined : lt(auctions.auctionId, query.cursor),
        eq(tasks.state, "finished"),
        inArray(tasks.outcome, ["pass", "fail"]),
        notInArray(tasks.verifier, [...ASKING_VERIFIERS]),
      ),
    )
    .orderBy(desc(auctions.auctionId))
    // One more than asked for tells whether there is a next page.
    .limit(limit + 1);
  const page = found.slice(0, limit).map(({ auction }) => auction);
  const joined = await joinTraining(db, query.tenantId, page);
  return {
    tasks: page.flatMap(({ taskId }, at) => {
      const auction = joined[at];
      return auction === undefined ? [] : [{ taskId, auction }];
    }),
    nextCursor: found.length > limit ? (page.at(-1)?.auctionId ?? null) : null,
  };
}

/** Newest traces that the costs are taken over: older ones had other prices and other tasks. */
const MAX_TRACES = 1_000;

/** What the tenant's newest traces cost, by agent. */
export async function readTraceCosts(d1: D1Database, tenantId: TenantId): Promise<TraceCosts[]> {
  const db = drizzle(d1);
  const newest = db
    .select({ agentId: traces.agentId, costMicros: traces.costMicros })
    .from(traces)
    .where(eq(traces.tenantId, tenantId))
    .orderBy(desc(traces.traceId))
    .limit(MAX_TRACES)
    .as("newest");
  return db
    .select({
      agentId: newest.agentId,
      traces: sql<number>`count(*)`,
      costMicros: sql<number>`sum(${newest.costMicros})`,
    })
    .from(newest)
    .groupBy(newest.agentId);
}
