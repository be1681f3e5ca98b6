/** So many traces in flight for some time; and meanwhile, in between, bare transactions and the memory of workerd. */
import { setTimeout as sleep } from "node:timers/promises";
import pLimit from "p-limit";
import { z } from "zod";
import { submitTask, type Access } from "../../emulators/demo/api.ts";
import { followEvents } from "../../emulators/demo/follow-events.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import type { SpawnedStack } from "../../emulators/stack/spawn-stack.ts";
import type { TaskEvent } from "../../src/market/event.ts";
import { MODEL_NAMES, poolOf } from "../auction/pool.ts";
import { workerdFigures } from "./workerd-process.ts";
import { stepTimes, type StepFacts, type StepTimes } from "./step-times.ts";

export interface TracesPlan {
  readonly concurrency: number;
  readonly seconds: number;
  /** Of every call of a trace, ms. */
  readonly latencyMs: number;
}

export interface TracesRun {
  readonly tasks: number;
  readonly steps: readonly StepTimes[];
  readonly bareMs: readonly number[];
  readonly idleBytes: number | null;
  readonly peakBytes: number | null;
  /** Processor time of all that workerd did meanwhile, ms; null: not known. */
  readonly cpuMs: number | null;
  /** Most traces that were in flight at a look. */
  readonly mostInFlight: number;
  readonly seconds: number;
}

const LOOK_MS = 1_000;
const BARE_EVERY_MS = 100;
const AT_A_TIME = 4;
/** What has not ended so long after the last submission ends the bench. */
const DRAIN_MS = 300_000;

const limitsSchema = z.object({ tenant: z.object({ running: z.int(), waiting: z.int() }) });
const callTimesSchema = z.record(z.string(), z.object({ ms: z.number() }));
const seenSchema = z.object({ calls: callTimesSchema, tools: callTimesSchema });
const traceSchema = z.object({
  steps: z.array(
    z.object({ attempt: z.int(), step: z.int(), toolCalls: z.array(z.object({ id: z.string() })) }),
  ),
});

export async function runTraces(
  { stack, modelsUrl }: { readonly stack: SpawnedStack; readonly modelsUrl: string },
  plan: TracesPlan,
): Promise<TracesRun> {
  await setLatency(modelsUrl, plan.latencyMs);
  const pool = poolOf(MODEL_NAMES.length, `${modelsUrl}/v1`);
  const { key } = await createTenant(stack, { name: "traces", pool });
  const access: Access = { url: stack.url, key };
  const before = workerdFigures(stack.pid);
  const watch = watching(stack);
  const startedMs = performance.now();
  const { ids, mostInFlight } = await keepInFlight(access, { ...plan, docsUrl: `${stack.emulatorUrl}/docs` });
  const seconds = (performance.now() - startedMs) / 1_000;
  const { bareMs, peakBytes } = await watch.end();
  const cpuMs = before === null ? null : (workerdFigures(stack.pid)?.cpuMs ?? 0) - before.cpuMs;
  const seen = seenSchema.parse(await json(`${stack.url}/__bench/calls`));
  const times = { calls: new Map(Object.entries(seen.calls)), tools: new Map(Object.entries(seen.tools)) };
  const limit = pLimit(AT_A_TIME);
  const steps = await Promise.all(ids.map((taskId) => limit(() => stepsOf(access, taskId, times))));
  const idleBytes = before?.bytes ?? null;
  return {
    tasks: ids.length,
    steps: steps.flat(),
    bareMs,
    idleBytes,
    peakBytes,
    cpuMs,
    mostInFlight,
    seconds,
  };
}

async function setLatency(modelsUrl: string, latencyMs: number): Promise<void> {
  const response = await fetch(`${modelsUrl}/emulator/faults/*`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ latencyMs: { min: latencyMs / 2, max: (latencyMs * 3) / 2 } }),
  });
  if (!response.ok) throw new Error(`the emulators take no latency: ${await response.text()}`);
}

async function keepInFlight(
  access: Access,
  { concurrency, seconds, docsUrl }: TracesPlan & { readonly docsUrl: string },
): Promise<{ ids: string[]; mostInFlight: number }> {
  const tasks = workloadTasks(docsUrl);
  const limit = pLimit(AT_A_TIME);
  const ids: string[] = [];
  let mostInFlight = 0;
  const untilMs = performance.now() + seconds * 1_000;
  for (;;) {
    const { running, waiting } = await inFlight(access);
    mostInFlight = Math.max(mostInFlight, running);
    const open = running + waiting;
    const over = performance.now() > untilMs;
    if (over && open === 0) return { ids, mostInFlight };
    if (performance.now() > untilMs + DRAIN_MS) throw new Error(`${open} tasks have not ended`);
    const due = over ? 0 : Math.max(0, concurrency - open);
    const more = Array.from({ length: due }, (_, at) => tasks[(ids.length + at) % tasks.length]);
    const submitted = more.map((task) =>
      limit(async () => submitTask(access, { prompt: "", ...task?.input, policy: "random" })),
    );
    ids.push(...(await Promise.all(submitted)));
    await sleep(LOOK_MS);
  }
}

async function inFlight({ url, key }: Access) {
  const answer = await json(`${url}/v1/limits`, { headers: { authorization: `Bearer ${key}` } });
  return limitsSchema.parse(answer).tenant;
}

/** Both go on until it is ended. */
function watching(stack: SpawnedStack) {
  const bareMs: number[] = [];
  let peakBytes: number | null = null;
  const over = new AbortController();
  const watched = (async () => {
    while (!over.signal.aborted) {
      const { ms } = (await json(`${stack.url}/__bench/bare`)) as { readonly ms: number };
      bareMs.push(ms);
      const bytes = workerdFigures(stack.pid)?.bytes ?? null;
      if (bytes !== null) peakBytes = Math.max(peakBytes ?? 0, bytes);
      await sleep(BARE_EVERY_MS);
    }
  })();
  return {
    end: async () => {
      over.abort();
      await watched;
      return { bareMs, peakBytes };
    },
  };
}

async function stepsOf(
  access: Access,
  taskId: string,
  times: Pick<StepFacts, "calls" | "tools">,
): Promise<StepTimes[]> {
  const headers = { authorization: `Bearer ${access.key}` };
  const { steps } = traceSchema.parse(await json(`${access.url}/v1/tasks/${taskId}/trace`, { headers }));
  const toolCallIds = new Map(
    steps.flatMap(({ attempt, step, toolCalls: [first] }) =>
      first === undefined ? [] : [[`${attempt}/${step}`, first.id] as const],
    ),
  );
  const events: TaskEvent[] = [];
  for await (const event of followEvents({ access, taskId })) events.push(event);
  return stepTimes({ events, toolCallIds, taskId, ...times });
}

async function json(url: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}
