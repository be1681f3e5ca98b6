/**
 * One auction, from its committed state to its clearing (auction.md, steps 1 to 6; architecture, decision 1).
 *
 * Runs in a Worker, never in an object. Whoever holds the auction's generation may run it: it asks only for the bids
 * and verdicts that are missing, commits each as it arrives, and lets the market room decide.
 */
import { logInfo } from "../log.ts";
import type { AuctionAnswers, Opening } from "../market/auction-record.ts";
import type { TaskId, TenantId } from "../market/ids.ts";
import type { RecalledEntry } from "../market/memory.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { TaskRoomApi } from "../taskroom/task-room-api.ts";
import { AuctionLog } from "./auction-log.ts";
import { AuctionAborted, type AuctionDeps, type AuctionPlan, type AuctionRun } from "./auction-run.ts";
import { planBids, type BidCall } from "./collect-bids.ts";
import { embedTask, planEmbedding } from "./embed-task.ts";
import { startHeartbeat, type HeartbeatAbort } from "./heartbeat.ts";
import { holdRound } from "./hold-round.ts";
import { refineBids } from "./refine.ts";
import { SpreadCalls } from "./spread-calls.ts";

export interface AuctionToRun {
  readonly tenantId: TenantId;
  readonly taskId: TaskId;
  readonly generation: number;
  /** Fresh from admission: the run opens the task's room with it. Absent: the auction is resumed, its room is open. */
  readonly opening?: Opening;
  /** Hears it once the task's room is open. */
  opened?(): void;
}

/** Runs the auction of this generation to its end; returns at once where another holder has it. */
export async function runAuction(deps: AuctionDeps, toRun: AuctionToRun): Promise<void> {
  const models = new SpreadCalls({
    models: deps.models,
    stock: deps.helpers,
    run: `${toRun.taskId}/${toRun.generation}`,
    now: deps.config.source.now,
  });
  try {
    await runWith({ ...deps, models }, toRun);
  } finally {
    models.close();
  }
}

async function runWith(deps: AuctionPlan["deps"], toRun: AuctionToRun): Promise<void> {
  const { tenantId, taskId, generation, opening } = toRun;
  const market = deps.config.marketRoom<MarketRoomApi>(tenantId);
  const task = deps.config.taskRoom<TaskRoomApi>(tenantId, taskId);
  // The first calls go with the opening: one hop until the agents are asked.
  const calls = opening === undefined ? null : firstCalls(deps, opening);
  const embedCall = opening === undefined ? null : planEmbedding({ deps, opening });
  const started = [...(embedCall === null ? [] : [embedCall]), ...(calls?.map((call) => call.started) ?? [])];
  const begun = await task.beginAuction(generation, opening === undefined ? null : { opening, started });
  toRun.opened?.();
  if (!begun.ok) return;

  const refused = new AbortController();
  const heartbeat = startHeartbeat(deps.config.leaseMs, async () => {
    const answer = await market.renewAuction(taskId, generation);
    return answer === "ended" ? "stop" : answer;
  });
  const log = new AuctionLog({
    write: (commit) => task.commitAuction(generation, commit),
    refused: (abort: HeartbeatAbort) => refused.abort(abort),
  });
  const run: AuctionRun = {
    deps,
    opening: begun.value.opening,
    desk: begun.value,
    log,
    signal: AbortSignal.any([heartbeat.signal, refused.signal]),
  };
  try {
    const embedding = embedTask(run, embedCall);
    const answers = await collectAnswers(run, calls, embedding);
    const { prompt } = run.opening.spec;
    const vector = await embedding;
    const cleared = await market.clear({ taskId, generation, ...answers, task: prompt, vector });
    if (!cleared.ok) throw new AuctionAborted(cleared.failure.reason === "ended" ? "stop" : "lost");
    if (cleared.value.state === "failed") await task.endAuction(generation, cleared.value.reason);
  } catch (error) {
    if (!(error instanceof AuctionAborted)) throw error;
    logInfo("auction-aborted", { taskId, abort: error.abort });
    if (error.abort === "stop") await task.endAuction(generation, "stopped");
  } finally {
    heartbeat.end();
  }
}

/** The bids of the first round; none where the policy holds no auction. */
function firstCalls(deps: AuctionPlan["deps"], opening: Opening): readonly BidCall[] {
  const agents = opening.policy.rules.kind === "auction" ? opening.pool : [];
  return planBids({ deps, opening }, { round: 1, agents, refinements: new Map() });
}

/** Bids, verdicts, and what refinement adds; nothing where the policy holds no auction. */
async function collectAnswers(
  run: AuctionRun,
  begun: readonly BidCall[] | null,
  embedding: Promise<readonly number[] | null>,
): Promise<AuctionAnswers> {
  const { opening } = run;
  const { rules } = opening.policy;
  if (rules.kind !== "auction") return { bids: [], verdicts: [] };
  // Asked for while the jury is out: whoever refines need not wait for it.
  let recalled: Promise<readonly RecalledEntry[]> | null = null;
  const recall = () => (recalled ??= recallFor(run, embedding));
  const first = await holdRound(run, {
    round: 1,
    agents: opening.pool,
    refinements: new Map(),
    begun,
    holder: null,
    with: {},
    bidsIn: () => {
      if (rules.memory) void recall();
    },
  });
  return refineBids(run, first, recall);
}

/** Past auctions like this one; none without a memory or a vector. */
async function recallFor(
  { deps, opening }: AuctionRun,
  embedding: Promise<readonly number[] | null>,
): Promise<readonly RecalledEntry[]> {
  const vector = await embedding;
  if (deps.memory === null || vector === null) return [];
  return deps.memory.recall(deps.config, { tenantId: opening.tenantId, vector });
}
