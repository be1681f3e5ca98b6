/**
 * Listeners as browsers have them (EventSource), many to a task, whose connections break again and again, to a stack that
 * is killed twice: each hears its task's journal, whole and in order, and shows the text that was committed. What the
 * Worker logged of a task is one trace.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EventSource } from "eventsource";
import { afterAll, beforeAll, expect, test } from "vitest";
import { submitTask, type Access } from "../../emulators/demo/api.ts";
import { followEvents } from "../../emulators/demo/follow-events.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import { drawsFor, type Draws } from "../../emulators/house/draws.ts";
import { createTenant } from "../../emulators/stack/operator.ts";
import { isLastEvent, type TaskEvent } from "../../src/market/event.ts";
import type { TextEvent } from "../../src/market/live-text.ts";
import type { TaskId } from "../../src/market/ids.ts";
import { spanIdOf } from "../../src/market/trace-context.ts";
import { NOTHING_VISIBLE, showEvent } from "../../src/market/visible-text.ts";
import { MortalStack } from "./support/mortal-stack.ts";

const VARS = { LEASE_MS: "1500", PICKUP_MS: "700", SLICE_MS: "2000" };
const EMULATOR_VARS = { LATENCY_SCALE: "0.1" };
const TASKS = 8;
const LISTENERS = 4;
/** Of the last tasks: they are asked to wrap up. */
const SHORT = 2;
const TOOLS = ["run_javascript", "fetch_page", "files"];

let stack: MortalStack;
beforeAll(async () => {
  stack = await MortalStack.start("listeners", { vars: VARS, emulatorVars: EMULATOR_VARS });
});
afterAll(async () => stack.end());

interface Heard {
  readonly events: readonly TaskEvent[];
  /** Null: it did not ask for text. */
  readonly text: string | null;
  readonly connections: number;
}

/** Hears events of whatever name. */
class AnySource extends EventSource {
  onAny: (data: string) => void = () => undefined;

  override dispatchEvent(event: Event): boolean {
    if (event instanceof MessageEvent) this.onAny(String(event.data));
    return super.dispatchEvent(event);
  }
}

/** Ends a stream after some of its chunks. */
function breaking(body: ReadableStream<Uint8Array>, chunks: number): ReadableStream<Uint8Array> {
  let left = chunks;
  return body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        controller.enqueue(chunk);
        left -= 1;
        if (left <= 0) controller.terminate();
      },
    }),
  );
}

/** One EventSource to the task's last event; its connections break while there are any breaks left. */
async function listen(
  { url, key }: Access,
  taskId: string,
  { draws, hearsText }: { readonly draws: Draws; readonly hearsText: boolean },
): Promise<Heard> {
  const events: TaskEvent[] = [];
  let shown = NOTHING_VISIBLE;
  let connections = 0;
  const source = new AnySource(`${url}/v1/tasks/${taskId}/events${hearsText ? "?text=true" : ""}`, {
    fetch: async (input, init) => {
      connections += 1;
      const headers = { ...init.headers, authorization: `Bearer ${key}` };
      const response = await fetch(input, { headers, signal: init.signal as AbortSignal });
      if (response.body === null || connections > 3) return response;
      const { status, statusText } = response;
      const body = breaking(response.body, draws.int(1, 12));
      return new Response(body, { status, statusText, headers: response.headers });
    },
  });
  await new Promise<void>((resolve) => {
    source.onAny = (data) => {
      const event = JSON.parse(data) as TaskEvent | TextEvent;
      shown = showEvent(shown, event);
      if (!("seq" in event)) return;
      events.push(event);
      if (isLastEvent(event)) resolve();
    };
  });
  source.close();
  const text = shown.committed
    .map(({ attempt, step, text: words }) => `${attempt}/${step} ${words}`)
    .join("\n");
  return { events, text: hearsText ? text : null, connections };
}

async function heard(lists: readonly (readonly TaskEvent[])[], type: string, count: number): Promise<void> {
  while (lists.flat().filter((event) => event.type === type).length < count) await sleep(20);
}

test("each hears the whole journal once, over broken connections and two deaths of the Worker", async () => {
  const { key } = await createTenant(stack.life, { name: "listeners" });
  const access: Access = { url: stack.life.url, key };
  const questions = workloadTasks(`${stack.life.emulatorUrl}/docs`).slice(0, TASKS);
  const ids = await Promise.all(
    questions.map((task, at) => {
      const limits = at < TASKS - SHORT ? {} : { limits: { maxSteps: 2 } };
      return submitTask(access, { ...task.input, tools: TOOLS, ...limits });
    }),
  );
  const journals = ids.map((): TaskEvent[] => []);
  const followed = ids.map(async (taskId, at) => {
    for await (const event of followEvents({ access, taskId })) journals[at]?.push(event);
  });
  const listening = ids.flatMap((taskId, at) =>
    Array.from({ length: LISTENERS }, async (_, number) => {
      const draws = drawsFor(1, "listener", at, number);
      return { at, heard: await listen(access, taskId, { draws, hearsText: number % 2 === 1 }) };
    }),
  );
  await heard(journals, "bid-received", 8);
  await stack.dieAndRise();
  await heard(journals, "step-committed", 6);
  await stack.dieAndRise();

  const listeners = await Promise.all(listening);
  await Promise.all(followed);
  for (const { at, heard: had } of listeners) {
    expect(had.events).toEqual(journals[at]);
    expect(had.connections).toBeGreaterThan(1);
  }
  // Three breaks are meant for each; a short task ends with fewer.
  const connections = listeners.reduce((sum, { heard: had }) => sum + had.connections, 0);
  expect(connections).toBeGreaterThan(2 * listeners.length);
  for (const journal of journals) {
    expect(journal.map(({ seq }) => seq)).toEqual(journal.map((_, at) => at + 1));
  }
  await expectTextToStand(access, ids, listeners);
  const types = new Set(journals.flat().map(({ type }) => type));
  expect(types).toContain("wrap-up-asked");
  await expectToolsToHaveWorked(access, ids, journals);
  await expectOneTraceEach(ids as TaskId[], journals);
}, 180_000);

/** Pages were read, and what was written to files is there, once, after both deaths. */
async function expectToolsToHaveWorked(
  { url, key }: Access,
  ids: readonly string[],
  journals: readonly (readonly TaskEvent[])[],
): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  const ran = journals.flat().flatMap((event) => (event.type === "step-committed" ? event.tools : []));
  expect(ran).toContainEqual(expect.objectContaining({ name: "fetch_page", ok: true }));
  expect(ran).toContainEqual(expect.objectContaining({ name: "write_file", ok: true }));
  for (const taskId of ids) {
    const path = `${url}/v1/tasks/${taskId}`;
    const trace = await (
      await fetch(`${path}/trace`, { headers })
    ).json<{
      steps: {
        toolCalls: { name: string; input: { path: string; text: string }; outcome: { ok: boolean } }[];
      }[];
    }>();
    const written = trace.steps
      .flatMap(({ toolCalls }) => toolCalls)
      .filter(({ name, outcome }) => name === "write_file" && outcome.ok);
    const { data: files } = await (
      await fetch(`${path}/files`, { headers })
    ).json<{
      data: { path: string }[];
    }>();
    expect(files.map((file) => file.path).toSorted()).toEqual(
      [...new Set(written.map(({ input }) => input.path))].toSorted(),
    );
    for (const { input } of written)
      expect(await (await fetch(`${path}/files/${input.path}`, { headers })).text()).toBe(input.text);
  }
}

/** What listeners to text show of a task's steps is what its trace has of them. */
async function expectTextToStand(
  { url, key }: Access,
  ids: readonly string[],
  listeners: readonly { readonly at: number; readonly heard: Heard }[],
): Promise<void> {
  let words = 0;
  for (const [at, taskId] of ids.entries()) {
    const response = await fetch(`${url}/v1/tasks/${taskId}/trace`, {
      headers: { authorization: `Bearer ${key}` },
    });
    const { steps } = await response.json<{ steps: { attempt: number; step: number; text: string }[] }>();
    const stands = steps.map(({ attempt, step, text }) => `${attempt}/${step} ${text}`).join("\n");
    words += steps.reduce((sum, { text }) => sum + text.length, 0);
    for (const { heard: had } of listeners.filter((one) => one.at === at && one.heard.text !== null))
      expect(had.text).toBe(stands);
  }
  expect(words).toBeGreaterThan(100);
}

/**
 * All lines of a task are of one trace: below its root, its attempts and their steps. A line may die with the process that was to write it: none is there
 * twice, and none of a step that is not in the journal.
 */
async function expectOneTraceEach(
  ids: readonly TaskId[],
  journals: readonly (readonly TaskEvent[])[],
): Promise<void> {
  const log = await readFile(join(stack.directory, "worker.log"), "utf8");
  const lines = log.split("\n").flatMap((line) => {
    const json = line.slice(line.indexOf("{"));
    if (!json.includes('"saleroom.task.id"')) return [];
    return [JSON.parse(json) as Record<string, string | number | null>];
  });
  let ends = 0;
  for (const [at, taskId] of ids.entries()) {
    const own = lines.filter((line) => line["saleroom.task.id"] === taskId);
    expect(new Set(own.map((line) => line["trace_id"])).size).toBe(1);
    const ended = own.filter(({ event }) => event === "task-ended").length;
    expect(ended).toBeLessThanOrEqual(1);
    ends += ended;
    const steps = own.filter(({ event }) => event === "step-committed").map((line) => line["saleroom.step"]);
    const committed = (journals[at] ?? []).flatMap((event) =>
      event.type === "step-committed" ? [event.step] : [],
    );
    expect(new Set(steps).size).toBe(steps.length);
    for (const step of steps) expect(committed).toContain(step);
    const task = spanIdOf({ of: "task", taskId });
    const attempts = (journals[at] ?? []).flatMap((event) =>
      event.type === "task-awarded" ? [event.attempt] : [],
    );
    const parents = attempts.flatMap((attempt) => [
      spanIdOf({ of: "attempt", taskId, attempt }),
      ...committed.map((step) => spanIdOf({ of: "step", taskId, attempt, step })),
    ]);
    for (const line of own) {
      if (line["parent_span_id"] === undefined) expect(line["span_id"]).toBe(task);
      else expect([task, ...parents]).toContain(line["parent_span_id"]);
    }
  }
  expect(ends).toBeGreaterThan(ids.length / 2);
}
