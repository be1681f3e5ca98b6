/**
 * Finds the past tasks that a calibration can learn from, newest first, and has the market room keep the quote.
 *
 * What auctions came to is read from the history, what the tasks are from their rooms. Nothing runs.
 */
import type { Config } from "../config.ts";
import { readPastTasks, readTraceCosts } from "../history/read-calibration.ts";
import { MAX_TRAINING_PAGE } from "../history/read-training.ts";
import { makeQuote, type ChosenTask } from "../market/calibration/make-quote.ts";
import { isStillThatBidder, type PastAuction } from "../market/calibration/past-auction.ts";
import { unknownAgents, type PastTask, type UnsuitableReason } from "../market/calibration/suitable.ts";
import type { Pool } from "../market/agent.ts";
import { newId, type AgentId, type AuctionId, type CalibrationId, type TenantId } from "../market/ids.ts";
import { ok, type Result } from "../market/result.ts";
import type { CalibrationApi } from "../tenancy/calibration-api.ts";
import type { IdempotencyConflict, IdempotentRequest, Once } from "../tenancy/idempotency.ts";
import type { TaskRoomApi } from "../taskroom/task-room-api.ts";

/** Pages of the history that are looked through at most: the newest 1,800 tasks. */
const MAX_PAGES = 20;
/** Rooms that are asked at one time. */
const ROOMS_AT_ONCE = 6;

interface QuoteRequest {
  readonly tenantId: TenantId;
  /** How many past tasks. */
  readonly asked: number;
  readonly idempotency?: IdempotentRequest | null;
}

interface Search {
  readonly config: Config;
  readonly tenantId: TenantId;
  readonly asked: number;
  readonly chosen: ChosenTask[];
  readonly unsuitable: UnsuitableReason[];
}

/** The kept quote, or under an Idempotency-Key the one that was kept before; null: there is no such tenant. */
export async function quoteCalibration(
  config: Config,
  { tenantId, asked, idempotency = null }: QuoteRequest,
): Promise<Result<Once<CalibrationId>, IdempotencyConflict> | null> {
  const room = config.marketRoom<CalibrationApi>(tenantId);
  const ground = await room.calibrationGround([]);
  if (ground === null) return null;
  const search: Search = { config, tenantId, asked, chosen: [], unsuitable: [] };
  await searchHistory(search, ground.pool);
  const { chosen, unsuitable } = search;
  const { quote, runs } = makeQuote({
    calibrationId: newId("clb", config.source),
    asked,
    chosen,
    unsuitable,
    pool: ground.pool,
    seen: await readTraceCosts(config.db, tenantId),
    nowMs: config.source.now(),
  });
  const kept = await room.quoteCalibration(quote, runs, idempotency);
  return kept ?? ok({ value: quote.calibrationId, replay: null });
}

/** Page by page until there are enough tasks or no more history. */
async function searchHistory(search: Search, pool: Pool): Promise<void> {
  const { config, tenantId } = search;
  let cursor: AuctionId | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const limit = MAX_TRAINING_PAGE;
    const past = await readPastTasks(config.db, { tenantId, limit, ...(cursor && { cursor }) });
    const auctionIds = past.tasks.map(({ auction }) => auction.auctionId);
    const ground = await config.marketRoom<CalibrationApi>(tenantId).calibrationGround(auctionIds);
    const ids = pool.map(({ id }) => id);
    const wanted = past.tasks.map((task) => ({
      task,
      unknown: unknownAgents(task, ids, ground?.taken ?? []),
    }));
    for (let at = 0; at < wanted.length; at += ROOMS_AT_ONCE) {
      if (search.chosen.length >= search.asked) return;
      await choose(search, pool, wanted.slice(at, at + ROOMS_AT_ONCE));
    }
    if (past.nextCursor === null) return;
    cursor = past.nextCursor;
  }
}

type Wanted = { readonly task: PastTask; readonly unknown: ReturnType<typeof unknownAgents> };

/** Asks the rooms of a few tasks, and takes from them in order what is still needed. */
async function choose(search: Search, pool: Pool, wanted: readonly Wanted[]): Promise<void> {
  const { config, tenantId } = search;
  const rooms = await Promise.all(
    wanted.map(async ({ task, unknown }) =>
      unknown.ok ? config.taskRoom<TaskRoomApi>(tenantId, task.taskId).pastAuction() : null,
    ),
  );
  for (const [at, { task, unknown }] of wanted.entries()) {
    if (search.chosen.length >= search.asked) return;
    if (!unknown.ok) {
      search.unsuitable.push(unknown.failure);
      continue;
    }
    const past = rooms[at] ?? null;
    const flaw = flawOf(past, task, { pool, agents: unknown.value });
    if (past === null || flaw !== null) {
      search.unsuitable.push(flaw ?? "task_erased");
      continue;
    }
    const { taskId, auction } = task;
    search.chosen.push({ taskId, auctionId: auction.auctionId, spec: past.spec, agents: unknown.value });
  }
}

/** The same that is checked again when a run begins. */
function flawOf(
  past: PastAuction | null,
  { auction }: PastTask,
  { pool, agents }: { readonly pool: Pool; readonly agents: readonly AgentId[] },
): "task_erased" | "agent_changed" | null {
  if (past === null || past.auctionId !== auction.auctionId) return "task_erased";
  for (const agentId of agents) {
    const bidder = past.bidders.find((one) => one.agentId === agentId);
    const agent = pool.find(({ id }) => id === agentId);
    if (bidder === undefined) return "task_erased";
    if (agent === undefined || !isStillThatBidder(bidder, agent)) return "agent_changed";
  }
  return null;
}
