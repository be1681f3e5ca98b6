import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import pc from "picocolors";
import { afterAll, expect, test } from "vitest";
import { runFigures } from "../../../emulators/demo/figures.ts";
import { expectedBillMicros } from "../../../emulators/demo/replay/expected-bill.ts";
import { recordedPrice } from "../../../emulators/demo/replay/prices.ts";
import { readRecordings, type Recording } from "../../../emulators/demo/replay/recording.ts";
import { replayFigures, replayReport } from "../../../emulators/demo/replay/replay-report.ts";
import { recordedAgent, recordedTask } from "../../../emulators/demo/replay/replay-tasks.ts";
import type { RecordedTrace } from "../../../emulators/recorded/trace-schema.ts";
import { poolSchema } from "../../../src/market/agent.ts";
import { callCost } from "../../../src/market/money.ts";
import { taskSpecSchema } from "../../../src/market/task.ts";
import { AGENTS, apiTask, endedTask } from "./support.ts";

const directory = mkdtempSync(join(tmpdir(), "saleroom-replay-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const aStep = (prompt_tokens: number, completion_tokens: number, cached_tokens = 0) => ({
  text: "t",
  command: "ls",
  output: "out",
  cost_usd: 0,
  usage: { prompt_tokens, completion_tokens, prompt_tokens_details: { cached_tokens } },
});
const aTrace = (fields: Partial<RecordedTrace> = {}): RecordedTrace => ({
  task_id: "t-1",
  model: "gemini-3-pro-preview",
  prompt: "mend it",
  submission: "patch",
  steps: [aStep(1_446, 228), aStep(2_324, 1_488)],
  ...fields,
});
const aRecording = (name: string, trace = aTrace()): Recording => ({
  name,
  trace,
  text: JSON.stringify(trace),
});

test("two calls at the real price: 1446 · 2 + 228 · 12, and 2324 · 2 + 1488 · 12", () => {
  expect(expectedBillMicros(aTrace(), recordedPrice("gemini-3-pro-preview"))).toBe(5_628 + 22_504);
});

test("cached input is billed at its own price, and each call is rounded up once", () => {
  const trace = aTrace({ steps: [aStep(10, 0, 9), aStep(10, 0, 9)] });
  // 1 · 2 + 9 · 0.2 = 3.8 micro-USD → 4, twice
  expect(expectedBillMicros(trace, recordedPrice("gemini-3-pro-preview"))).toBe(8);
});

test("agrees with the market's own arithmetic, which it does not share", () => {
  const [agent] = poolSchema.parse([recordedAgent("gemini-3-pro-preview")]);
  const usage = fc.tuple(fc.nat(200_000), fc.nat(70_000), fc.nat(200_000));
  fc.assert(
    fc.property(fc.array(usage, { minLength: 1, maxLength: 20 }), (usages) => {
      const steps = usages.map(([input, output, cached]) => aStep(input, output, Math.min(cached, input)));
      const billed = steps.map(({ usage: used }) =>
        callCost(
          {
            inputTokens: used.prompt_tokens,
            cachedInputTokens: used.prompt_tokens_details.cached_tokens,
            cacheWriteTokens: 0,
            outputTokens: used.completion_tokens,
            reasoningTokens: 0,
          },
          agent?.prices ?? (undefined as never),
        ),
      );
      const total = billed.reduce((sum, micros) => sum + micros, 0);
      expect(expectedBillMicros(aTrace({ steps }), recordedPrice("gemini-3-pro-preview"))).toBe(total);
    }),
  );
});

test("a model without a known price is billed at a flat one that says so", () => {
  expect(recordedPrice("unheard-of").source).toContain("no price is known");
  expect(recordedPrice("constructor").source).toContain("no price is known");
});

test("a recording becomes a task that the API takes, and its model an agent that a pool takes", () => {
  expect(taskSpecSchema.parse(recordedTask(aRecording("r")).input)).toMatchObject({
    prompt: "mend it",
    verifier: { type: "equals", expected: "patch" },
    limits: { maxSteps: 300 },
  });
  const [agent] = poolSchema.parse([recordedAgent("Some Model/v1.5")]);
  expect(agent).toMatchObject({
    id: "agt_recorded-some-model-v1-5",
    model: "recorded-Some Model/v1.5",
    emulated: true,
  });
});

test("without a submission the last output is what is expected", () => {
  expect(recordedTask(aRecording("r", aTrace({ submission: "" }))).input.verifier).toMatchObject({
    expected: "out",
  });
});

test("a directory is read in order of names; what is not a recording is named", () => {
  expect(readRecordings(join(directory, "none"))).toMatchObject({
    ok: false,
    failure: expect.stringContaining("traces"),
  });
  mkdirSync(join(directory, "traces"));
  expect(readRecordings(directory)).toMatchObject({
    ok: false,
    failure: expect.stringContaining("no .json"),
  });
  for (const name of ["b", "a"])
    writeFileSync(join(directory, "traces", `${name}.json`), JSON.stringify(aTrace()));
  expect(readRecordings(directory)).toMatchObject({ ok: true, value: [{ name: "a" }, { name: "b" }] });
  writeFileSync(join(directory, "traces", "c.json"), '{"steps": []}');
  expect(readRecordings(directory)).toMatchObject({
    ok: false,
    failure: expect.stringContaining("c.json is not a recorded run"),
  });
});

const billed = (label: string, traceMicros: number) =>
  endedTask(label, {
    task: apiTask(label, {
      queueMessages: 7,
      costMicros: 28 + traceMicros,
      costs: { embedMicros: 0, bidMicros: 20, juryMicros: 8, refineMicros: 0, traceMicros, judgeMicros: 0 },
    }),
  });

test("the report agrees only where bill and steps are those of the file", () => {
  const cheaper = aTrace({ steps: aTrace().steps.map((step) => ({ ...step, cost_usd: 0.01 })) });
  const recordings = [aRecording("right", cheaper), aRecording("wrong"), aRecording("lost")];
  const { tasks } = runFigures([billed("right", 28_132), billed("wrong", 28_131)], AGENTS, 1);
  const figures = replayFigures(recordings, tasks);
  expect(figures.map(({ agrees }) => agrees)).toEqual([true, false, false]);
  const text = replayReport(figures, pc.createColors(false)).join("\n");
  expect(text).toMatch(/right +2 +7 +\$0\.028132 +\$0\.028132 +agrees/);
  expect(text).toContain("the provider itself charged $0.020000 then");
  expect(text).toContain("2 bills of 3 do not agree: wrong, lost");
  expect(text).toContain("2 in, 0.2 cached, 12 out, USD per million tokens (Google's list price");
});
