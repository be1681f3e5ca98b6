/** The workload proves itself: right results pass their verifiers, wrong ones fail, prompts name documents that exist. */
import vm from "node:vm";
import { describe, expect, it } from "vitest";
import { viewTask } from "../../../emulators/house/known-tasks.ts";
import { DOCS_PLACEHOLDER, documents, promptAt, workload } from "../../../emulators/workload/index.ts";
import { verifierSpecSchema } from "../../../src/market/verifier-spec.ts";
import { failureOf } from "./verify.ts";

describe.each(workload.map((task) => [task.id, task] as const))("task %s", (_id, task) => {
  it("has a verifier that the API accepts", () => {
    expect(verifierSpecSchema.parse(task.verifier)).toEqual(task.verifier);
  });

  it("passes with the right result", () => {
    expect(failureOf(task.verifier, task.solutions.right)).toBeNull();
  });

  it("fails with at least three different wrong results", () => {
    const results = task.solutions.wrong.map((wrong) => wrong.result);
    expect(new Set(results).size).toBeGreaterThanOrEqual(3);
    const passing = task.solutions.wrong.filter(({ result }) => failureOf(task.verifier, result) === null);
    expect(passing.map(({ flaw }) => flaw)).toEqual([]);
    expect(task.solutions.wrong.every(({ flaw }) => flaw !== "")).toBe(true);
  });

  it("has working that runs, and for questions ends at the right answer", () => {
    const source = task.kind === "code" ? `${task.solutions.right};` : "";
    const values = task.working.map((expression) => vm.runInNewContext(source + expression) as unknown);
    if (task.kind === "code") return;
    const last = values.at(-1);
    const right = task.solutions.right;
    expect(typeof last === "string" ? last : JSON.stringify(last)).toBe(
      task.verifier.type === "json_schema" ? JSON.stringify(JSON.parse(right)) : right,
    );
  });

  it("names only documents that exist, and some if it is a question", () => {
    const names = [...task.prompt.matchAll(/\{\{docs\}\}\/([\w.-]+\.md)/g)].map(
      (match) => match[1] as string,
    );
    expect(names.length > 0).toBe(task.kind === "question");
    for (const name of names) expect(documents[name]).toBeDefined();
  });

  it("is recognised whatever the documents' address, the white space around it and the text it stands in", () => {
    for (const base of ["http://127.0.0.1:8788/docs", "https://docs.example.org/a/b"]) {
      const prompt = promptAt(task, base);
      expect(prompt).not.toContain(DOCS_PLACEHOLDER);
      expect(viewTask(prompt)).toMatchObject({ key: task.id, bin: task.bin });
      expect(viewTask(`user:\n${prompt.replaceAll(" ", "\n")}\n`).key).toBe(task.id);
    }
  });

  it("gives a bidder enough to say", () => {
    const { subGoals, pitfalls, checks } = task.plan;
    expect([subGoals.length >= 3, pitfalls.length >= 2, checks.length >= 2]).toEqual([true, true, true]);
  });
});

describe("the workload as a whole", () => {
  it("has six tasks a bin, half of them code, under unique ids", () => {
    expect(new Set(workload.map((task) => task.id)).size).toBe(workload.length);
    for (const bin of [1, 2, 3, 4, 5]) {
      const kinds = workload.filter((task) => task.bin === bin).map((task) => task.kind);
      expect(kinds.filter((kind) => kind === "code")).toHaveLength(3);
      expect(kinds).toHaveLength(6);
    }
  });

  it("uses every document", () => {
    const prompts = workload.map((task) => task.prompt).join("\n");
    for (const name of Object.keys(documents)) expect(prompts).toContain(name);
  });

  it("takes a stranger's task for none of its own", () => {
    expect(viewTask("Write a haiku about rain.")).toMatchObject({ known: null, bin: 1 });
  });
});
