/** A tenant with limits, whose tasks a test takes from state to state itself: no model is asked. */
import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import type { Opening } from "../../../src/market/auction-record.ts";
import { newId, type TaskId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import {
  DEFAULT_TENANT_LIMITS,
  NO_RATE_LIMITS,
  type RateLimits,
  type TenantLimits,
} from "../../../src/market/rate-limit.ts";
import type { SpentCall } from "../../../src/market/report.ts";
import type { QuoteOrder } from "../../../src/market/sale/quote.ts";
import { taskSpecSchema, type TaskInput } from "../../../src/market/task.ts";
import type { AdmitRefusal, Ordering } from "../../../src/tenancy/market-room-api.ts";
import type { Result } from "../../../src/market/result.ts";
import { aBid, aCommit, aUsage } from "../../support/builders.ts";
import {
  CHEAP,
  config,
  DEAR,
  KEY_HASH,
  openMarket,
  taskRoom,
  type MarketDay,
  type TaskStub,
} from "./market-day.ts";

export interface TurnsTask {
  readonly taskId: TaskId;
  readonly room: TaskStub;
  readonly opening: Opening;
  /** Whether its auction was given to whoever asked for it. */
  readonly begins: boolean;
}

export interface AskOptions {
  readonly keyHash?: string;
  readonly input?: Partial<TaskInput>;
  readonly quote?: QuoteOrder | null;
}

export type Asked = Result<TurnsTask, AdmitRefusal>;

export interface TurnsDay extends MarketDay {
  setLimits(limits: Partial<TenantLimits>): Promise<void>;
  /** A new key with limits of its own; returns its hash. */
  key(limits: Partial<RateLimits>): Promise<string>;
  ask(options?: AskOptions): Promise<Asked>;
  /** As `ask`, where it is admitted. */
  task(options?: AskOptions): Promise<TurnsTask>;
  /** Its auction is held and cleared, by whoever may: into an award, or the bids of a quote. */
  award(task: TurnsTask, state?: "awarded" | "quoted"): Promise<void>;
  /** Its trace is taken up and comes to its verdict. */
  finish(
    task: TurnsTask,
    of?: { readonly attempt?: number; readonly outcome?: "pass" | "fail" },
  ): Promise<void>;
  /** Tells of a call of the task that used so many tokens. */
  spend(task: TurnsTask, tokens: number): Promise<SpentCall>;
  /** How these tasks stand in the market room: `bidding`, `awarded`, `finished` … */
  states(tasks: readonly TurnsTask[]): Promise<string[]>;
}

export async function openTurns(
  limits: Partial<TenantLimits> = {},
  options: { readonly ordering?: Ordering } = {},
): Promise<TurnsDay> {
  const day = await openMarket(options);
  const { tenantId, market } = day;
  const setLimits = async (some: Partial<TenantLimits>) => {
    expect(await market.setLimits({ ...DEFAULT_TENANT_LIMITS, ...some })).toBe(true);
  };
  await setLimits(limits);
  const ask: TurnsDay["ask"] = async ({ keyHash = KEY_HASH, input = {}, quote = null } = {}) => {
    const taskId = newId("tsk", config.source);
    const admitted = await market.admit({
      keyHash,
      taskId,
      auctionId: newId("auc", config.source),
      seed: 7,
      spec: taskSpecSchema.parse({ prompt: "What is six times seven?", ...input }),
      idempotency: null,
      asksAtOnce: true,
      quote,
    });
    if (!admitted.ok) return admitted;
    const { opening, auctionGeneration } = admitted.value;
    if (opening === null) throw new Error("admitted without an opening");
    const room = taskRoom(tenantId, taskId);
    return { ok: true, value: { taskId, room, opening, begins: auctionGeneration !== null } };
  };
  return {
    ...day,
    setLimits,
    ask,
    key: async (some) => {
      const hash = newId("key", config.source);
      const key = { keyId: newId("key", config.source), hash, name: "limited", budget: null };
      await market.addKey({ ...key, limits: { ...NO_RATE_LIMITS, ...some } });
      return hash;
    },
    task: async (asked) => {
      const admitted = await ask(asked);
      if (!admitted.ok) throw new Error(admitted.failure.reason);
      return admitted.value;
    },
    award: async ({ taskId, room, opening, begins }, state = "awarded") => {
      if (!begins) expect(await market.takeAuction(taskId, 1)).toEqual({ ok: true, value: 1 });
      await room.beginAuction(1, begins ? { opening, started: [] } : null);
      // The cheap one wins.
      const bids = [CHEAP, DEAR].map((agentId) => aBid({ agentId, round: 1, strategy: "multiply" }));
      const refused = () =>
        ({ callId: newId("cal", config.source), bill: { status: "refused" }, ms: 1 }) as const;
      const commit = aCommit({ bids: bids.map((bid) => ({ call: refused(), bid })) });
      expect(await room.commitAuction(1, commit)).toBe("continue");
      const request = {
        taskId,
        generation: 1,
        bids,
        verdicts: [],
        task: "",
        vector: null,
        tail: null,
      };
      expect(await market.clear(request)).toMatchObject({ ok: true, value: { state } });
    },
    // Each attempt takes one generation.
    finish: async ({ room }, { attempt = 1, outcome = "pass" } = {}) => {
      expect((await room.takeTrace(attempt, attempt)).ok).toBe(true);
      await room.commitVerdict(attempt, { outcome, verifier: "equals", evidence: "" });
    },
    spend: async ({ taskId }, tokens) => {
      const call: SpentCall = {
        callId: newId("cal", config.source),
        kind: "bid",
        agentId: CHEAP,
        attempt: 0,
        status: "billed",
        micros: asMicros(1),
        boundMicros: asMicros(1),
        usage: aUsage({ inputTokens: tokens - 1, outputTokens: 1 }),
        endedAtMs: Date.now(),
      };
      await market.spent(taskId, [call]);
      return call;
    },
    states: async (tasks) => {
      const rows = await market.heldTasks();
      return tasks.map(({ taskId }) => rows.find((row) => row.taskId === taskId)?.state ?? "gone");
    },
  };
}

export function refusalOf(asked: Asked): AdmitRefusal {
  if (asked.ok) throw new Error("it was admitted");
  return asked.failure;
}

/** How many timers of a kind the market room has. */
export async function timersOf({ market }: TurnsDay, kind: string): Promise<number> {
  return runInDurableObject(
    market as DurableObjectStub,
    async (_room, { storage }) =>
      storage.sql.exec("SELECT 1 FROM timers WHERE kind = ?", kind).toArray().length,
  );
}
