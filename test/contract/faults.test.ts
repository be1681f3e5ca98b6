/** Every fault switch, on both wires. */
import OpenAI, { APIConnectionTimeoutError } from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Emulators } from "./support/start-emulators.ts";
import { startEmulators } from "./support/start-emulators.ts";

const MODEL = "house-emulated-8b";
const BOUND_MODEL = `@cf/saleroom/${MODEL}`;
let emulators: Emulators;
let client: OpenAI;

interface Row {
  readonly status: string | null;
  readonly fault: string | null;
  readonly ms: number;
  readonly inFlight: number;
  readonly usage: { readonly completionTokens: number } | null;
}
interface Failure {
  readonly error: { readonly message: string; readonly statusCode?: number; readonly isRetryable?: boolean };
}

beforeAll(async () => {
  emulators = await startEmulators();
  client = new OpenAI({ apiKey: "any", baseURL: `${emulators.origin}/v1`, maxRetries: 0 });
});
afterEach(async () => {
  await emulators.admin("DELETE", "/emulator/faults");
  await emulators.admin("DELETE", "/emulator/calls");
});
afterAll(async () => {
  await emulators.dispose();
});

const setFaults = async (rule: object, model = MODEL) =>
  emulators.admin<Record<string, unknown>>("PUT", `/emulator/faults/${model}`, rule);
const chat = async (content = "one two three") =>
  client.chat.completions.create({ model: MODEL, messages: [{ role: "user", content }] });
const bound = (path: string, extra: object = {}) =>
  emulators.caller<Failure & { value: unknown }>(path, {
    model: BOUND_MODEL,
    prompt: "x",
    inputs: { messages: [{ role: "user", content: "one two three" }] },
    ...extra,
  });
const rows = async () => (await emulators.admin<{ calls: Row[] }>("GET", "/emulator/calls")).calls;
/** For each of n calls, whether it was answered. */
const tried = async (n: number, content?: string) => {
  const answered: boolean[] = [];
  for (let i = 0; i < n; i++)
    answered.push(
      await chat(content).then(
        () => true,
        () => false,
      ),
    );
  return answered;
};

describe("what goes wrong", () => {
  it("status429: HTTP says when to come back, the binding throws 3040", async () => {
    await setFaults({ status429: { retryAfterS: 2 } });
    await expect(chat()).rejects.toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    const error = await chat().catch((caught: unknown) => caught);
    expect((error as InstanceType<typeof OpenAI.APIError>).headers?.get("retry-after")).toBe("2");
    expect((await bound("/run")).error.message).toContain(
      "3040: Capacity temporarily exceeded, please try again.",
    );
    expect((await bound("/generate-text")).error).toMatchObject({ statusCode: 429, isRetryable: true });
    expect((await rows()).map((row) => [row.status, row.fault, row.usage])).toEqual(
      Array.from({ length: 4 }, () => ["error", "status429", null]),
    );
  });

  it("status500: HTTP 500, the binding throws 3043", async () => {
    await setFaults({ status500: true });
    await expect(chat()).rejects.toMatchObject({ status: 500 });
    expect((await bound("/run")).error.message).toContain("3043: Internal server error");
    // The provider knows no status for 3043 and so does not retry it: Saleroom has to.
    expect((await bound("/generate-text")).error.isRetryable).toBe(false);
  });

  it("hang: no answer on either wire, and the log shows it", async () => {
    await setFaults({ hang: true });
    const call = client.chat.completions.create(
      { model: MODEL, messages: [{ role: "user", content: "x" }] },
      { timeout: 150 },
    );
    await expect(call).rejects.toBeInstanceOf(APIConnectionTimeoutError);
    expect((await bound("/run-raced", { timeoutMs: 150 })).value).toBe("timed out");
    expect((await rows()).map((row) => [row.status, row.fault])).toEqual([
      ["hung", "hang"],
      ["hung", "hang"],
    ]);
  });

  it("cutStreamAfterTokens: both wires break off mid-way; what was generated is billed", async () => {
    await setFaults({ cutStreamAfterTokens: 2 });
    const seen: string[] = [];
    const read = async () => {
      for await (const chunk of await client.chat.completions.create({
        model: MODEL,
        stream: true,
        messages: [{ role: "user", content: "one two three" }],
      })) {
        seen.push(chunk.choices[0]?.delta.content ?? "");
      }
    };
    await expect(read()).rejects.toThrow("terminated");
    expect(seen.join("")).toBe("echo of");
    const raw = (await bound("/run-stream")).value as { text: string; error: string | null };
    expect(raw.error).not.toBeNull();
    expect(raw.text).not.toContain("[DONE]");
    expect((await rows()).map((row) => [row.status, row.usage?.completionTokens])).toEqual([
      ["cut", 5],
      ["cut", 5],
    ]);
  });

  it("cutStreamAfterTokens leaves calls alone that do not stream", async () => {
    await setFaults({ cutStreamAfterTokens: { tokens: 0 } });
    expect((await chat()).choices[0]?.message.content).toBe("echo of one two three");
  });

  it("stallStreamAfterTokens: the stream says no more, and does not end; what was generated is billed", async () => {
    await setFaults({ stallStreamAfterTokens: 2 });
    const given = new AbortController();
    const stream = await client.chat.completions.create(
      { model: MODEL, stream: true, messages: [{ role: "user", content: "one two three" }] },
      { signal: given.signal },
    );
    const seen: string[] = [];
    let silence: ReturnType<typeof setTimeout> | undefined;
    for await (const chunk of stream) {
      seen.push(chunk.choices[0]?.delta.content ?? "");
      clearTimeout(silence);
      silence = setTimeout(() => given.abort(), 500);
    }
    expect(given.signal.aborted).toBe(true);
    expect(seen.join("")).toBe("echo of");
    expect((await rows()).map((row) => [row.status, row.fault, row.usage?.completionTokens])).toEqual([
      ["cut", "stallStreamAfterTokens", 5],
    ]);
  });

  it("malformedJson: text and tool arguments are never JSON", async () => {
    await setFaults({ malformedJson: true });
    const completion = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: "user", content: "x" }],
      response_format: { type: "json_object" },
    });
    expect(() => JSON.parse(completion.choices[0]?.message.content ?? "") as unknown).toThrow(SyntaxError);
    const tools = [{ type: "function" as const, function: { name: "say", parameters: {} } }];
    const called = await client.chat.completions.create({
      model: MODEL,
      messages: [{ role: "user", content: "x" }],
      tools,
    });
    const call = called.choices[0]?.message.tool_calls?.[0];
    expect(() => JSON.parse(call?.type === "function" ? call.function.arguments : "{}") as unknown).toThrow(
      SyntaxError,
    );
    expect((await bound("/object")).error.message).toBeDefined();
  });

  it("emptyAnswer: neither text nor calls, and billed", async () => {
    await setFaults({ emptyAnswer: true });
    const completion = await chat();
    expect(completion.choices[0]?.message).toMatchObject({ content: "" });
    expect(completion.usage?.completion_tokens).toBe(8);
    expect((await bound("/generate-text")).value).toMatchObject({ text: "" });
  });

  it("latencyMs and latencyScale hold the answer back", async () => {
    await setFaults({ latencyMs: 40 });
    await chat();
    await setFaults({ latencyMs: { min: 20, max: 60, first: 1 } });
    await chat();
    await chat();
    await setFaults({ latencyScale: 0.05 });
    await chat();
    const [fixed, ranged, none, scaled] = await rows();
    expect(fixed?.ms).toBeGreaterThanOrEqual(39);
    expect(ranged?.ms).toBeGreaterThanOrEqual(19);
    expect(none?.ms).toBeLessThan(39);
    expect(scaled?.ms).toBeGreaterThanOrEqual(49);
  });

  it("acts on embeddings too", async () => {
    await setFaults({ status429: true }, "@cf/baai/bge-base-en-v1.5");
    const failed = await emulators.caller<Failure>("/run", {
      model: "@cf/baai/bge-base-en-v1.5",
      inputs: { text: "x" },
    });
    expect(failed.error.message).toContain("3040");
  });
});

/** Which of 24 calls were answered, under a fault that hits half of them. */
const drawn = async (seed: number) => {
  await setFaults({ seed, status500: { probability: 0.5 } });
  return tried(24);
};

describe("when", () => {
  it("first: counted from when the switch was set, over both wires", async () => {
    await tried(2);
    await setFaults({ status500: { first: 2 } });
    await bound("/run");
    expect(await tried(3)).toEqual([false, true, true]);
  });

  it("only: these calls", async () => {
    await setFaults({ status500: { only: [2, 4] } });
    expect(await tried(4)).toEqual([true, false, true, false]);
  });

  it("match: prompts that contain a text", async () => {
    await setFaults({ status500: { match: "needle" } });
    expect([await tried(1, "hay"), await tried(1, "a needle here")]).toEqual([[true], [false]]);
  });

  it("probability: the same draws for the same seed, others for another", async () => {
    const first = await drawn(1);
    expect(await drawn(1)).toEqual(first);
    expect(await drawn(2)).not.toEqual(first);
    expect(first.filter(Boolean).length).toBeGreaterThan(5);
    expect(first.filter(Boolean).length).toBeLessThan(19);
  });

  it("a model's own switches come before those for all models", async () => {
    await setFaults({ status500: true }, "*");
    await setFaults({ status429: true }, BOUND_MODEL);
    await expect(chat()).rejects.toMatchObject({ status: 429 });
    const other = client.chat.completions.create({
      model: "house-emulated-4b",
      messages: [{ role: "user", content: "x" }],
    });
    await expect(other).rejects.toMatchObject({ status: 500 });
  });
});

describe("the switches themselves", () => {
  it("are read, listed and removed under either wire's name", async () => {
    await setFaults({ hang: { only: [1] } }, encodeURIComponent(BOUND_MODEL));
    expect(await emulators.admin("GET", `/emulator/faults/${MODEL}`)).toEqual({ hang: { only: [1] } });
    expect(await emulators.admin("GET", "/emulator/faults")).toEqual({
      emulated: true,
      faults: { [MODEL]: { hang: { only: [1] } } },
    });
    await emulators.admin("DELETE", `/emulator/faults/${BOUND_MODEL}`);
    expect(await emulators.admin("GET", `/emulator/faults/${MODEL}`)).toBeNull();
  });

  it("refuse what they do not know", async () => {
    for (const rule of [
      { stauts500: true },
      { status500: { probability: 2 } },
      { latencyMs: { min: 3, max: 1 } },
    ]) {
      expect(await setFaults(rule)).toHaveProperty("error");
    }
  });
});
