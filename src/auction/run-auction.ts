/**
 * One auction, from its committed state to its clearing (auction.md, steps 1 to 6; architecture, decision 1).
 *
 * Runs in a Worker, never in an object. Whoever holds the auction's generation may run it: it asks only for the bids
 * and verdicts that are missing, commits each as it arrives, and lets the market room decide.
 */
import { logInfo } from "../log.ts";
import type { BidRecord, VerdictRecord } from "../market/auction-record.ts";
import type { TaskId, TenantId } from "../market/ids.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { TaskRoomApi } from "../taskroom/task-room-api.ts";
import { AuctionAborted, type AuctionDeps, type AuctionRun } from "./auction-run.ts";
import { collectBids } from "./collect-bids.ts";
import { collectVerdicts } from "./collect-verdicts.ts";
import { startHeartbeat } from "./heartbeat.ts";

/** Runs the auction of this generation to its end; returns at once where another holder has it. */
export async function runAuction(
  deps: AuctionDeps,
  where: { readonly tenantId: TenantId; readonly taskId: TaskId; readonly generation: number },
): Promise<void> {
  const { tenantId, taskId, generation } = where;
  const market = deps.config.marketRoom<MarketRoomApi>(tenantId);
  const task = deps.config.taskRoom<TaskRoomApi>(tenantId, taskId);
  const begun = await task.beginAuction(generation);
  if (!begun.ok) return;

  const heartbeat = startHeartbeat(deps.config.leaseMs, async () => {
    const answer = await market.renewAuction(taskId, generation);
    return answer === "ended" ? "stop" : answer;
  });
  try {
    const run: AuctionRun = { deps, task, desk: begun.value, generation, signal: heartbeat.signal };
    const bids = await collectBids(run);
    const verdicts = await collectVerdicts(run, bids);
    await clear(market, run, bids, verdicts);
  } catch (error) {
    if (!(error instanceof AuctionAborted)) throw error;
    logInfo("auction-aborted", { taskId, abort: error.abort });
    if (error.abort === "stop") await task.endAuction(generation, "stopped");
  } finally {
    heartbeat.end();
  }
}

async function clear(
  market: MarketRoomApi,
  run: AuctionRun,
  bids: readonly BidRecord[],
  verdicts: readonly VerdictRecord[],
): Promise<void> {
  const { taskId } = run.desk.opening;
  const cleared = await market.clear({ taskId, generation: run.generation, bids, verdicts });
  if (!cleared.ok) throw new AuctionAborted(cleared.failure.reason === "ended" ? "stop" : "lost");
  if (cleared.value.state === "failed") await run.task.endAuction(run.generation, cleared.value.reason);
}
