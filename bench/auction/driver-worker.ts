/**
 * A Worker beside Saleroom that drives market rooms by RPC, and a bare object to compare them with.
 *
 * Both go the same way: a loop in this Worker, one RPC per transaction, no HTTP between. A cycle of the market is what
 * its room sees of a task: `admit`, `clear`, and the end that the task's room would report. Bundled by `market-rate.ts`.
 */
import { NO_BUDGET } from "../../src/market/ledger/budget.ts";
import { DurableObject } from "cloudflare:workers";
import { newId, type Source, type TenantId } from "../../src/market/ids.ts";
import { NO_USAGE, ZERO_MICROS } from "../../src/market/money.ts";
import { taskSpecSchema } from "../../src/market/task.ts";
import { joinCommits } from "../../src/market/auction-commit.ts";
import type { Opening } from "../../src/market/auction-record.ts";
import type { TaskRoomApi } from "../../src/taskroom/task-room-api.ts";
import type { MarketRoomPort } from "../../src/taskroom/market-room-port.ts";
import type { MarketRoomApi } from "../../src/tenancy/market-room-api.ts";

/** One measurement: every client works on one object, again and again, until the time is up. */
export interface DriverRequest {
  /**
   * `market`: admit, clear and end. `task`: the same with the task's own room, opened and awarded. `renew`: the market
   * room's smallest call. `fresh`: bare, a new object each.
   */
  readonly work: "set-up" | "market" | "task" | "renew" | "bare" | "fresh";
  /** Names of the objects. */
  readonly objects: readonly string[];
  readonly clients: number;
  readonly durationMs: number;
}

export interface DriverAnswer {
  readonly count: number;
  readonly ms: number;
  /** Of `market` and `task`: what the callers waited for each of the three, summed, ms. */
  readonly waited: Waited;
}

type Waited = Record<"admit" | "clear" | "end", number>;

/** Both sides that the market room shows. */
type Rooms = MarketRoomApi & MarketRoomPort;

interface DriverEnv {
  readonly MARKET_ROOM: DurableObjectNamespace;
  readonly TASK_ROOM: DurableObjectNamespace;
  readonly BARE: DurableObjectNamespace<BareObject>;
}

export class BareObject extends DurableObject<DriverEnv> {
  constructor(ctx: DurableObjectState, env: DriverEnv) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
  }

  async insert(body: string): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      this.ctx.storage.sql.exec("INSERT INTO rows (body) VALUES (?)", body);
    });
  }
}

/** Stands for every task's room where the market room is measured without them. */
export class SilentTaskRoom extends DurableObject<DriverEnv> {
  async open(): Promise<void> {}
  async award(): Promise<void> {}
}

const KEY_HASH = "0".repeat(64);
const BODY = "x".repeat(200);
const spec = taskSpecSchema.parse({ prompt: BODY, policy: "cheapest", tools: [] });
const source: Source = { now: () => Date.now(), random: () => Math.random() };

export default {
  async fetch(request: Request, env: DriverEnv): Promise<Response> {
    const asked: DriverRequest = await request.json();
    const waited: Waited = { admit: 0, clear: 0, end: 0 };
    const once = workOf(asked.work, env, waited);
    const startedMs = Date.now();
    const endMs = startedMs + asked.durationMs;
    let count = 0;
    const client = async (at: number) => {
      const object = asked.objects[at % asked.objects.length] ?? "";
      do {
        await once(object);
        count += 1;
      } while (Date.now() < endMs);
    };
    await Promise.all(Array.from({ length: asked.clients }, (_, at) => client(at)));
    return Response.json({ count, ms: Date.now() - startedMs, waited } satisfies DriverAnswer);
  },
};

function workOf(
  work: DriverRequest["work"],
  env: DriverEnv,
  waited: Waited,
): (object: string) => Promise<unknown> {
  // SAFETY: the binding leads to Saleroom's own class.
  const market = (name: string) => env.MARKET_ROOM.get(env.MARKET_ROOM.idFromName(name)) as unknown as Rooms;
  switch (work) {
    case "set-up":
      return (name) => setUp(market(name), name as TenantId);
    case "market":
      return (name) => oneTask(market(name), { waited, begin: null });
    case "task":
      return (name) => oneTask(market(name), { waited, begin: (opening) => begin(env, opening) });
    case "renew":
      return (name) => market(name).renewAuction(newId("tsk", source), 1);
    case "bare":
      return (name) => env.BARE.get(env.BARE.idFromName(name)).insert(BODY);
    case "fresh":
      return () => env.BARE.get(env.BARE.newUniqueId()).insert(BODY);
  }
}

async function setUp(market: Rooms, tenantId: TenantId): Promise<void> {
  await market.setUp({ tenantId, name: "bench", ordering: "parallel", pool: null, budget: NO_BUDGET });
  await market.addKey({ keyId: newId("key", source), hash: KEY_HASH, name: "bench", budget: null });
}

/** As the Worker that was given the auction does. */
async function begin({ TASK_ROOM }: DriverEnv, opening: Opening): Promise<void> {
  const { tenantId, taskId } = opening;
  // SAFETY: the binding leads to Saleroom's own class.
  const room = TASK_ROOM.get(TASK_ROOM.idFromName(`${tenantId}/${taskId}`)) as unknown as TaskRoomApi;
  await room.beginAuction(1, { opening, started: [] });
}

async function oneTask(
  market: Rooms,
  { waited, begin: beginTask }: { waited: Waited; begin: ((opening: Opening) => Promise<void>) | null },
): Promise<void> {
  const taskId = newId("tsk", source);
  const auctionId = newId("auc", source);
  const startedMs = source.now();
  const admitted = await market.admit({
    keyHash: KEY_HASH,
    taskId,
    auctionId,
    seed: 1,
    spec,
    idempotency: null,
    asksAtOnce: true,
  });
  const generation = admitted.ok ? admitted.value.auctionGeneration : null;
  const opening = admitted.ok ? admitted.value.opening : null;
  if (generation === null || opening === null) throw new Error("not admitted");
  const admittedMs = source.now();
  await beginTask?.(opening);
  const begunMs = source.now();
  const cleared = await market.clear({
    taskId,
    generation,
    bids: [],
    verdicts: [],
    task: BODY,
    vector: null,
    tail: joinCommits([]),
  });
  if (!cleared.ok || cleared.value.state !== "awarded") throw new Error("not cleared");
  const { attempt, agentId } = cleared.value;
  const clearedMs = source.now();
  await market.ended({
    taskId,
    attempt,
    end: { state: "finished", outcome: "unknown" },
    verdict: { outcome: "unknown", verifier: "none", evidence: "" },
    trace: {
      traceId: newId("trc", source),
      attempt,
      agentId,
      steps: 1,
      messages: 1,
      usage: NO_USAGE,
      costMicros: ZERO_MICROS,
      awardedAtMs: clearedMs,
      endedAtMs: clearedMs,
    },
  });
  waited.admit += admittedMs - startedMs;
  waited.clear += clearedMs - begunMs;
  waited.end += source.now() - clearedMs;
}
