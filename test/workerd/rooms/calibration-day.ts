/** A tenant with past tasks, and a calibration of them with the rooms, the history and the quote as they are. */
import { createMessageBatch, runInDurableObject } from "cloudflare:test";
import { quoteCalibration } from "../../../src/api/quote-calibration.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { readTraining } from "../../../src/history/read-training.ts";
import type { TrainingAuction } from "../../../src/market/fit/training-auction.ts";
import type { AgentId, CalibrationId, TaskId } from "../../../src/market/ids.ts";
import type { HistoryMessage } from "../../../src/market/message.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { createVectorIndex } from "../../../src/memory/vector-index.ts";
import type { CalibrationApi, CalibrationView } from "../../../src/tenancy/calibration-api.ts";
import { consumeHistory } from "../../../src/tenancy/consume-history.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels, type ScriptedStep } from "../../support/scripted-models.ts";
import { marketStub } from "../stubs.ts";
import {
  auctionDeps, CHEAP, config, DEAR, MIDDLE, openMarket, traceDeps, type MarketDay, type TaskStub,
} from "./market-day.ts"; // oxfmt-ignore

export const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
const JURY = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };

export interface CalibrationDay extends MarketDay {
  readonly calibrations: CalibrationApi;
  /** A task that `DEAR` wins and passes. */
  pastTask(input?: Partial<TaskInput>): Promise<{ readonly taskId: TaskId; readonly room: TaskStub }>;
  /** Plays the history queue's consumer. */
  carryHistory(): Promise<void>;
  /** A quote for this many past tasks, as the operator gets it. */
  quote(tasks: number): Promise<CalibrationView>;
  accept(id: CalibrationId): Promise<CalibrationView>;
  read(id: CalibrationId): Promise<CalibrationView>;
  /** Plays the work queue's consumer for a run's task: one step that ends it. */
  carryOut(taskId: TaskId, step: ScriptedStep): Promise<ScriptedModels>;
  training(): Promise<readonly TrainingAuction[]>;
  /** All that the tenant's memory holds, as it is stored. */
  memory(): Promise<readonly object[]>;
  /** Runs SQL in the market room, for what nobody can ask it for. */
  tamper(sql: string, ...bindings: readonly SqlStorageValue[]): Promise<void>;
}

export async function openCalibrationDay(): Promise<CalibrationDay> {
  const day = await openMarket();
  const { tenantId, market } = day;
  const calibrations = marketStub<CalibrationApi>(tenantId);
  const read = async (id: CalibrationId) => {
    const view = await calibrations.readCalibration(id);
    if (view === null) throw new Error("no such calibration");
    return view;
  };
  const carryOut = async (taskId: TaskId, step: ScriptedStep) => {
    const models = new ScriptedModels({ steps: [step] });
    await runSlice(traceDeps(models), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
    return models;
  };
  return {
    ...day,
    calibrations,
    read,
    carryOut,
    pastTask: async (input = {}) => {
      const admitted = await day.admit({ verifier: { type: "equals", expected: "42" }, ...input });
      const { taskId, room, holder } = admitted;
      const models = new ScriptedModels({ bids: BIDS, verdicts: JURY });
      await runAuction(auctionDeps(models), holder);
      await carryOut(taskId, { text: "42" });
      return { taskId, room };
    },
    carryHistory: async () => {
      const body: HistoryMessage = { kind: "history", tenantId };
      const message = { id: "1", timestamp: new Date(), attempts: 1, body };
      const batch = createMessageBatch("saleroom-history", [message]);
      await consumeHistory(config, createVectorIndex(config.vectorize), batch);
    },
    quote: async (tasks) => {
      const kept = await quoteCalibration(config, { tenantId, asked: tasks });
      if (kept?.ok !== true) throw new Error("no quote");
      return read(kept.value.value);
    },
    accept: async (id) => {
      const accepted = await calibrations.acceptCalibration(id);
      if (!accepted.ok) throw new Error(accepted.failure.reason);
      return accepted.value;
    },
    training: async () => (await readTraining(config.db, { tenantId, limit: 90 })).auctions,
    memory: () =>
      runInDurableObject(market as DurableObjectStub, async (_room, state) =>
        state.storage.sql.exec("SELECT body FROM memory").toArray(),
      ),
    tamper: (sql, ...bindings) =>
      runInDurableObject(market as DurableObjectStub, async (_room, state) => {
        state.storage.sql.exec(sql, ...bindings);
      }),
  };
}

/** The task that this agent's run is; throws where it has not begun. */
export function runTask(view: CalibrationView, agentId: AgentId): TaskId {
  for (const run of view.runs) if (run.agentId === agentId && "runTaskId" in run) return run.runTaskId;
  throw new Error(`no run of ${agentId} has begun`);
}

/** How the runs stand: `agt_cheap waiting`, `agt_dear skipped: cancelled`. */
export function standing(view: CalibrationView): string[] {
  return view.runs.map((run) => {
    const reason = run.status === "skipped" ? `: ${run.reason}` : "";
    return `${run.agentId} ${run.status}${reason}`;
  });
}
