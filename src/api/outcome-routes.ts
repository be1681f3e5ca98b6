/** `POST /v1/tasks/:id/outcome`: the verdict of a task that waits for one. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import { parseId, type TaskId } from "../market/ids.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { verdictOutcomeSchema } from "../market/verifier-spec.ts";
import type { TaskRoomApi } from "../taskroom/task-room-api.ts";
import type { OutcomeOrder, OutcomeRefusal } from "../taskroom/waiting.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller } from "./credentials.ts";
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

/** Below `/v1/tasks`. */
export function outcomeRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>().post("/:id/outcome", async (c) => {
    const { tenantId } = await authorizedCaller(c, config, "tasks");
    const taskId = parseId("tsk", c.req.param("id"));
    if (taskId === null) throw new Problem("task_not_found");
    return tell(c, taskId, config.taskRoom<TaskRoomApi>(tenantId, taskId));
  });
}

async function tell(c: Context<ApiEnv>, taskId: TaskId, room: TaskRoomApi): Promise<Response> {
  const told = await room.tellOutcome(await orderOf(c, room));
  if (!told.ok) throw refusalProblem(told.failure);
  const { replayed, attempt, outcome, evidence } = told.value;
  if (replayed) markReplayed(c);
  return c.json({ object: "outcome", taskId, attempt, outcome, evidence });
}

/** What makes no sense is told so of a task that there is: of another nothing is told. */
async function orderOf(c: Context<ApiEnv>, room: TaskRoomApi): Promise<OutcomeOrder> {
  try {
    const { value, text } = await readBody(c, outcomeSchema);
    return { ...value, request: await idempotencyOf(c, text) };
  } catch (error) {
    if ((await room.view()) === null) throw new Problem("task_not_found");
    throw error;
  }
}

function refusalProblem(refusal: OutcomeRefusal): Problem {
  if (refusal.reason !== "outcome_settled") return new Problem(refusal.reason);
  const { attempt, outcome } = refusal;
  return new Problem("outcome_settled", { details: { attempt, outcome } });
}
