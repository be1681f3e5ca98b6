/**
 * Saleroom under the platform's limit on connections, which nothing enforces locally: of each invocation's fetches so
 * many at a time wait for their response's headers, and others queue.
 *
 * An invocation is a request, a batch of messages, or an object (whose calls share one context).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import pLimit, { type LimitFunction } from "p-limit";
import type { CallHelperApi, CarriedBid, CarriedCall, CarriedJury } from "../../src/auction/call-helper.ts";
import saleroom, * as house from "../../src/index.ts";

/** developers.cloudflare.com/workers/platform/limits, "Simultaneous open connections". */
const CONNECTIONS = 6;

const invocation = new AsyncLocalStorage<LimitFunction>();
const unlimited = globalThis.fetch;

// The slot is free again with the headers; the body then takes its own time.
globalThis.fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
  const limit = invocation.getStore();
  return limit === undefined ? unlimited(input, init) : limit(async () => unlimited(input, init));
};

function limited<T>(work: () => T): T {
  return invocation.run(pLimit(CONNECTIONS), work);
}

export const { MarketRoom, TaskRoom } = house;

export class CallHelper extends house.CallHelper {
  readonly #limit = pLimit(CONNECTIONS);

  override async bid(call: CarriedCall, input: CarriedBid): ReturnType<CallHelperApi["bid"]> {
    return invocation.run(this.#limit, async () => super.bid(call, input));
  }

  override async judge(call: CarriedCall, input: CarriedJury): ReturnType<CallHelperApi["judge"]> {
    return invocation.run(this.#limit, async () => super.judge(call, input));
  }
}

export default {
  fetch: (request, env, ctx) => limited(() => saleroom.fetch(request, env, ctx)),
  queue: async (batch, env, ctx) => limited(() => saleroom.queue(batch, env, ctx)),
  scheduled: async (controller, env, ctx) => limited(() => saleroom.scheduled(controller, env, ctx)),
} satisfies ExportedHandler<Env>;
