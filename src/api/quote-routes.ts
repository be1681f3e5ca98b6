/** `/v1/quotes`: hold the auction and run nothing; accept one of the bids until the quote expires. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import { AGENT_ID_PATTERN, parseId, type AgentId, type TaskId } from "../market/ids.ts";
import { quoteOf, taskOf } from "../market/sale/quote.ts";
import { isLastEvent, type TaskEvent } from "../market/event.ts";
import { isFinal, quoteRequestSchema } from "../market/task.ts";
import type { MarketRoomApi, QuoteRefusal } from "../tenancy/market-room-api.ts";
import type { QuoteView, TaskRoomApi } from "../taskroom/task-room-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { budgetProblem } from "./budget-json.ts";
import { authorizedCaller, claimedCaller, parsedOf, unauthenticated, type Caller } from "./credentials.ts";
import { Problem } from "./problem.ts";
import { queueProblem } from "./rate-headers.ts";
import { quoteJson } from "./quote-json.ts";
import { readBody, readOptionalBody } from "./request-body.ts";
import { preferredWait } from "./request-headers.ts";
import { viewAfter, type EventSource } from "./task-events.ts";
import { taskJson } from "./task-json.ts";
import { admit, taskAfter } from "./task-routes.ts";

const acceptSchema = z.strictObject({
  /** Whose bid; absent: the best that nothing stands against. */
  agentId: z
    .string()
    .regex(AGENT_ID_PATTERN, "an agent id is agt_ and a slug of a-z, 0-9 and -")
    .transform((id) => id as AgentId)
    .nullable()
    .default(null),
});

type QuoteRoom = TaskRoomApi & EventSource;

export function quoteRoutes(deps: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .post("/", async (c) => ask(c, deps))
    .get("/:quote", async (c) => {
      const caller = await authorizedCaller(c, deps.config, "read");
      const { room } = quoteIn(c, deps, caller);
      return c.json(quoteJson(await mustQuote(room)));
    })
    .post("/:quote/accept", async (c) => accept(c, deps))
    .post("/:quote/cancel", async (c) => {
      const caller = await authorizedCaller(c, deps.config, "tasks");
      const { room, taskId } = quoteIn(c, deps, caller);
      await mustQuote(room);
      await deps.config.marketRoom<MarketRoomApi>(caller.tenantId).cancel(taskId);
      return c.json(quoteJson(await mustQuote(room)));
    });
}

async function ask(c: Context<ApiEnv>, deps: ApiDeps): Promise<Response> {
  const caller = await claimedCaller(c);
  const {
    value: asked,
    text,
    waitS,
  } = await parsedOf(c, { ...deps, scope: "tasks" }, async () => ({
    ...(await readBody(c, quoteRequestSchema)),
    waitS: preferredWait(c),
  }));
  const { taskId, sequence } = await admit(c, deps, { caller, text, asked });
  const id = quoteOf(taskId);
  c.header("Location", `/v1/quotes/${id}`);
  if (waitS > 0) c.header("Preference-Applied", `wait=${waitS}`);
  const room = deps.config.taskRoom<QuoteRoom>(caller.tenantId, taskId);
  const wait = { waitMs: waitS * 1_000, isEnd: isOpenOrOver };
  const quote = await viewAfter(room, wait, async () => room.quote());
  // Admitted is admitted: whatever is wrong with its room for the moment, the client gets the quote's id.
  if (quote === null) return c.json({ object: "quote", id, taskId, state: "bidding", sequence }, 202);
  const settled = quote.offers !== null || isFinal(quote.task.state);
  return c.json(quoteJson(quote), settled ? 200 : 202);
}

/** Its bids stand, or never will. */
function isOpenOrOver(event: TaskEvent): boolean {
  return event.type === "quote-opened" || isLastEvent(event);
}

/** The task that the quote becomes; accepted again with the same bid, the same task. */
async function accept(c: Context<ApiEnv>, deps: ApiDeps): Promise<Response> {
  const caller = await authorizedCaller(c, deps.config, "tasks");
  const { agentId } = await readOptionalBody(c, acceptSchema);
  const waitS = preferredWait(c);
  // Who is refused comes before what is wrong: the room answers to a key first.
  const quoteId = parseId("quo", c.req.param("quote") ?? "");
  const taskId = quoteId === null ? null : taskOf(quoteId);
  const market = deps.config.marketRoom<MarketRoomApi>(caller.tenantId);
  const request = { keyHash: caller.keyHash, taskId: taskId ?? NO_TASK, agentId };
  const accepted = await market.acceptQuote(request);
  const { room } = taskId === null ? { room: null } : quoteIn(c, deps, caller);
  if (!accepted.ok && !(await wasAccepted(room, accepted.failure, agentId)))
    throw quoteProblem(accepted.failure);
  if (room === null || taskId === null) throw new Problem("quote_not_found");
  c.header("Location", `/v1/tasks/${taskId}`);
  if (waitS > 0) c.header("Preference-Applied", `wait=${waitS}`);
  const view = await taskAfter(room, waitS * 1_000);
  if (view === null) return c.json({ object: "task", id: taskId, state: "awarded" }, 202);
  return c.json(taskJson(view), isFinal(view.state) ? 200 : 202);
}

/** SAFETY: names nothing; the room looks for it in vain. */
const NO_TASK = "" as TaskId;

/** A task that has ended may have left the market room: then its own room knows which bid was accepted. */
async function wasAccepted(
  room: QuoteRoom | null,
  refusal: QuoteRefusal,
  agentId: AgentId | null,
): Promise<boolean> {
  if (room === null || refusal.reason !== "quote_not_found") return false;
  const quote = await room.quote();
  if (quote === null) return false;
  const { task } = quote;
  if (task.agentId === null)
    throw new Problem(task.noSale?.reason === "quote_expired" ? "quote_expired" : "quote_closed");
  if (agentId !== null && agentId !== task.agentId) {
    throw quoteProblem({ reason: "quote_accepted", agentId: task.agentId });
  }
  return true;
}

function quoteProblem(refusal: QuoteRefusal): Problem {
  switch (refusal.reason) {
    case "unauthenticated":
      return unauthenticated();
    case "budget":
      return budgetProblem(refusal.refusal);
    case "queue_full":
      return queueProblem(refusal);
    case "quote_accepted":
      return new Problem(refusal.reason, { details: { agentId: refusal.agentId } });
    case "unknown_offer": {
      const message = `accepted are ${refusal.agentIds.join(", ")}`;
      return new Problem(refusal.reason, { issues: [{ path: "agentId", message }] });
    }
    case "offer_not_acceptable": {
      const issues = refusal.obstacles.map(({ limit, is, needs }) => {
        return { path: `limits.${limit}`, message: `is ${is}, and this bid needs ${needs}` };
      });
      return new Problem(refusal.reason, { issues });
    }
    case "forbidden":
    case "tenant_suspended":
    case "quote_not_found":
    case "quote_not_ready":
    case "quote_expired":
    case "quote_closed":
      return new Problem(refusal.reason);
  }
}

/** The caller's quote by the path's id. A foreign tenant's id leads to an empty room, like one that never was. */
function quoteIn(
  c: Context<ApiEnv>,
  deps: ApiDeps,
  { tenantId }: Caller,
): { readonly taskId: TaskId; readonly room: QuoteRoom } {
  const quoteId = parseId("quo", c.req.param("quote") ?? "");
  if (quoteId === null) throw new Problem("quote_not_found");
  const taskId = taskOf(quoteId);
  return { taskId, room: deps.config.taskRoom<QuoteRoom>(tenantId, taskId) };
}

async function mustQuote(room: TaskRoomApi): Promise<QuoteView> {
  const quote = await room.quote();
  if (quote === null) throw new Problem("quote_not_found");
  return quote;
}
