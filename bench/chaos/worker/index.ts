/**
 * Saleroom with failpoints: a bench's entry around the house's own. What the house does is not touched; every call,
 * commit and send passes a place on its way. `/__chaos/…` is the bench's.
 */
import saleroom, * as house from "../../../src/index.ts";
import { takeDelivery } from "../../queue/delivery.ts";
import { guardedEnv } from "./bindings.ts";
import { event } from "./failpoint.ts";
import { chaosRoute } from "./routes.ts";
import { guarded } from "./rooms.ts";

/** Where the bench brings what was sent to its work queue. */
const DELIVERIES = "/__chaos/deliveries";

export const MarketRoom = guarded(house.MarketRoom, "MarketRoom");
export const TaskRoom = guarded(house.TaskRoom, "TaskRoom");
export const CallHelper = guarded(house.CallHelper, "CallHelper");

/** A path without the ids in it. */
function patternOf({ method, url }: Request): string {
  const path = new URL(url).pathname.replaceAll(/\/[a-z]{3}_[^/]+/g, "/:id");
  return `${method} ${path}`;
}

const scheduled = async (env: Env, ctx: ExecutionContext): Promise<void> => {
  const controller = { scheduledTime: Date.now(), cron: "*/5 * * * *", noRetry: () => undefined };
  await event("cron", false, async () =>
    saleroom.scheduled(controller as ScheduledController, guardedEnv(env), ctx),
  );
};

/** Its last place is before the queue hears that it is done. */
const consume = async (batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void> => {
  const [first] = batch.messages;
  const { kind = "?" } = (first?.body ?? {}) as { readonly kind?: string };
  await event(`consume[${kind}]`, true, async () => saleroom.queue(batch, guardedEnv(env), ctx));
};

export default {
  fetch: async (request, env, ctx) => {
    if (new URL(request.url).pathname === DELIVERIES)
      return takeDelivery(request, async (batch) => consume(batch, env, ctx));
    const asked = await chaosRoute(request, env, async () => scheduled(env, ctx));
    if (asked !== null) return asked;
    const answer = async () => saleroom.fetch(request, guardedEnv(env), ctx);
    return request.method === "GET" ? answer() : event(`api[${patternOf(request)}]`, false, answer);
  },
  queue: consume,
  scheduled: async (_controller, env, ctx) => scheduled(env, ctx),
} satisfies ExportedHandler<Env>;
