/** What the rooms log of a task: one trace with every call, tool, step, verdict and the end, and not a word of its content. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { setLogLevel } from "../../../src/log.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import { traceIdOf } from "../../../src/market/trace-context.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels, WorkerDied, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  config,
  countingTool,
  DEAR,
  KEY_HASH,
  MIDDLE,
  openMarket,
  stopTheClock,
  traceDeps,
} from "./market-day.ts";

let clock: ReturnType<typeof stopTheClock>;
let lines: Record<string, unknown>[];
beforeEach(() => {
  clock = stopTheClock();
  lines = [];
  const take = (line: unknown) => void lines.push(JSON.parse(String(line)) as Record<string, unknown>);
  vi.spyOn(console, "log").mockImplementation(take);
  vi.spyOn(console, "error").mockImplementation(take);
});
afterEach(() => {
  setLogLevel("call");
  vi.restoreAllMocks();
  vi.useRealTimers();
});

const SECRET = "MARKER-that-no-line-may-have";
const STEPS: readonly (ScriptedStep | readonly ScriptedStep[])[] = [
  { tool: "http", input: { url: SECRET } },
  { tool: SECRET, input: {} },
  [{ fails: "rate_limited" }, { tool: "submit", input: { result: `42 ${SECRET}` } }],
];

/** A task whose first holder dies in its second step. */
async function runTask(): Promise<{ readonly taskId: TaskId; readonly costMicros: number }> {
  const day = await openMarket();
  const { taskId, room, holder } = await day.admit({ prompt: `Say ${SECRET}` });
  const bids = { [CHEAP]: SECRET, [MIDDLE]: SECRET, [DEAR]: "timeout" } as const;
  const verdicts = { [CHEAP]: () => 4, [MIDDLE]: () => 4, [DEAR]: () => 4 };
  await runAuction(auctionDeps(new ScriptedModels({ bids, verdicts })), holder);
  const message = { kind: "trace", tenantId: day.tenantId, taskId, attempt: 1 } as const;
  const tools = [countingTool()];
  const dies = traceDeps(new ScriptedModels({ steps: STEPS, diesAtCall: 2 }), { tools });
  await runSlice(dies, { ...message, generation: 1 }).catch((error: unknown) => {
    if (!(error instanceof WorkerDied)) throw error;
  });
  clock.pass(config.leaseMs + 1);
  await runDurableObjectAlarm(room);
  await runSlice(traceDeps(new ScriptedModels({ steps: STEPS }), { tools }), { ...message, generation: 2 });
  const view = await room.view();
  if (view?.state !== "finished") throw new Error(`the task is ${view?.state}`);
  return { taskId, costMicros: view.costMicros };
}

const named = (event: string) => lines.filter((line) => line["event"] === event);

test("all lines of a task are one trace: a root, and every other line below a span of it", async () => {
  const { taskId, costMicros } = await runTask();
  const mine = lines.filter((line) => line["saleroom.task.id"] === taskId && line["trace_id"] !== undefined);
  expect(new Set(mine.map((line) => line["trace_id"]))).toEqual(new Set([traceIdOf(taskId)]));
  const roots = mine.filter((line) => line["parent_span_id"] === undefined);
  expect(roots).toMatchObject([
    { event: "task-ended", "saleroom.task.state": "finished", "saleroom.cost_micros": costMicros },
  ]);
  const spans = new Set(mine.map((line) => line["span_id"]));
  for (const line of mine) if (!roots.includes(line)) expect(spans).toContain(line["parent_span_id"]);
  // Three bids, three verdicts, three steps, one of them asked twice, and the call whose holder died.
  expect(
    named("model-call")
      .map((line) => String(line["saleroom.call.kind"]))
      .toSorted(),
  ).toEqual([
    ...Array.from({ length: 3 }, () => "bid"),
    ...Array.from({ length: 3 }, () => "jury"),
    ...Array.from({ length: 5 }, () => "trace"),
  ]);
  expect(new Set(named("model-call").map((line) => line["span_id"])).size).toBe(named("model-call").length);
  expect(named("step-committed").map((line) => line["saleroom.step"])).toEqual([1, 2, 3]);
  expect(named("tool-call").map((line) => [line["gen_ai.tool.name"], line["error.type"]])).toEqual([
    ["http", undefined],
    ["_OTHER", "tool_error"],
    ["submit", undefined],
  ]);
  expect(named("call-failed")).toMatchObject([{ "error.type": "rate_limited", "saleroom.step": 3 }]);
  expect(named("verification-ended")).toMatchObject([{ "gen_ai.evaluation.score.label": "fail" }]);
  expect(named("model-call").at(-1)).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai_compatible",
    "gen_ai.request.model": "scripted-agt_cheap",
    "gen_ai.usage.input_tokens": 1_000,
    "gen_ai.usage.output_tokens": 200,
    "gen_ai.response.finish_reasons": ["tool-calls"],
  });
});

test("tools that a name of the task stands for are named: those of its files, and a server's", async () => {
  const day = await openMarket();
  const find = { name: "shop__find", remoteName: "find", description: "", inputSchema: { type: "object" } };
  const url = "https://shop.example.com/mcp";
  await day.market.manageTools({
    kind: "create",
    settings: { type: "mcp", name: "shop", description: "A shop.", url, timeoutMs: 5_000, allow: null },
    secretHeader: null,
    listing: { atMs: 0, tools: [find], leftOut: 0, problem: null },
    by: KEY_HASH,
  });
  const { taskId, holder } = await day.admit({ tools: ["files", "shop"] });
  const bids = { [CHEAP]: "plan", [MIDDLE]: "plan", [DEAR]: "plan" };
  const calls = ["write_file", "shop__find", "shop__made_up", "http"].map((tool) => ({ tool, input: {} }));
  const verdicts = { [CHEAP]: () => 4, [MIDDLE]: () => 4, [DEAR]: () => 4 };
  const steps = [...calls, { tool: "submit", input: { result: "42" } }];
  const models = new ScriptedModels({ bids, verdicts, steps });
  await runAuction(auctionDeps(models), holder);
  const message = { kind: "trace", tenantId: day.tenantId, taskId, attempt: 1, generation: 1 } as const;
  await runSlice(traceDeps(models), message);
  const names = named("tool-call").map((line) => line["gen_ai.tool.name"]);
  expect(names).toEqual(["write_file", "shop__find", "_OTHER", "_OTHER", "submit"]);
});

test("no line has a word of prompt, strategy, tool call or result", async () => {
  await runTask();
  expect(lines.length).toBeGreaterThan(15);
  expect(JSON.stringify(lines)).not.toContain("MARKER");
});

test.each([
  ["task", ["verification-ended", "task-ended"]],
  ["error", []],
] as const)("at the level %s only these are written: %j", async (level, written) => {
  setLogLevel(level);
  await runTask();
  expect(lines.filter((line) => line["level"] === "info").map((line) => line["event"])).toEqual(written);
});
