/** One arm over one order of tasks: who wins, whether its trace passes, what it costs, what the memory becomes. */
import { viewTask } from "../../emulators/house/known-tasks.ts";
import { drawSuccess } from "../../emulators/house/success.ts";
import { traceRun, type TraceRun } from "../../emulators/house/trace/run.ts";
import type { AgentId } from "../../src/market/ids.ts";
import { totalTokens } from "../../src/market/money.ts";
import type { Policy } from "../../src/market/policy.ts";
import { HARD_BINS } from "./constants.ts";
import { createHouseCalls, TOOL_NAMES, type HouseCalls } from "./house-calls.ts";
import { largest, pool, sizeOf } from "./pool.ts";
import { runAuction, type StudyAuction } from "./run-auction.ts";
import { createStudyMemory, similarities } from "./study-memory.ts";
import { drawTasks, type OrderOptions, type StudyTask } from "./tasks.ts";
import type { TraceCost } from "./trace-costs.ts";

/** An order of tasks with all that its arms share. */
export interface World {
  readonly tasks: readonly StudyTask[];
  readonly similar: readonly (readonly number[])[];
  readonly calls: HouseCalls;
  /** Answers of `planOf`, by task, agent and strategy. */
  readonly plans: Map<string, TraceRun>;
  readonly traceCost: (taskId: string, agentId: string) => TraceCost;
}

export function makeWorld(options: OrderOptions, traceCost: World["traceCost"]): World {
  const tasks = drawTasks(options);
  return { tasks, similar: similarities(tasks), calls: createHouseCalls(), plans: new Map(), traceCost };
}

export interface ArmOptions {
  readonly policy: Policy;
  readonly informativeness: number;
  readonly refinementGain: number;
}

/** Sums over one order. */
export interface OrderResult {
  readonly tasks: number;
  readonly passes: number;
  /** Of the hard bins (`HARD_BINS`). */
  readonly hardTasks: number;
  readonly hardPasses: number;
  readonly traceMicros: number;
  readonly auctionMicros: number;
  readonly traceTokens: number;
  readonly auctionTokens: number;
  readonly wins: Readonly<Record<AgentId, number>>;
  /** Wins with a refined bid. */
  readonly refinedWins: number;
  /** Share of the first and of the last quarter that did not go to the largest. */
  readonly smallerFirst: number;
  readonly smallerLast: number;
}

export function runOrder(world: World, arm: ArmOptions): OrderResult {
  const memory = createStudyMemory(world.similar);
  const winners: AgentId[] = [];
  const sums = {
    passes: 0,
    hardTasks: 0,
    hardPasses: 0,
    traceMicros: 0,
    auctionMicros: 0,
    traceTokens: 0,
    auctionTokens: 0,
    refinedWins: 0,
  };
  for (const task of world.tasks) {
    const auction = runAuction({
      task,
      policy: arm.policy,
      calls: world.calls,
      refinementGain: arm.refinementGain,
      recall: () => memory.recall(task),
    });
    const { winner, round } = auction.clearing;
    const strategy =
      auction.bids.find((bid) => bid.agentId === winner && bid.round === round)?.strategy ?? "";
    const passed = passes(world, { task, winner, strategy, ...arm });
    if (round !== 0) {
      memory.remember(task, {
        strategies: auction.bids.map(({ agentId, round: at, strategy: text }) => ({
          agentId,
          round: at,
          strategy: text,
        })),
        winner,
        winnerRound: round,
        outcome: passed ? "pass" : "fail",
      });
    }
    const trace = world.traceCost(task.base.id, winner);
    const bill = auctionBill(auction);
    winners.push(winner);
    sums.passes += passed ? 1 : 0;
    if (HARD_BINS.includes(task.bin)) {
      sums.hardTasks += 1;
      sums.hardPasses += passed ? 1 : 0;
    }
    sums.traceMicros += trace.micros;
    sums.traceTokens += trace.tokens;
    sums.auctionMicros += bill.micros;
    sums.auctionTokens += bill.tokens;
    sums.refinedWins += round === 2 ? 1 : 0;
  }
  const quarter = Math.max(1, Math.floor(winners.length / 4));
  return {
    tasks: winners.length,
    ...sums,
    wins: Object.fromEntries(pool.map(({ id }) => [id, winners.filter((winner) => winner === id).length])),
    smallerFirst: smallerShare(winners.slice(0, quarter)),
    smallerLast: smallerShare(winners.slice(-quarter)),
  };
}

function smallerShare(winners: readonly AgentId[]): number {
  return winners.filter((winner) => winner !== largest).length / winners.length;
}

function auctionBill({ bids, verdicts }: StudyAuction): TraceCost {
  const calls = [...bids, ...verdicts];
  return {
    micros: calls.reduce((sum, call) => sum + call.costMicros, 0),
    tokens: calls.reduce((sum, call) => sum + (call.usage === null ? 0 : totalTokens(call.usage)), 0),
  };
}

export interface Attempt {
  readonly task: StudyTask;
  readonly winner: AgentId;
  /** Empty: no auction was held. */
  readonly strategy: string;
  readonly informativeness: number;
  readonly refinementGain: number;
}

/** Whether the winner's trace passes: the house's own draw, on the plan as the house reads it in a trace. */
export function passes(world: World, attempt: Attempt): boolean {
  const { task, winner, informativeness } = attempt;
  const run = planOf(world, attempt);
  return drawSuccess({ ...run, taskKey: task.base.id, size: sizeOf(winner), bin: task.bin, informativeness });
}

function planOf({ plans }: World, { task, winner, strategy, refinementGain }: Attempt): TraceRun {
  const key = `${task.index} ${winner} ${refinementGain} ${strategy}`;
  const known = plans.get(key);
  if (known !== undefined) return known;
  const view = viewTask(task.prompt);
  const size = sizeOf(winner);
  const run = traceRun({ seed: task.seed, task: view, strategy, size, tools: TOOL_NAMES, refinementGain });
  if (run.sharedSeed !== task.seed) throw new Error(`${winner} does not know its own strategy again`);
  plans.set(key, run);
  return run;
}
