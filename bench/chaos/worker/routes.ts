/** What the bench asks the Worker beside the API: reads of what the rooms still hold, and the clock. */
import * as house from "../../../src/index.ts";
import { putForward } from "./clock.ts";
import { methodsOf, type ChaosRoom } from "./rooms.ts";
import type { RoomState } from "./room-state.ts";

export interface StateQuery {
  readonly tenantId: string;
  readonly taskIds: readonly string[];
}
export interface StateAnswer {
  readonly market: RoomState;
  /** By task. */
  readonly tasks: Readonly<Record<string, RoomState>>;
  /** The history's rows of the tenant, table by table. */
  readonly history: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  /** Vectors of all tenants in the index. */
  readonly vectors: number;
}

const TABLES = ["tasks", "auctions", "bids", "verdicts", "traces", "outcomes"];

/** Null: not for the bench. */
export async function chaosRoute(
  request: Request,
  env: Env,
  cron: () => Promise<void>,
): Promise<Response | null> {
  const { pathname, searchParams } = new URL(request.url);
  if (!pathname.startsWith("/__chaos/")) return null;
  switch (pathname.slice("/__chaos/".length)) {
    case "methods": {
      const { MarketRoom, TaskRoom, CallHelper } = house;
      return Response.json({
        MarketRoom: methodsOf(MarketRoom),
        TaskRoom: methodsOf(TaskRoom),
        CallHelper: methodsOf(CallHelper),
      });
    }
    case "clock":
      putForward(Number(searchParams.get("ahead")));
      return new Response(null, { status: 204 });
    case "cron":
      await cron();
      return new Response(null, { status: 204 });
    case "ring":
      await Promise.all(roomsOf(env, await request.json()).map(async ({ room }) => room.chaosRing()));
      return new Response(null, { status: 204 });
    case "state":
      return Response.json(await stateAnswer(env, await request.json()));
    default:
      return new Response(null, { status: 404 });
  }
}

interface NamedRoom {
  readonly taskId: string | null;
  readonly room: ChaosRoom;
}

function roomOf(namespace: DurableObjectNamespace, name: string): ChaosRoom {
  return namespace.get(namespace.idFromName(name)) as unknown as ChaosRoom;
}

function roomsOf(env: Env, { tenantId, taskIds }: StateQuery): NamedRoom[] {
  return [
    { taskId: null, room: roomOf(env.MARKET_ROOM, tenantId) },
    ...taskIds.map((taskId) => ({
      taskId,
      room: roomOf(env.TASK_ROOM, `${tenantId}/${taskId}`),
    })),
  ];
}

async function stateAnswer(env: Env, query: StateQuery): Promise<StateAnswer> {
  const states = await Promise.all(
    roomsOf(env, query).map(async ({ taskId, room }) => ({ taskId, state: await room.chaosState() })),
  );
  const market = states.find(({ taskId }) => taskId === null)?.state;
  if (market === undefined) throw new Error("no market room");
  const history = await Promise.all(
    TABLES.map(async (table) => {
      const { results } = await env.DB.prepare(`SELECT * FROM ${table} WHERE tenant_id = ?`)
        .bind(query.tenantId)
        .all();
      return [table, results] as const;
    }),
  );
  const { vectorCount } = (await env.VECTORIZE.describe()) as unknown as { readonly vectorCount: number };
  return {
    market,
    tasks: Object.fromEntries(
      states.flatMap(({ taskId, state }) => (taskId === null ? [] : [[taskId, state]])),
    ),
    history: Object.fromEntries(history),
    vectors: vectorCount,
  };
}
