/**
 * What the demo reads from Saleroom's API, and the calls it makes. A client like any other: only the public API.
 *
 * Answers are read leniently: fields that the demo does not show are not looked at.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { usdToMicros, type Prices } from "../../src/market/money.ts";
import { CALL_KINDS } from "../../src/market/call.ts";
import { FINAL_STATES, type TaskInput } from "../../src/market/task.ts";

const usageSchema = z.object({
  inputTokens: z.int(),
  cachedInputTokens: z.int(),
  cacheWriteTokens: z.int(),
  outputTokens: z.int(),
  reasoningTokens: z.int(),
});

const taskSchema = z.object({
  id: z.string(),
  state: z.string(),
  outcome: z.enum(["pass", "fail", "unknown"]).nullable(),
  failureReason: z.string().nullable(),
  agentId: z.string().nullable(),
  steps: z.int(),
  queueMessages: z.int(),
  verdict: z
    .object({ outcome: z.string(), verifier: z.string().nullable(), evidence: z.string() })
    .nullable(),
  costMicros: z.int(),
  costs: z.object({
    embedMicros: z.int(),
    bidMicros: z.int(),
    juryMicros: z.int(),
    refineMicros: z.int(),
    traceMicros: z.int(),
    judgeMicros: z.int(),
  }),
  usage: z.record(z.enum(CALL_KINDS), usageSchema),
});

const callSchema = z.object({
  callId: z.string(),
  kind: z.enum(CALL_KINDS),
  /** Null: the call is no agent's. */
  agentId: z.string().nullable(),
  status: z.string(),
  boundMicros: z.int(),
  costMicros: z.int().nullable(),
  payer: z.enum(["tenant", "lost"]),
  usage: usageSchema.nullable(),
});

const traceSchema = z.object({
  steps: z.array(z.object({ attempt: z.int(), step: z.int(), costMicros: z.int() })),
  calls: z.array(callSchema),
});

const usdPerMtok = z.number().transform(usdToMicros);

const agentSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    model: z.string(),
    provider: z.string(),
    emulated: z.boolean(),
    usdPerMtok: z.object({
      input: usdPerMtok,
      cachedInput: usdPerMtok,
      cacheWrite: usdPerMtok,
      output: usdPerMtok,
    }),
  })
  .transform(({ usdPerMtok: { input, cachedInput, cacheWrite, output }, ...agent }) => {
    const prices: Prices = {
      inputMicrosPerMtok: input,
      cachedInputMicrosPerMtok: cachedInput,
      cacheWriteMicrosPerMtok: cacheWrite,
      outputMicrosPerMtok: output,
    };
    return { ...agent, prices };
  });

export type ApiTask = z.infer<typeof taskSchema>;
export type ApiCall = z.infer<typeof callSchema>;
export type ApiTrace = z.infer<typeof traceSchema>;
export type ApiAgent = z.infer<typeof agentSchema>;

export interface Access {
  readonly url: string;
  /** `sr_…` */
  readonly key: string;
}

const RETRY_AFTER_MS = [200, 500, 1_000, 2_000, 4_000];
const SETTLE_POLL_MS = 100;

/** Submits a task once, however often the connection fails on the way. Returns its id. */
export async function submitTask(access: Access, input: TaskInput): Promise<string> {
  const idempotencyKey = randomUUID();
  return z.object({ id: z.string() }).parse(
    await call(access, "/v1/tasks", {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": idempotencyKey },
      body: JSON.stringify(input),
    }),
  ).id;
}

export async function readTrace(access: Access, taskId: string): Promise<ApiTrace> {
  return traceSchema.parse(await call(access, `/v1/tasks/${taskId}/trace`));
}

export async function readAgents(access: Access): Promise<readonly ApiAgent[]> {
  return z.object({ agents: z.array(agentSchema) }).parse(await call(access, "/v1/agents")).agents;
}

export async function readTask(access: Access, taskId: string): Promise<ApiTask> {
  return taskSchema.parse(await call(access, `/v1/tasks/${taskId}`));
}

/** The task once the market room has settled it, which is a moment after its last event; as it stands after `waitMs`. */
export async function readSettledTask(access: Access, taskId: string, waitMs: number): Promise<ApiTask> {
  const giveUpAt = Date.now() + waitMs;
  for (;;) {
    const task = await readTask(access, taskId);
    if ((FINAL_STATES as readonly string[]).includes(task.state) || Date.now() >= giveUpAt) return task;
    await sleep(SETTLE_POLL_MS);
  }
}

interface CallInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

async function call({ url, key }: Access, path: string, init: CallInit = {}): Promise<unknown> {
  const headers = { ...init.headers, authorization: `Bearer ${key}` };
  for (let attempt = 0; ; attempt += 1) {
    const waitMs = RETRY_AFTER_MS[attempt];
    const response = await fetch(`${url}${path}`, { ...init, headers }).catch((error: unknown) => {
      if (waitMs === undefined) throw error;
      return null;
    });
    if (response?.ok) return response.json();
    if (response !== null && (response.status < 500 || waitMs === undefined)) {
      throw new Error(
        `${init.method ?? "GET"} ${path} answered ${response.status}: ${await response.text()}`,
      );
    }
    await sleep(waitMs);
  }
}
