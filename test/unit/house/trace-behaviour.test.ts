/** How traces behave: repeatable, robust against seeds that change and tools that fail, honest about what they are. */
import { describe, expect, it } from "vitest";
import type { ChatReply, ChatRequest, EmulatedModel } from "../../../emulators/chat.ts";
import { driveTrace, TRACE_TOOLS } from "../../../emulators/house/drive.ts";
import { promptAt, workload } from "../../../emulators/workload/index.ts";
import { wrapUpText } from "../../../src/agents/prompts/wrap-up-prompt.ts";
import { bidOf, callTool, DOCS, modelAt, runTrace, taskById } from "./run-trace.ts";
import { failureOf } from "./verify.ts";

/** A client that sends another seed with every call. */
function restless(model: EmulatedModel): EmulatedModel {
  let calls = 0;
  return {
    ...model,
    reply: (request: ChatRequest) => model.reply({ ...request, seed: 1_000 + (calls += 1) }),
  };
}

const refuse = () => "not_allowed: the tool is not available";

describe("traces", () => {
  it("repeat exactly under the same seed, whatever the nonce", () => {
    const task = taskById("lru-ttl-cache");
    const once = runTrace({ task, index: 1, seed: 4 });
    expect(runTrace({ task, index: 1, seed: 4 })).toEqual(once);
    const model = modelAt(1);
    const strategy = bidOf(model, task.prompt, { seed: 4, nonce: "ffffff" });
    const again = driveTrace({
      model,
      task: task.prompt,
      strategy,
      seed: 4,
      nonce: "00ffee",
      call: callTool,
    });
    expect(again.replies.map((reply) => reply.toolCalls)).toEqual(
      once.replies.map((reply) => reply.toolCalls),
    );
  });

  it.each(workload.map((task) => [task.id, task] as const))(
    "hold together when every call carries another seed: %s",
    (_id, task) => {
      const prompt = promptAt(task, DOCS);
      for (const model of [modelAt(0), modelAt(3)]) {
        const order = { task: prompt, strategy: bidOf(model, prompt, { seed: 77 }), seed: 5, call: callTool };
        const { replies, result } = driveTrace({ ...order, model: restless(model) });
        const steady = driveTrace({ ...order, model });
        expect(result).toBe(steady.result);
        expect(replies.map((reply) => reply.toolCalls)).toEqual(
          steady.replies.map((reply) => reply.toolCalls),
        );
      }
    },
  );
});

describe("traces, on their way", () => {
  it("keep what they say of a run as a note, where there are files", () => {
    const properties = { path: { type: "string" }, text: { type: "string" } };
    const file = { name: "write_file", description: "Writes a file.", parameters: { properties } };
    const { replies } = runTrace({
      task: taskById("lru-ttl-cache"),
      index: 1,
      seed: 4,
      tools: [...TRACE_TOOLS, file],
      call: (tool, argument) => (tool === file.name ? "wrote it" : callTool(tool, argument)),
    });
    const runs = replies.filter(({ toolCalls }) => toolCalls[0]?.name === "run_javascript");
    expect(runs.length).toBeGreaterThan(0);
    for (const { content, toolCalls } of runs) {
      expect(toolCalls.map(({ name }) => name)).toEqual(["run_javascript", "write_file"]);
      const path: unknown = expect.stringMatching(/^notes\/[0-9a-f]+\.md$/);
      expect(JSON.parse(toolCalls[1]?.arguments ?? "")).toEqual({ path, text: content });
    }
  });

  it("make real tool errors now and then, and repair them", () => {
    let errors = 0;
    const call = (tool: string, argument: string) => {
      const text = callTool(tool, argument);
      if (/^(?:script_failed|HTTP 404)/.test(text)) errors += 1;
      return text;
    };
    for (const task of workload) runTrace({ task, index: 2, seed: 9, call });
    expect(errors).toBeGreaterThan(3);
    expect(errors).toBeLessThan(workload.length);
  });

  it("report usage that caches all but the last turn", () => {
    const { replies } = runTrace({ task: taskById("fjordlab-delivered"), index: 3, seed: 1 });
    const prompts = replies.map((reply) => reply.usage.promptTokens);
    expect(replies.map((reply) => reply.usage.cachedPromptTokens)).toEqual([0, ...prompts.slice(0, -1)]);
    expect(prompts).toEqual(prompts.toSorted((a, b) => a - b));
  });

  it("follow a plan that somebody else wrote, judged by its text", () => {
    const task = taskById("merge-intervals");
    const passes = (strategy: string) => {
      const model = modelAt(2, 3);
      const variants = Array.from({ length: 40 }, (_, index) => `${strategy}\n- variant ${index}`);
      const results = variants.map((text) => {
        return driveTrace({ model, task: task.prompt, strategy: text, seed: 1, call: callTool }).result;
      });
      return results.filter((result) => failureOf(task.verifier, result) === null).length;
    };
    const good = [
      "- drop empty intervals with start >= end, copy the inner arrays of the input",
      "- sort the intervals by start as numbers",
      "- watch out for intervals that touch, be careful with an interval that contains another",
      "- verify with run_javascript that the input is not changed",
      "- test touching intervals and an empty array of intervals",
    ].join("\n");
    expect(passes(good)).toBeGreaterThan(passes("I will do my best and deliver quality.") + 5);
  });
});

describe("traces that are asked to wrap up", () => {
  const task = taskById("lru-ttl-cache");
  const strategy = bidOf(modelAt(3), task.prompt, { seed: 4 });
  const seen = driveTrace({ model: modelAt(3), task: task.prompt, strategy, seed: 4, call: callTool });

  /** What the model says when it is asked after so many of the turns that it would take. */
  function askedAfter(turns: number): ChatReply | undefined {
    let asked = 0;
    const model: EmulatedModel = {
      ...modelAt(3),
      reply: (request) => {
        asked += 1;
        const user = { role: "user", content: wrapUpText("step_limit") } as const;
        return modelAt(3).reply(
          asked <= turns ? request : { ...request, messages: [...request.messages, user] },
        );
      },
    };
    return driveTrace({ model, task: task.prompt, strategy, seed: 4, call: callTool }).replies[turns];
  }

  it("hand in at once what they have, which is not the right result", () => {
    for (let turns = 0; turns < seen.replies.length - 1; turns += 1) {
      const calls = askedAfter(turns)?.toolCalls ?? [];
      expect(calls.map(({ name }) => name)).toEqual(["submit"]);
      const { result } = JSON.parse(calls[0]?.arguments ?? "") as { result: string };
      expect(task.solutions.wrong.map((solution) => solution.result)).toContain(result);
    }
  });

  it("hand in what they would have handed in, once they are through", () => {
    expect(askedAfter(seen.replies.length - 1)?.toolCalls).toEqual(seen.replies.at(-1)?.toolCalls);
  });
});

describe("traces with tools that are missing or fail", () => {
  it("hand in the code untested without a sandbox, and answer in plain text without a submission tool", () => {
    const task = taskById("to-roman");
    const submitOnly = TRACE_TOOLS.filter((tool) => tool.name === "submit");
    expect(runTrace({ task, index: 3, seed: 1, tools: submitOnly }).replies).toHaveLength(1);
    const { result, replies } = runTrace({ task, index: 3, seed: 1, tools: [] });
    expect(replies[0]?.content).toBe(result);
    expect(result).toContain("function toRoman");
  });

  it("say so when the documents cannot be read, and stop trying after two failures", () => {
    const task = taskById("on-call-pay-rehn");
    const { result, replies } = runTrace({ task, index: 3, seed: 1, call: refuse });
    expect(result).toContain("could not read");
    expect(replies.length).toBeLessThanOrEqual(4);
    expect(
      runTrace({ task, index: 3, seed: 1, tools: TRACE_TOOLS.filter((tool) => tool.name !== "http") }).result,
    ).toContain("could not read");
  });

  it("end with the code when the sandbox refuses", () => {
    const { result, replies } = runTrace({
      task: taskById("diff-and-patch"),
      index: 3,
      seed: 1,
      call: refuse,
    });
    expect(result).toContain("function patch");
    expect(replies.length).toBeLessThanOrEqual(5);
  });

  it("admit that an unknown task is beyond an emulated model, after one real call if the task names a URL", () => {
    const order = { model: modelAt(0), strategy: "read and answer", seed: 1, call: () => "text" };
    const task = "Summarise https://example.org/report.html in two sentences.";
    const fetched = driveTrace({ ...order, task });
    expect(fetched.replies[0]?.toolCalls[0]?.name).toBe("http");
    expect(fetched.result).toContain("I am an emulated model");
    expect(driveTrace({ ...order, task: "Who won?" }).replies).toHaveLength(1);
  });
});
