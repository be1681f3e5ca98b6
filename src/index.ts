/** The Worker: entry points and Durable Objects. Composition only. */
import { sleep } from "./agents/calls/sleep.ts";
import { createModels } from "./agents/create-models.ts";
import { createApp } from "./api/app.ts";
import { defineCallHelper } from "./auction/call-helper.ts";
import { openMemory } from "./auction/open-memory.ts";
import { planAuction } from "./auction/plan-auction.ts";
import { createHelperStock } from "./auction/spread-calls.ts";
import { parseConfig } from "./config.ts";
import { logInfo } from "./log.ts";
import type { ErasureApi } from "./tenancy/erasure-desk.ts";
import type { MarketRoomApi } from "./tenancy/market-room-api.ts";
import { consumeOutside } from "./tenancy/consume-outside.ts";
import { MarketRoom as TenantRoom } from "./tenancy/market-room.ts";
import { sweep } from "./tenancy/sweep.ts";
import type { TaskRoomPort } from "./tenancy/task-room-port.ts";
import type { MarketRoomPort } from "./taskroom/market-room-port.ts";
import type { TaskRoomApi } from "./taskroom/task-room-api.ts";
import { TaskRoom } from "./taskroom/task-room.ts";
import { consumeWork, WORK_QUEUES } from "./trace/consume-work.ts";
import { createSandbox } from "./trace/sandbox/index.ts";
import { wasmModule } from "./trace/sandbox/wasm.ts";
import { createTools } from "./trace/tools/index.ts";
import { createChecker } from "./trace/checker/create-checker.ts";
import { createVerify } from "./trace/create-verify.ts";

export { TaskRoom };

export class MarketRoom extends TenantRoom {
  constructor(ctx: DurableObjectState, env: Env) {
    const { auction } = house(env).work;
    super(ctx, env, { planAuction: (terms) => planAuction(auction, terms) });
  }
}

export const CallHelper = defineCallHelper((env) => {
  const { config, models } = house(env);
  return { models, now: config.source.now };
});

// One sandbox per isolate: it is what bounds how many scripts run at a time.
const sandbox = createSandbox({ wasmModule });

type House = ReturnType<typeof openHouse>;

// The environment is the same object for all requests of an isolate: the house is opened once.
const houses = new WeakMap<Env, House>();
const entered = new WeakSet<Env>();

function house(env: Env): House {
  const open = houses.get(env) ?? openHouse(env);
  houses.set(env, open);
  return open;
}

/** The house at an event; the isolate's first one finds out, beside its work, whether the memory can be used. */
function enter(env: Env, ctx: ExecutionContext): House {
  const open = house(env);
  if (!entered.has(env)) ctx.waitUntil(open.fits());
  entered.add(env);
  return open;
}

function openHouse(env: Env) {
  const config = parseConfig(env);
  const models = createModels({
    ai: config.ai,
    fetch: (input, init) => fetch(input, init),
    variable: config.variable,
    now: config.source.now,
    circuitChanged: (change) => logInfo("model-circuit", { ...change }),
  });
  const toolbox = createTools({ config, sandbox, fetch: (url, init) => fetch(url, init) });
  const { index, memory, fits } = openMemory(config);
  const helpers = createHelperStock(config.callHelpers);
  const auction = { config, models, helpers, toolMenu: toolbox.menu, memory };
  const check = createChecker(config, (url, init) => fetch(url, init));
  const verify = createVerify({ sandbox, nowMs: config.source.now });
  const trace = { config, models, openTools: toolbox.open, sleep, verify, check };
  const app = createApp({ config, auction, listServer: toolbox.listServer });
  return { config, models, index, app, work: { auction, trace }, fits };
}

// The rooms know each other by the seams that they declare themselves; here the compiler sees that they fit.
type Fits<Seam, Room extends Seam> = Room;
export type MarketRoomFits = Fits<MarketRoomApi & MarketRoomPort & ErasureApi, MarketRoom>;
export type TaskRoomFits = Fits<TaskRoomApi & TaskRoomPort, TaskRoom>;

export default {
  fetch: (request, env, ctx) => enter(env, ctx).app.fetch(request, env, ctx),
  queue: async (batch, env, ctx) => {
    const { config, index, work } = enter(env, ctx);
    if (WORK_QUEUES.has(batch.queue)) await consumeWork(work, batch);
    else await consumeOutside({ config, index, fetch: (url, init) => fetch(url, init) }, batch);
  },
  scheduled: async (_controller, env, ctx) => {
    await sweep(enter(env, ctx).config);
  },
} satisfies ExportedHandler<Env>;
