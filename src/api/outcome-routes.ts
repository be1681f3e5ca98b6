/** `POST /v1/tasks/:id/outcome`: the verdict of a task that waits for one. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import { parseId, type TaskId } from "../market/ids.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { verdictOutcomeSchema } from "../market/verifier-spec.ts";
import { readOutcomeToken } from "../trace/checker/outcome-token.ts";
import type { TaskRoomApi } from "../taskroom/task-room-api.ts";
import type { OutcomeOrder, OutcomeRefusal } from "../taskroom/waiting.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller, bearerToken, unauthenticated } from "./credentials.ts";
import { idempotencyOf, markReplayed } from "./idempotency.ts";
import { Problem } from "./problem.ts";
import { readBody } from "./request-body.ts";

/** As of any verdict. */
const MAX_EVIDENCE_BYTES = 4_096;

const outcomeSchema = z.strictObject({
  outcome: verdictOutcomeSchema,
  evidence: z
    .string()
    .refine((text) => utf8Bytes(text) <= MAX_EVIDENCE_BYTES, `at most ${MAX_EVIDENCE_BYTES} bytes`)
    .nullable()
    .default(null),
  /** Null: of the attempt that waits. */
  attempt: z.int().min(1).nullable().default(null),
});

/** Below `/v1/tasks`. By a key of scope `tasks`, or by the token that a checker was sent, which opens nothing else. */
export function outcomeRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>().post("/:id/outcome", async (c) => {
    const token = await readOutcomeToken(bearerToken(c));
    const { tenantId } = token ?? (await authorizedCaller(c, config, "tasks"));
    const taskId = parseId("tsk", c.req.param("id"));
    if (taskId === null) throw token === null ? new Problem("task_not_found") : unauthenticated();
    const room = config.taskRoom<TaskRoomApi>(tenantId, taskId);
    return tell(c, { taskId, room, tokenHash: token?.hash ?? null });
  });
}

interface Addressed {
  readonly taskId: TaskId;
  readonly room: TaskRoomApi;
  /** Null: a key opens it. */
  readonly tokenHash: string | null;
}

async function tell(c: Context<ApiEnv>, { taskId, room, tokenHash }: Addressed): Promise<Response> {
  const order = await orderOf(c, tokenHash === null ? room : null);
  const told = await room.tellOutcome({ ...order, tokenHash });
  if (!told.ok) throw refusalProblem(told.failure, tokenHash);
  const { replayed, attempt, outcome, evidence } = told.value;
  if (replayed) markReplayed(c);
  return c.json({ object: "outcome", taskId, attempt, outcome, evidence });
}

/** @param room what makes no sense is told so of a task that there is, and of another nothing; null: there is one */
async function orderOf(c: Context<ApiEnv>, room: TaskRoomApi | null): Promise<OutcomeOrder> {
  try {
    const { value, text } = await readBody(c, outcomeSchema);
    return { ...value, request: await idempotencyOf(c, text) };
  } catch (error) {
    if (room !== null && (await room.view()) === null) throw new Problem("task_not_found");
    throw error;
  }
}

/** A token opens one attempt of one task: of no other it hears anything. */
function refusalProblem(refusal: OutcomeRefusal, tokenHash: string | null): Problem {
  if (refusal.reason === "unauthenticated" || (refusal.reason === "task_not_found" && tokenHash !== null))
    return unauthenticated();
  if (refusal.reason !== "outcome_settled") return new Problem(refusal.reason);
  const { attempt, outcome } = refusal;
  return new Problem("outcome_settled", { details: { attempt, outcome } });
}
