/**
 * One auction, from its committed state to its clearing (auction.md, steps 1 to 6; architecture, decision 1).
 *
 * Runs in a Worker, never in an object. Whoever holds the auction's generation may run it: it asks only for the bids
 * and verdicts that are missing, commits each as it arrives, and lets the market room decide.
 */
import { logInfo } from "../log.ts";
import { NO_FIRST_CALLS, type AuctionAnswers, type Opening } from "../market/auction-record.ts";
import { joinCommits } from "../market/auction-commit.ts";
import type { StartedCall } from "../market/call.ts";
import type { TaskId, TenantId } from "../market/ids.ts";
import type { RecalledEntry } from "../market/memory.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { AuctionDesk, TaskRoomApi } from "../taskroom/task-room-api.ts";
import { AuctionLog } from "./auction-log.ts";
import { AuctionAborted, type AuctionDeps, type AuctionPlan, type AuctionRun } from "./auction-run.ts";
import { planFirstBids, type BidCall } from "./collect-bids.ts";
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
  const { tenantId, taskId, generation } = toRun;
  const market = deps.config.marketRoom<MarketRoomApi>(tenantId);
  const task = deps.config.taskRoom<TaskRoomApi>(tenantId, taskId);
  const start = await beginRun(deps, task, toRun);
  if (start === null) return;

  const refused = new AbortController();
  const refuse = (abort: HeartbeatAbort) => refused.abort(abort);
  const begun = tellRefusal(start.begun, refuse);
  // Whoever writes to the room hears of it, and so does the end of the run.
  begun.catch(() => undefined);
  const heartbeat = startHeartbeat(deps.config.leaseMs, async () => {
    const answer = await market.renewAuction(taskId, generation);
    if (answer !== "continue") return answer === "ended" ? "stop" : answer;
    // Of a deadline only the task's room knows; a holder that waits for an answer commits nothing, and does not hear of it.
    if (deps.config.source.now() < start.desk.opening.deadlineAtMs) return "continue";
    const stands = await begun.then(() => task.commitAuction(generation, joinCommits([])));
    return stands === "stop" || stands === "lost" ? stands : "continue";
  });
  const log = new AuctionLog({
    // A room that would not have this holder still takes its bills.
    write: async (commit) => begun.then(() => task.commitAuction(generation, commit)),
    refused: refuse,
  });
  const { desk, calls, embedCall } = start;
  const signal = AbortSignal.any([heartbeat.signal, refused.signal]);
  const run: AuctionRun = { deps, opening: desk.opening, desk, log, signal };
  try {
    const embedding = begun.then(() => embedTask(run, embedCall)).catch(() => null);
    const answers = await collectAnswers(run, calls, embedding);
    const vector = await embedding;
    // No award would carry what does not stand yet, and whoever resumed would hold the auction again.
    if (!answers.bids.some((bid) => bid.status === "valid")) await log.settled();
    if (signal.aborted) throw new AuctionAborted(signal.reason as HeartbeatAbort);
    const tail = log.unsettled();
    const { prompt } = desk.opening.spec;
    const cleared = await market.clear({ taskId, generation, ...answers, task: prompt, vector, tail });
    if (!cleared.ok) throw new AuctionAborted(cleared.failure.reason === "ended" ? "stop" : "lost");
    await log.settled();
    if (cleared.value.state === "failed") await task.endAuction(generation, cleared.value.reason);
  } catch (error) {
    await log.settled();
    // The room could not be reached: that is why, and whoever called must hear of it.
    await begun;
    if (!(error instanceof AuctionAborted)) throw error;
    logInfo("auction-aborted", { taskId, abort: error.abort });
    if (error.abort === "stop") await task.endAuction(generation, "stopped");
  } finally {
    heartbeat.end();
  }
}

interface RunStart {
  readonly desk: AuctionDesk;
  /** The calls for first bids that count as started since admission; null: whatever is missing is yet to be started. */
  readonly calls: readonly BidCall[] | null;
  readonly embedCall: StartedCall | null;
  /** Once the room has this run as its auction's holder; not null: it may not go on. */
  readonly begun: Promise<HeartbeatAbort | null>;
}

/**
 * Begins in the task's room. A fresh auction's agents are asked while its room is still being made, where its first calls
 * were counted with the admission; else they are recorded as it begins. Null where there is nothing to run.
 */
async function beginRun(
  deps: AuctionPlan["deps"],
  task: TaskRoomApi,
  toRun: AuctionToRun,
): Promise<RunStart | null> {
  const { generation } = toRun;
  if (toRun.opening === undefined) {
    const begun = await task.beginAuction(generation, null);
    toRun.opened?.();
    if (begun.ok) return { desk: begun.value, calls: null, embedCall: null, begun: Promise.resolve(null) };
    if (begun.failure.reason === "stopping") await task.endAuction(generation, "stopped");
    return null;
  }
  // A market room of the version before counts no first calls.
  const opening: Opening = { ...NO_FIRST_CALLS, ...toRun.opening };
  const counted = opening.firstCalls.length > 0;
  const calls = planFirstBids({ deps, opening });
  const embedCall = planEmbedding({ deps, opening });
  const started = [
    ...(embedCall === null ? [] : [embedCall]),
    ...(counted ? [] : calls.map((call) => call.started)),
  ];
  const begun = task.beginAuction(generation, { opening, started }).then((answer): HeartbeatAbort | null => {
    toRun.opened?.();
    if (answer.ok) return null;
    return answer.failure.reason === "lost" ? "lost" : "stop";
  });
  // After so long, somebody else may have been given the auction.
  const { leaseMs, source } = deps.config;
  const atOnce = counted && source.now() < opening.admittedAtMs + leaseMs;
  const abort = atOnce ? null : await begun;
  if (abort === "stop") await task.endAuction(generation, "stopped");
  if (abort !== null) return null;
  const desk: AuctionDesk = { opening, bids: [], verdicts: [], refinements: null, embedding: null };
  return { desk, calls, embedCall, begun };
}

async function tellRefusal(
  begun: Promise<HeartbeatAbort | null>,
  refuse: (abort: HeartbeatAbort) => void,
): Promise<void> {
  try {
    const abort = await begun;
    if (abort !== null) refuse(abort);
  } catch (error) {
    refuse("lost");
    throw error;
  }
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
    juryOut: () => {
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
