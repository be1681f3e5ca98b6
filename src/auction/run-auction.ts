/**
 * One auction, from its committed state to its clearing (auction.md, steps 1 to 6; architecture, decision 1).
 *
 * Runs in a Worker, never in an object. Whoever holds the auction's generation may run it: it asks only for the bids
 * and verdicts that are missing, commits each as it arrives, and lets the market room decide.
 */
import { logInfo } from "../log.ts";
import type { TaskId, TenantId } from "../market/ids.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { TaskRoomApi } from "../taskroom/task-room-api.ts";
import { AuctionAborted, type AuctionDeps, type AuctionRun } from "./auction-run.ts";
import { collectBids } from "./collect-bids.ts";
import { collectVerdicts } from "./collect-verdicts.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { refineBids, type Answers } from "./refine.ts";

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
    const embedding = embedTask(run);
    const answers = await collectAnswers(run, embedding);
    await clear(market, run, answers, await embedding);
  } catch (error) {
    if (!(error instanceof AuctionAborted)) throw error;
    logInfo("auction-aborted", { taskId, abort: error.abort });
    if (error.abort === "stop") await task.endAuction(generation, "stopped");
  } finally {
    heartbeat.end();
  }
}

/** The task's vector, under way while the agents bid; null without a memory, or where no auction is held. */
async function embedTask({ deps, desk, signal }: AuctionRun): Promise<readonly number[] | null> {
  const { spec, policy } = desk.opening;
  if (deps.memory === null || policy.rules.kind !== "auction") return null;
  return deps.memory.embed(spec.prompt, signal);
}

/** Bids, verdicts, and what refinement adds; nothing where the policy holds no auction. */
async function collectAnswers(
  run: AuctionRun,
  embedding: Promise<readonly number[] | null>,
): Promise<Answers> {
  const { opening } = run.desk;
  if (opening.policy.rules.kind !== "auction") return { bids: [], verdicts: [] };
  const bids = await collectBids(run, { round: 1, agents: opening.pool, refinements: new Map() });
  const verdicts = await collectVerdicts(run, 1, bids);
  return refineBids(run, { bids, verdicts }, await embedding);
}

async function clear(
  market: MarketRoomApi,
  run: AuctionRun,
  { bids, verdicts }: Answers,
  vector: readonly number[] | null,
): Promise<void> {
  const { taskId, spec } = run.desk.opening;
  const { generation } = run;
  const cleared = await market.clear({ taskId, generation, bids, verdicts, task: spec.prompt, vector });
  if (!cleared.ok) throw new AuctionAborted(cleared.failure.reason === "ended" ? "stop" : "lost");
  if (cleared.value.state === "failed") await run.task.endAuction(generation, cleared.value.reason);
}
