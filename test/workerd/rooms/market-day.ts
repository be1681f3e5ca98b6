/** A tenant with a small pool, its rooms, and the parts of the Worker that tests play themselves. */
import { helpersOver } from "../../support/helpers-over.ts";
import { env } from "cloudflare:workers";
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, vi } from "vitest";
import type { AuctionDeps, AuctionMemory } from "../../../src/auction/auction-run.ts";
import { runAuction, type AuctionToRun } from "../../../src/auction/run-auction.ts";
import { parseConfig } from "../../../src/config.ts";
import { poolSchema, type AgentInput, type Pool } from "../../../src/market/agent.ts";
import type { TaskEvent } from "../../../src/market/event.ts";
import { NO_BUDGET, type Budget } from "../../../src/market/ledger/budget.ts";
import { newId, type AgentId, type TaskId, type TenantId } from "../../../src/market/ids.ts";
import type { TraceMessage } from "../../../src/market/message.ts";
import { taskSpecSchema, type TaskInput } from "../../../src/market/task.ts";
import type { Admission, MarketRoomApi, Ordering } from "../../../src/tenancy/market-room-api.ts";
import type { TaskRoomPort } from "../../../src/tenancy/task-room-port.ts";
import type { MarketRoomPort } from "../../../src/taskroom/market-room-port.ts";
import type { TaskRoomApi } from "../../../src/taskroom/task-room-api.ts";
import type { TraceDeps } from "../../../src/trace/trace-run.ts";
import type { ModelPort } from "../../../src/agents/model-port.ts";
import { createToolbox, offer, type Tool } from "../../../src/trace/tools/index.ts";
import { ScriptedModels, WorkerDied } from "../../support/scripted-models.ts";
import { marketStub, taskStub } from "../stubs.ts";

export const CHEAP = "agt_cheap" as AgentId;
export const MIDDLE = "agt_middle" as AgentId;
export const DEAR = "agt_dear" as AgentId;
/** Only the cheap agent bids, so that it has won; the others' answers are empty, and billed. */
export const ONE_BID = { [CHEAP]: "multiply", [MIDDLE]: "empty", [DEAR]: "empty" } as const;
export const KEY_HASH = "ab".repeat(32);

function agent(id: string, output: number): AgentInput {
  return {
    id,
    name: id,
    model: `scripted-${id}`,
    provider: "openai-compatible",
    baseUrl: "http://127.0.0.1:1/v1",
    usdPerMtok: { input: output / 4, output },
    priceSource: "made up for this test",
    contextTokens: 32_768,
    maxOutputTokens: 4_096,
    topLogprobs: 5,
  };
}

export const POOL: Pool = poolSchema.parse([agent(CHEAP, 0.1), agent(MIDDLE, 1), agent(DEAR, 10)]);

export const config = parseConfig(env);

/**
 * Freezes the clock for both rooms (they run in this isolate); `pass` moves it.
 * It stands far in the future, so that the runtime, which has a clock of its own, rings no alarm by itself.
 */
export function stopTheClock(): { pass(ms: number): void } {
  vi.useFakeTimers({ toFake: ["Date"], now: 2_000_000_000_000 });
  return {
    pass: (ms) => {
      vi.setSystemTime(Date.now() + ms);
    },
  };
}

/** For a file of tests: the clock stands from the beginning of each, and spies end with it. */
export function useStoppedClock(): ReturnType<typeof stopTheClock> {
  let clock: ReturnType<typeof stopTheClock>;
  beforeEach(() => {
    clock = stopTheClock();
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
  return { pass: (ms) => clock.pass(ms) };
}

/** The rooms by their contracts: the compiler gives up on deriving these from the classes. */
export type MarketStub = DurableObjectStub & MarketRoomApi & MarketRoomPort;
export type TaskStub = DurableObjectStub & TaskRoomApi & TaskRoomPort;

export interface MarketDay {
  readonly tenantId: TenantId;
  readonly market: MarketStub;
  /** Admitted, and its room opened; `holder` runs its auction as the Worker that was given it does. */
  admit(
    input?: Partial<TaskInput>,
  ): Promise<Admission & { readonly room: TaskStub; readonly holder: AuctionToRun }>;
  /** The market room's due timers, as its alarm would work them off. */
  ringMarket(): Promise<boolean>;
}

export async function openMarket(
  options: {
    readonly ordering?: Ordering;
    readonly budget?: Budget;
    readonly keyBudget?: Budget | null;
    /** Null: the environment's. */
    readonly pool?: Pool | null;
  } = {},
): Promise<MarketDay> {
  const tenantId = newId("ten", config.source);
  const market = marketStub<MarketRoomApi & MarketRoomPort>(tenantId);
  const { ordering = "parallel", budget = NO_BUDGET, keyBudget = null, pool = POOL } = options;
  await market.setUp({ tenantId, name: "test", ordering, pool, budget });
  await market.addKey({
    keyId: newId("key", config.source),
    hash: KEY_HASH,
    name: "test",
    budget: keyBudget,
  });
  return marketDay(tenantId);
}

/** Of a tenant that is set up. */
export function marketDay(tenantId: TenantId): MarketDay {
  const market = marketStub<MarketRoomApi & MarketRoomPort>(tenantId);
  return {
    tenantId,
    market,
    admit: async (input = {}) => {
      const taskId = newId("tsk", config.source);
      const admitted = await market.admit({
        keyHash: KEY_HASH,
        taskId,
        auctionId: newId("auc", config.source),
        seed: 7,
        spec: taskSpecSchema.parse({ prompt: "What is six times seven?", ...input }),
        idempotency: null,
        asksAtOnce: true,
      });
      if (!admitted.ok) throw new Error(admitted.failure.reason);
      const room = taskRoom(tenantId, taskId);
      const { opening, auctionGeneration } = admitted.value;
      if (opening !== null) await room.open(opening);
      const given = { tenantId, taskId, generation: auctionGeneration ?? 0 };
      const holder = auctionGeneration === null || opening === null ? given : { ...given, opening };
      return { ...admitted.value, room, holder };
    },
    ringMarket: async () => runDurableObjectAlarm(market),
  };
}

/** When the room's alarm is set; null: it sleeps. */
export async function alarmOf(room: DurableObjectStub): Promise<number | null> {
  return runInDurableObject(room, async (_room, { storage }) => storage.getAlarm());
}

/** Admitted, and nothing else done: no room is open. */
export async function admitOnly(
  { tenantId, market }: MarketDay,
  { asksAtOnce = true }: { readonly asksAtOnce?: boolean } = {},
) {
  const taskId = newId("tsk", config.source);
  const admitted = await market.admit({
    keyHash: KEY_HASH,
    taskId,
    auctionId: newId("auc", config.source),
    seed: 7,
    spec: taskSpecSchema.parse({ prompt: "What is six times seven?" }),
    idempotency: null,
    asksAtOnce,
  });
  if (!admitted.ok || admitted.value.opening === null) throw new Error("not admitted");
  const { opening } = admitted.value;
  const holder = { tenantId, taskId, generation: 1, opening };
  return { taskId, opening, holder, room: taskRoom(tenantId, taskId) };
}

export function taskRoom(tenantId: TenantId, taskId: TaskId): TaskStub {
  return taskStub<TaskRoomApi & TaskRoomPort>(tenantId, taskId);
}

export function auctionDeps(models: ModelPort, memory: AuctionMemory | null = null): AuctionDeps {
  return { config, models, helpers: helpersOver(models), toolMenu: () => [], memory };
}

/** As the Worker meets its rooms: once it has died, it tells them nothing any more, its failure neither. */
function untilDeath(models: ModelPort): typeof config {
  if (!(models instanceof ScriptedModels)) return config;
  const roomOf = <Port>(tenantId: TenantId, taskId: TaskId): Port =>
    new Proxy(config.taskRoom<object>(tenantId, taskId), {
      get: (room, method) => {
        if (models.died) return async () => Promise.reject(new WorkerDied(String(method)));
        return Reflect.get(room, method) as unknown;
      },
    }) as Port;
  return { ...config, taskRoom: roomOf };
}

/** @param options `tools` instead of `openTools`: of them, those that the task names */
export function traceDeps(
  models: ModelPort,
  { tools = [], ...options }: Partial<TraceDeps> & { readonly tools?: readonly Tool[] } = {},
): TraceDeps {
  return {
    config: untilDeath(models),
    models,
    openTools: createToolbox(tools.map(offer)).open,
    sleep: async () => {},
    verify: async (_desk, result) => ({
      outcome: result === "42" ? "pass" : "fail",
      verifier: "equals",
      evidence: result,
    }),
    check: async () => {
      throw new Error("no checker is scripted");
    },
    ...options,
  };
}

export interface AwardedTask {
  readonly day: MarketDay;
  readonly taskId: TaskId;
  readonly room: TaskStub;
  /** With which the queue brings its trace. */
  message(generation: number): TraceMessage;
}

/** A task that only the cheap agent bid for: it has won, and nobody else can go on. */
export async function awardedTask(
  input: Partial<TaskInput> = {},
  given: MarketDay | null = null,
): Promise<AwardedTask> {
  const day = given ?? (await openMarket());
  const { taskId, room, holder } = await day.admit(input);
  await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), holder);
  const { tenantId } = day;
  const message = (generation: number) =>
    ({ kind: "trace", tenantId, taskId, attempt: 1, generation }) as const;
  return { day, taskId, room, message };
}

/** Both rooms lose everything that they only remembered. */
export async function evictRooms(...rooms: readonly DurableObjectStub[]): Promise<void> {
  for (const room of rooms) await evictDurableObject(room);
}

/** A tool that counts its calls. */
export function countingTool(): Tool & { readonly keys: string[] } {
  const keys: string[] = [];
  return {
    keys,
    name: "http",
    description: "counts",
    inputSchema: taskSpecSchema.shape.metadata,
    execute: async (_input, context) => {
      keys.push(context.idempotencyKey);
      return { ok: true, output: "done" };
    },
  };
}

/** A listener's view of the journal from `after` on; the task must have ended, or the stream stays open. */
/** @param after number of an event; with more of the query behind it where more than events is to be heard */
export async function eventsOf(room: TaskStub, after: number | string = 0): Promise<TaskEvent[]> {
  const response = await room.fetch(`https://task-room/events?after=${after}`, {
    headers: { Upgrade: "websocket" },
  });
  const socket = response.webSocket;
  if (socket === null) throw new Error(`no listener: ${response.status}`);
  const events: TaskEvent[] = [];
  await new Promise<void>((resolve) => {
    socket.addEventListener("message", ({ data }) => {
      events.push(JSON.parse(String(data)) as TaskEvent);
    });
    socket.addEventListener("close", () => {
      socket.close(1000);
      resolve();
    });
    socket.accept();
  });
  return events;
}

export function types(events: readonly TaskEvent[]): string[] {
  return events.map((event) => event.type);
}
