/** Recorded agents: a trace is replayed step by step over HTTP, and nothing is made up where nothing was recorded. */
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generatedTrace } from "../../emulators/recorded/generate.ts";
import { juryPrompt } from "../../src/agents/prompts/jury-prompt.ts";
import { tracePrompt } from "../../src/agents/prompts/trace-prompt.ts";
import { bidPrompt } from "../../src/agents/prompts/bid-prompt.ts";
import type { Emulators } from "./support/start-emulators.ts";
import { startEmulators } from "./support/start-emulators.ts";

const trace = generatedTrace({ seed: 1 });
const MODEL = `recorded-${trace.model}`;
const NONCE = "0a1b2c";
const tools = ["http", "submit"].map((name) => ({
  type: "function" as const,
  function: { name, parameters: { type: "object" } },
}));
let emulators: Emulators;
let client: OpenAI;

beforeAll(async () => {
  emulators = await startEmulators();
  client = new OpenAI({ apiKey: "any", baseURL: `${emulators.origin}/v1`, maxRetries: 0 });
  await emulators.admin("PUT", "/emulator/recordings/one", trace);
});
afterAll(async () => {
  await emulators.dispose();
});

type Messages = OpenAI.ChatCompletionMessageParam[];
const conversation = (prompt: { system: string; user: string }): Messages => [
  { role: "system", content: prompt.system },
  { role: "user", content: prompt.user },
];
const traceStart = () =>
  conversation(tracePrompt({ task: trace.prompt, strategy: "As recorded.", nonce: NONCE }));
const functionCall = (message: OpenAI.ChatCompletionMessage | undefined) => {
  const call = message?.tool_calls?.[0];
  if (call?.type !== "function") throw new Error("no tool call");
  return {
    name: call.function.name,
    args: JSON.parse(call.function.arguments) as Record<string, unknown>,
    id: call.id,
  };
};

describe("a trace", () => {
  it("replays all 145 steps: texts, commands, outputs and usage as recorded", async () => {
    const messages = traceStart();
    for (const step of trace.steps.slice(0, -1)) {
      const completion = await client.chat.completions.create({ model: MODEL, messages, tools });
      const message = completion.choices[0]?.message;
      expect(message?.content).toBe(step.text);
      expect(completion.usage).toMatchObject(step.usage);
      expect(completion.system_fingerprint).toBe("saleroom-recorded");
      const call = functionCall(message);
      expect(call).toMatchObject({
        name: "http",
        args: { method: "POST", url: `${emulators.origin}/emulator/recordings/one/shell` },
      });
      const { url, headers, body } = call.args as {
        url: string;
        headers: Record<string, string>;
        body: string;
      };
      const shell = await fetch(url, { method: "POST", headers, body });
      expect(shell.headers.get("content-type")).toContain("text/plain");
      const output = await shell.text();
      expect(output).toBe(step.output);
      if (message !== undefined)
        messages.push(message, { role: "tool", tool_call_id: call.id, content: output });
    }
    const last = await client.chat.completions.create({ model: MODEL, messages, tools });
    expect(last.usage).toMatchObject(trace.steps.at(-1)?.usage ?? {});
    expect(functionCall(last.choices[0]?.message)).toMatchObject({
      name: "submit",
      args: { result: trace.submission },
    });
  });

  it("streams like any other answer", async () => {
    const stream = client.chat.completions.stream({ model: MODEL, messages: traceStart(), tools });
    const message = (await stream.finalChatCompletion()).choices[0]?.message;
    expect(message?.content).toBe(trace.steps[0]?.text);
    expect(functionCall(message).name).toBe("http");
  });

  it("submits the last output where no submission was recorded", async () => {
    const short = {
      ...trace,
      task_id: "short",
      model: "short-model",
      submission: "",
      steps: trace.steps.slice(0, 1),
    };
    await emulators.admin("PUT", "/emulator/recordings/short", short);
    const completion = await client.chat.completions.create({
      model: "recorded-short-model",
      messages: traceStart(),
      tools,
    });
    expect(functionCall(completion.choices[0]?.message)).toMatchObject({
      name: "submit",
      args: { result: trace.steps[0]?.output },
    });
  });

  it("refuses a task for which nothing was recorded", async () => {
    const messages = conversation(tracePrompt({ task: "another task", strategy: "x", nonce: NONCE }));
    await expect(client.chat.completions.create({ model: MODEL, messages, tools })).rejects.toMatchObject({
      status: 400,
      code: "no_recording",
    });
  });

  it("the shell answers 409 with both commands where they differ", async () => {
    const shell = await fetch(`${emulators.origin}/emulator/recordings/one/shell`, {
      method: "POST",
      body: JSON.stringify({ step: 0, command: "rm -rf /" }),
    });
    expect(shell.status).toBe(409);
    expect(await shell.json()).toMatchObject({ recorded: trace.steps[0]?.command, received: "rm -rf /" });
    const beyond = await fetch(`${emulators.origin}/emulator/recordings/one/shell`, {
      method: "POST",
      body: JSON.stringify({ step: 999, command: "" }),
    });
    expect(beyond.status).toBe(404);
  });
});

describe("what was not recorded", () => {
  it("a bid says that no strategy was recorded", async () => {
    const messages = conversation(bidPrompt({ task: trace.prompt, tools: [], maxTokens: 200, nonce: NONCE }));
    const completion = await client.chat.completions.create({ model: MODEL, messages });
    expect(completion.choices[0]?.message.content).toContain("no strategy was recorded");
    expect(completion.usage?.completion_tokens).toBeGreaterThan(0);
  });

  it("a jury call gives every strategy the same middling score", async () => {
    const bids = ["A", "B", "C"].map((label) => ({
      label,
      strategy: `strategy ${label}; <D-ffffff>`,
    }));
    const completion = await client.chat.completions.create({
      model: MODEL,
      messages: conversation(juryPrompt({ task: trace.prompt, bids, nonce: NONCE })),
      response_format: { type: "json_object" },
    });
    expect(JSON.parse(completion.choices[0]?.message.content ?? "")).toEqual({ A: 3, B: 3, C: 3 });
  });
});

describe("recordings", () => {
  it("are listed, and their models are labelled recorded", async () => {
    expect(await emulators.admin("GET", "/emulator/recordings")).toMatchObject({
      recorded: true,
      recordings: [{ name: "one", taskId: "generated-1", steps: 145 }, { name: "short" }],
    });
    const { data } = await client.models.list();
    expect(data.find((model) => model.id === MODEL)?.owned_by).toBe("saleroom-recorded");
  });

  it("are refused where they are no trace, and forgotten where asked", async () => {
    expect(await emulators.admin("PUT", "/emulator/recordings/bad", { steps: [] })).toHaveProperty("error");
    expect(await emulators.admin("PUT", "/emulator/recordings/b%20d", trace)).toHaveProperty("error");
    await emulators.admin("DELETE", "/emulator/recordings/short");
    await expect(
      client.chat.completions.create({ model: "recorded-short-model", messages: traceStart(), tools }),
    ).rejects.toMatchObject({ status: 404 });
  });

  it("generated ones are the same for the same seed, grow, and vary", () => {
    expect(generatedTrace({ seed: 1 })).toEqual(trace);
    expect(generatedTrace({ seed: 2 }).prompt).not.toBe(trace.prompt);
    const prompts = trace.steps.map((step) => step.usage.prompt_tokens);
    expect(prompts).toEqual(prompts.toSorted((a, b) => a - b));
    const sizes = trace.steps.map((step) => step.output.length);
    expect(Math.max(...sizes)).toBeGreaterThan(5000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(10_100);
    expect(
      trace.steps.every(
        (step) => (step.usage.prompt_tokens_details?.cached_tokens ?? 0) <= step.usage.prompt_tokens,
      ),
    ).toBe(true);
  });
});
