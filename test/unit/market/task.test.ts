import { describe, expect, test } from "vitest";
import {
  FINAL_STATES,
  isFinal,
  MAX_PROMPT_CHARS,
  OPEN_STATES,
  taskEndSchema,
  taskSpecSchema,
  taskStateSchema,
} from "../../../src/market/task.ts";

/** Paths of what is wrong with a task, `prompt` filled in unless told. */
function wrongPaths(input: object): string[] {
  const parsed = taskSpecSchema.safeParse({ prompt: "p", ...input });
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join("."));
}

describe("a task", () => {
  test("needs a prompt and nothing else", () => {
    expect(taskSpecSchema.parse({ prompt: "Add two numbers." })).toEqual({
      prompt: "Add two numbers.",
      verifier: null,
      limits: { deadlineS: 3_600, maxSteps: 200, maxCostUsd: null, maxOutputTokens: 8_192 },
      tools: ["run_javascript", "http"],
      policy: null,
      escalation: null,
      metadata: {},
    });
  });

  test("keeps the limits that are given and fills in the others", () => {
    expect(taskSpecSchema.parse({ prompt: "p", limits: { maxSteps: 3 } }).limits).toEqual({
      deadlineS: 3_600,
      maxSteps: 3,
      maxCostUsd: null,
      maxOutputTokens: 8_192,
    });
  });

  test("keeps what a client labels it with, and an empty list of tools", () => {
    const spec = taskSpecSchema.parse({ prompt: "p", tools: [], metadata: { run: "7", "": "" } });
    expect(spec).toMatchObject({ tools: [], metadata: { run: "7", "": "" } });
  });

  test("two tasks do not share their default tools", () => {
    taskSpecSchema.parse({ prompt: "p" }).tools.pop();
    expect(taskSpecSchema.parse({ prompt: "p" }).tools).toEqual(["run_javascript", "http"]);
  });

  test("is the same after a second reading: a stored spec is a valid input", () => {
    const spec = taskSpecSchema.parse({ prompt: "p", verifier: { type: "equals", expected: "4" } });
    expect(taskSpecSchema.parse(structuredClone(spec))).toEqual(spec);
  });

  test.each([
    ["no prompt", { prompt: undefined }, ["prompt"]],
    ["an empty prompt", { prompt: "" }, ["prompt"]],
    ["a prompt that is no text", { prompt: 7 }, ["prompt"]],
    ["a prompt too long", { prompt: "x".repeat(MAX_PROMPT_CHARS + 1) }, ["prompt"]],
    ["a policy without a name", { policy: "" }, ["policy"]],
    ["an unknown field", { budget: 5 }, [""]],
    ["an unknown limit", { limits: { steps: 5 } }, ["limits"]],
    ["limits that are null", { limits: null }, ["limits"]],
    ["too short a deadline", { limits: { deadlineS: 4 } }, ["limits.deadlineS"]],
    ["too long a deadline", { limits: { deadlineS: 86_401 } }, ["limits.deadlineS"]],
    ["half a second", { limits: { deadlineS: 5.5 } }, ["limits.deadlineS"]],
    ["no step", { limits: { maxSteps: 0 } }, ["limits.maxSteps"]],
    ["too many steps", { limits: { maxSteps: 501 } }, ["limits.maxSteps"]],
    ["steps as text", { limits: { maxSteps: "5" } }, ["limits.maxSteps"]],
    ["too little output", { limits: { maxOutputTokens: 63 } }, ["limits.maxOutputTokens"]],
    ["too much output", { limits: { maxOutputTokens: 65_537 } }, ["limits.maxOutputTokens"]],
    ["a cost of no whole micro-dollar", { limits: { maxCostUsd: 0.000_000_4 } }, ["limits.maxCostUsd"]],
    ["a cost of nothing", { limits: { maxCostUsd: 0 } }, ["limits.maxCostUsd"]],
    ["too high a cost", { limits: { maxCostUsd: 100_001 } }, ["limits.maxCostUsd"]],
    ["a tool that can be none", { tools: ["http", "rm -rf"] }, ["tools.1"]],
    ["a tool that is named twice", { tools: ["http", "http"] }, ["tools"]],
    ["a label that is no text", { metadata: { run: 7 } }, ["metadata.run"]],
    ["a label too long", { metadata: { run: "x".repeat(513) } }, ["metadata.run"]],
    ["a label's name too long", { metadata: { ["x".repeat(65)]: "" } }, [`metadata.${"x".repeat(65)}`]],
    ["a verifier that is text", { verifier: "equals" }, ["verifier"]],
    ["two things at once", { prompt: "", limits: { maxSteps: 0 } }, ["prompt", "limits.maxSteps"]],
  ])("with %s is refused, and the field is named", (_, input, paths) => {
    expect(wrongPaths(input)).toEqual(paths);
  });

  test.each([
    ["the longest prompt", { prompt: "x".repeat(MAX_PROMPT_CHARS) }],
    [
      "the least limits",
      { limits: { deadlineS: 5, maxSteps: 1, maxCostUsd: 0.000_001, maxOutputTokens: 64 } },
    ],
    ["the largest limits", { limits: { deadlineS: 86_400, maxSteps: 500, maxOutputTokens: 65_536 } }],
    ["the longest label", { metadata: { ["x".repeat(64)]: "x".repeat(512) } }],
    ["no verifier", { verifier: null }],
  ])("may have %s", (_, input) => {
    expect(wrongPaths(input)).toEqual([]);
  });
});

describe("states", () => {
  test("are final or open, and none is both", () => {
    expect(FINAL_STATES.every((state) => isFinal(state))).toBe(true);
    expect(OPEN_STATES.some((state) => isFinal(state))).toBe(false);
    expect(taskStateSchema.options.toSorted()).toEqual([...OPEN_STATES, ...FINAL_STATES].toSorted());
  });

  test("every end is in a final state", () => {
    const ends = taskEndSchema.options.map((option) => option.shape.state.value);
    expect(ends.toSorted()).toEqual([...FINAL_STATES].toSorted());
  });

  test.each([
    { state: "finished", outcome: "pass" },
    { state: "failed", reason: "no_bids" },
    { state: "cancelled" },
    { state: "no_sale", reason: "quote_expired", relaxation: null },
    {
      state: "no_sale",
      reason: "cost_limit",
      relaxation: { agentId: "agt_small", limits: { maxCostUsd: 0.5 } },
    },
  ])("$state carries what belongs to it", (end) => {
    expect(taskEndSchema.parse(end)).toEqual(end);
  });

  test.each([
    { state: "finished" },
    { state: "finished", outcome: "passed" },
    { state: "failed", reason: "bad luck" },
    { state: "cancelled", reason: "no_bids" },
    { state: "no_sale" },
    { state: "no_sale", reason: "no_bids", relaxation: null },
    { state: "running" },
  ])("%j is no end", (end) => {
    expect(taskEndSchema.safeParse(end).success).toBe(false);
  });
});
