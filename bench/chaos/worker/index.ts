/**
 * Saleroom with failpoints: a bench's entry around the house's own. What the house does is not touched; every call,
 * commit and send passes a place on its way. `/__chaos/…` is the bench's.
 */
import saleroom, * as house from "../../../src/index.ts";
import { guardedEnv } from "./bindings.ts";
import { event } from "./failpoint.ts";
import { chaosRoute } from "./routes.ts";
import { guarded } from "./rooms.ts";

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

export default {
  fetch: async (request, env, ctx) => {
    const asked = await chaosRoute(request, env, async () => scheduled(env, ctx));
    if (asked !== null) return asked;
    const answer = async () => saleroom.fetch(request, guardedEnv(env), ctx);
    return request.method === "GET" ? answer() : event(`api[${patternOf(request)}]`, false, answer);
  },
  queue: async (batch, env, ctx) => {
    const [first] = batch.messages;
    const { kind = "?" } = (first?.body ?? {}) as { readonly kind?: string };
    // The last place is before the batch is acknowledged: that leaves with the answer.
    await event(`consume[${kind}]`, true, async () => saleroom.queue(batch, guardedEnv(env), ctx));
  },
  scheduled: async (_controller, env, ctx) => scheduled(env, ctx),
} satisfies ExportedHandler<Env>;
