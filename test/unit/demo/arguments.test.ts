import { expect, test } from "vitest";
import { chooseTasks } from "../../../emulators/demo/choose-tasks.ts";
import { parseOptions } from "../../../emulators/demo/options.ts";
import { parseTasks } from "../../../emulators/demo/tasks-file.ts";
import { workloadTasks } from "../../../emulators/demo/workload-tasks.ts";
import { taskSpecSchema } from "../../../src/market/task.ts";

test("options have defaults", () => {
  expect(parseOptions([])).toEqual({
    ok: true,
    value: {
      json: null,
      tasks: null,
      replay: null,
      keep: false,
      concurrency: 8,
      seed: null,
      only: null,
      help: false,
    },
  });
});

test.each([
  [["--only", "0"], "--only takes a whole number from 1"],
  [["--concurrency", "two"], "--concurrency takes"],
  [["--seed", "1.5"], "--seed takes"],
  [["--tasks", "a", "--replay", "b"], "exclude each other"],
  [["--unheard"], "unheard"],
  [["stray"], "stray"],
])("%j is refused with a reason", (args, reason) => {
  const parsed = parseOptions(args);
  expect(parsed).toMatchObject({ ok: false, failure: expect.stringContaining(reason) });
});

test("a file of tasks", () => {
  const text =
    '{"prompt": "one"}\n\n{"prompt": "two", "verifier": {"type": "equals", "expected": "2"}, "limits": {"maxSteps": 3}}\n';
  const parsed = parseTasks(text);
  expect(parsed).toMatchObject({
    ok: true,
    value: [
      { label: "line 1", input: { prompt: "one" } },
      { label: "line 3", input: { limits: { maxSteps: 3 } } },
    ],
  });
});

test("every bad line is named by number and reason, and none of the good ones is handed out", () => {
  const parsed = parseTasks(
    '{"prompt": "one"}\nnot json\n{"prompt": "x", "verifyer": null}\n{"prompt": 3}\n',
  );
  expect(parsed).toMatchObject({
    ok: false,
    failure: [
      { line: 2, reason: expect.stringContaining("not JSON") },
      { line: 3, reason: expect.stringContaining("verifyer") },
      { line: 4, reason: expect.stringContaining("prompt") },
    ],
  });
});

test("a file without a task is refused", () => {
  expect(parseTasks("\n\n").ok).toBe(false);
});

test("the workload is submitted with the documents' address, its id and its bin, and the API takes it", () => {
  const tasks = workloadTasks("http://127.0.0.1:1/docs");
  expect(tasks.length).toBeGreaterThanOrEqual(24);
  for (const { input, label, bin } of tasks) {
    expect(input.prompt).not.toContain("{{docs}}");
    expect(taskSpecSchema.parse(input).metadata).toEqual({ workload: label, bin: String(bin) });
  }
});

test("some of the tasks are taken evenly, or as the seed has it; the same seed, the same choice", () => {
  const all = Array.from({ length: 10 }, (_, at) => at);
  expect(chooseTasks(all, { seed: null, only: 5 })).toEqual([0, 2, 4, 6, 8]);
  expect(chooseTasks(all, { seed: null, only: 50 })).toEqual(all);
  expect(chooseTasks(all, { seed: 7, only: 5 })).toEqual(chooseTasks(all, { seed: 7, only: 5 }));
  expect(chooseTasks(all, { seed: 7, only: null })).not.toEqual(all);
  expect(new Set(chooseTasks(all, { seed: 7, only: null }))).toEqual(new Set(all));
});
