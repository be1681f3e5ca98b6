/** `/v1/tasks`: submit, list, read, follow, cancel. Handlers parse, call the rooms, and map. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import { runAuction } from "../auction/run-auction.ts";
import { readTasks } from "../history/read-tasks.ts";
import { logError } from "../log.ts";
import { isLastEvent, type TaskEvent } from "../market/event.ts";
import { newId, parseId, type TaskId, type TenantId } from "../market/ids.ts";
import type { KeyScope } from "../market/key-scope.ts";
import { isFinal, LISTED_STATES, taskRequestSchema, type TaskSpec } from "../market/task.ts";
import type { Admission, AdmitRefusal, AdmitRequest, MarketRoomApi } from "../tenancy/market-room-api.ts";
import { webhookAddress } from "../tenancy/webhooks/webhook-address.ts";
import type { TaskRoomApi, TaskView } from "../taskroom/task-room-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { budgetProblem } from "./budget-json.ts";
import { authorizedCaller, claimedCaller, parsedOf, unauthenticated, type Caller } from "./credentials.ts";
import { idempotencyOf, markReplayed } from "./idempotency.ts";
import { policyProblem } from "./policy-json.ts";
import { Problem } from "./problem.ts";
import { meter, queueProblem } from "./rate-headers.ts";
import { readBody, readQuery } from "./request-body.ts";
import { lastEventId, preferredWait, wantsText } from "./request-headers.ts";
import { taskPage } from "./task-page.ts";
import { listen, serveEvents, viewAfter, type EventSource } from "./task-events.ts";
import { taskJson, taskRowJson } from "./task-json.ts";
import { allowedToolsProblem } from "./tool-json.ts";
import { serveTrace } from "./trace-document.ts";

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;

const taskIdSchema = z.string().transform((text, context): TaskId => {
  const id = parseId("tsk", text);
  if (id !== null) return id;
  context.addIssue("not the id of a task");
  return z.NEVER;
});

const listQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: taskIdSchema.optional(),
  state: z.enum(LISTED_STATES).optional(),
});

export function taskRoutes(deps: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .post("/", (c) => submit(c, deps))
    .get("/", (c) => list(c, deps))
    .get("/:id", async (c) => {
      const { room } = await taskOf(c, deps);
      return c.json(taskJson(await mustView(room)));
    })
    .get("/:id/trace", async (c) => {
      const { room, taskId } = await taskOf(c, deps);
      return serveTrace(c, room, taskId);
    })
    .get("/:id/events", (c) => events(c, deps))
    .post("/:id/cancel", async (c) => {
      const { caller, taskId, room } = await taskOf(c, deps, "tasks");
      await deps.config.marketRoom<MarketRoomApi>(caller.tenantId).cancel(taskId);
      return c.json(taskJson(await mustView(room)));
    });
}

/** Admit, answer, and let the auction run on after the answer. */
async function submit(c: Context<ApiEnv>, deps: ApiDeps): Promise<Response> {
  const { config } = deps;
  const caller = await claimedCaller(c);
  const {
    value: asked,
    text,
    waitS,
  } = await parsedOf(c, { config, scope: "tasks" }, async () => ({
    ...(await readBody(c, taskRequestSchema)),
    waitS: preferredWait(c),
  }));
  const { taskId, sequence } = await admit(c, deps, { caller, text, asked: { ...asked, quote: null } });
  c.header("Location", `/v1/tasks/${taskId}`);
  if (waitS > 0) c.header("Preference-Applied", `wait=${waitS}`);
  const room = config.taskRoom<TaskRoomApi & EventSource>(caller.tenantId, taskId);
  const view = await taskAfter(room, waitS * 1_000);
  // Admitted is admitted: whatever is wrong with its room for the moment, the client gets the task's id.
  if (view === null) return c.json({ object: "task", id: taskId, state: "admitted", sequence }, 202);
  return c.json(taskJson(view), isFinal(view.state) ? 200 : 202);
}

/** What is asked for, and by whom. */
interface Order {
  readonly caller: Caller;
  /** The body as it came. */
  readonly text: string;
  readonly asked: Pick<AdmitRequest, "spec" | "namesDeadline" | "quote">;
}

/** Admits the task and starts its auction; returns once its room is open. @throws Problem where it is refused */
export async function admit(
  c: Context<ApiEnv>,
  deps: ApiDeps,
  { caller, text, asked }: Order,
): Promise<Admission> {
  const { config } = deps;
  refuseMissingTools(asked.spec.tools, config);
  const idempotency = await parsedOf(c, { config, scope: "tasks" }, async () => {
    checkAddress(asked.spec, config.webhookAllowList);
    return idempotencyOf(c, text);
  });
  const newTaskId = newId("tsk", config.source);
  // An object takes a moment to wake: the task's room does while the market room admits. A read leaves nothing behind.
  config
    .taskRoom<TaskRoomApi>(caller.tenantId, newTaskId)
    .view()
    .catch(() => undefined);
  const market = config.marketRoom<MarketRoomApi>(caller.tenantId);
  const admitted = await market.admit({
    keyHash: caller.keyHash,
    taskId: newTaskId,
    auctionId: newId("auc", config.source),
    seed: Math.floor(config.source.random() * 2 ** 31),
    ...asked,
    idempotency,
    // Of a quote that may have to be taken back: see below.
    asksAtOnce: asked.quote == null,
  });
  meter(c, admitted.ok ? admitted.value.rate : admitted.failure.rate);
  if (!admitted.ok) throw refusalProblem(admitted.failure);
  if (admitted.value.replayed) markReplayed(c);
  const { opening } = admitted.value;
  if (asked.quote != null && opening !== null && opening.quote == null) {
    // A market room of the version before knows no quotes, and would have the task run.
    await market.cancel(newTaskId);
    throw new Problem("unavailable");
  }
  await startAuction(c, deps, { ...admitted.value, tenantId: caller.tenantId });
  return admitted.value;
}

/** @throws Problem for a tool of the house that this deployment has not been set up for */
function refuseMissingTools(tools: readonly string[], { search }: Pick<ApiDeps["config"], "search">): void {
  const at = tools.indexOf("web_search");
  if (at < 0 || search !== null) return;
  const message =
    "this deployment has no search provider: leave web_search out, or ask its operator to set BRAVE_API_KEY or TAVILY_API_KEY";
  throw new Problem("invalid_body", { issues: [{ path: `tools[${at}]`, message }] });
}

/** A checker is asked where webhooks may go. @throws Problem invalid_body */
function checkAddress({ verifier }: TaskSpec, allow: readonly string[]): void {
  if (verifier?.type !== "http") return;
  const address = webhookAddress(verifier.url, allow);
  if (address.ok) return;
  throw new Problem("invalid_body", { issues: [{ path: "verifier.url", message: address.failure }] });
}

function refusalProblem(refusal: AdmitRefusal): Problem {
  switch (refusal.reason) {
    case "unauthenticated":
      return unauthenticated();
    case "budget":
      return budgetProblem(refusal.refusal);
    case "queue_full":
      return queueProblem(refusal);
    case "rate_limited":
    case "forbidden":
    case "tenant_suspended":
    case "idempotency_conflict":
      return new Problem(refusal.reason);
    case "deadline_too_long":
      return new Problem("invalid_body", {
        issues: [
          {
            path: "limits.deadlineS",
            message: `at most ${refusal.maxS} seconds, as the tenant's policy says`,
          },
        ],
      });
    case "unknown_tool":
    case "tools_too_large":
      return allowedToolsProblem(refusal);
    case "too_few_judges": {
      const { agents, judges } = refusal;
      const message = `${judges} judges must decide, beside the agent that does the work, and the pool has ${agents} agents`;
      return new Problem("invalid_body", { issues: [{ path: "verifier.panel", message }] });
    }
    case "unknown_policy":
    case "no_mean_weights":
    case "no_agents_left":
      return policyProblem(refusal, "policy");
  }
}

/** Starts the admitted auction, which goes on after the answer; returns once the task's room is open. */
async function startAuction(
  c: Context<ApiEnv>,
  deps: ApiDeps,
  admission: Admission & { readonly tenantId: TenantId },
): Promise<void> {
  const { tenantId, taskId, auctionGeneration, opening } = admission;
  if (auctionGeneration === null) return;
  const opened = Promise.withResolvers<void>();
  const running = runAuction(deps.auction, {
    tenantId,
    taskId,
    generation: auctionGeneration,
    ...(opening !== null && { opening }),
    opened: opened.resolve,
  });
  // A lapsed lease resumes the auction, whatever became of it here; until then its task must be there to be read.
  const settled = running
    .catch(async (error: unknown) => {
      logError("auction-failed", error, { taskId });
      await deps.config.marketRoom<MarketRoomApi>(tenantId).openRoom(taskId);
    })
    .catch((error: unknown) => logError("task-not-opened", error, { taskId }))
    .then(opened.resolve);
  c.executionCtx.waitUntil(settled);
  await opened.promise;
}

/** Nothing more comes of waiting: it has ended, or whoever waits is waited for. */
function isEndOrAsks(event: TaskEvent): boolean {
  return isLastEvent(event) || (event.type === "verification-waits" && event.for === "user");
}

/** The task as it stands when it has ended or the wait is over; null where its room cannot be reached. */
export async function taskAfter(room: TaskRoomApi & EventSource, waitMs: number): Promise<TaskView | null> {
  return viewAfter(room, { waitMs, isEnd: isEndOrAsks }, async () => room.view());
}

/** Newest first: what the market room still holds, then the history, each task once. */
async function list(c: Context<ApiEnv>, deps: ApiDeps): Promise<Response> {
  const { tenantId } = await authorizedCaller(c, deps.config, "read");
  const { limit, cursor, state } = readQuery(c, listQuerySchema);
  // The room first: a task that leaves it between the two reads is in the history by the second.
  const inRoom = await deps.config.marketRoom<MarketRoomApi>(tenantId).heldTasks();
  const { db } = deps.config;
  const page = await taskPage(inRoom, async (query) => readTasks(db, { tenantId, ...query }), {
    limit,
    cursor,
    state,
  });
  return c.json({
    object: "list",
    data: page.tasks.map(taskRowJson),
    nextCursor: page.nextCursor,
  });
}

async function events(c: Context<ApiEnv>, deps: ApiDeps): Promise<Response> {
  const { room } = await taskOf(c, deps);
  const after = lastEventId(c);
  const text = wantsText(c);
  // 204 tells an EventSource that there is nothing to reconnect for.
  const view = after === 0 ? null : await room.view();
  if (view !== null && isFinal(view.state) && after >= view.lastEvent) return c.body(null, 204);
  return serveEvents(c, await listen(room, { after, text }), after);
}

/** The caller's task by the path's id. A foreign tenant's id leads to an empty room, like one that never was. */
async function taskOf(
  c: Context<ApiEnv>,
  deps: ApiDeps,
  scope: KeyScope = "read",
): Promise<{ caller: Caller; taskId: TaskId; room: TaskRoomApi & EventSource }> {
  const caller = await authorizedCaller(c, deps.config, scope);
  const taskId = parseId("tsk", c.req.param("id") ?? "");
  if (taskId === null) throw new Problem("task_not_found");
  const room = deps.config.taskRoom<TaskRoomApi & EventSource>(caller.tenantId, taskId);
  return { caller, taskId, room };
}

async function mustView(room: TaskRoomApi): Promise<TaskView> {
  const view = await room.view();
  if (view === null) throw new Problem("task_not_found");
  return view;
}
