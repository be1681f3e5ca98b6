/** Streams of Workers AI that tell an error in an event, which the adapter drops: no answer, whatever came before. */
import { describe, expect, it } from "vitest";
import type { Answer, StepAnswer } from "../../../src/agents/model-port.ts";
import { openAiEvents, sse } from "./as-stream.ts";
import { anAgent, aWorld, limits, openAi, STEP, type Scripted } from "./fakes.ts";

const WORDS = { response: "the first ha" };
const ASKED_TOO_MUCH = "This model's maximum context length is 131072 tokens.";
const INTERNAL = { error: { message: "internal server error", code: 500 } };

interface Asked {
  readonly answer: Answer<StepAnswer>;
  readonly requests: number;
}

async function ask(events: readonly unknown[], over: { readonly done?: boolean } = {}): Promise<Asked> {
  return askBytes(sse(events, over).body);
}

/** @param stream as the binding hands it on, without its response */
async function askBytes(stream: unknown): Promise<Asked> {
  const { models, runs } = aWorld({ ai: [stream as Scripted, { response: "Paris" }] });
  return { answer: await models.step(anAgent("workers-ai"), STEP, limits()), requests: runs.length };
}

describe("an error in a stream of Workers AI", () => {
  it.each([
    ["an error", INTERNAL, "internal server error"],
    ["an error's bare words", { error: "internal server error" }, "internal server error"],
    ["errors", { errors: [{ message: "upstream is gone", code: 3043 }] }, "3043: upstream is gone"],
    ["an error without words", { error: { type: "x" } }, '{"type":"x"}'],
  ])(
    "told as %s behind a part of the answer: what came is none, and may have been billed",
    async (_how, error, words) => {
      for (const done of [true, false]) {
        const { answer, requests } = await ask([WORDS, error], { done });
        expect(answer).toMatchObject({
          ok: false,
          failure: { mayPass: true },
          bill: { status: "unconfirmed" },
        });
        expect(answer.ok ? "" : answer.failure.message).toContain(words);
        expect(requests).toBe(1);
      }
    },
  );

  it("is heard behind thoughts and calls, too, and where the stream ends with it", async () => {
    const thought = openAiEvents(openAi({ reasoning_content: "hm" })).slice(0, 2);
    const bytes = new TextEncoder().encode(
      [...thought, { error: { message: ASKED_TOO_MUCH } }]
        .map((event) => `data: ${JSON.stringify(event)}`)
        .join("\n\n"),
    );
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(bytes);
        controller.close();
      },
    });
    const { answer } = await askBytes(stream);
    expect(answer).toMatchObject({ failure: { reason: "provider_error" }, bill: { status: "unconfirmed" } });
  });

  it.each([
    ["an error", { error: { message: ASKED_TOO_MUCH, code: 400 } }],
    ["errors", { errors: [{ message: `AiError: ${ASKED_TOO_MUCH}`, code: 5021 }] }],
  ])("that the request is too long, told as %s in place of an answer, is a refusal", async (_how, error) => {
    const { answer, requests } = await ask([error]);
    expect(answer).toMatchObject({ failure: { reason: "context_refused" }, bill: { status: "refused" } });
    expect(requests).toBe(1);
  });

  it("is none where nothing is told: an empty list, null, or an argument of that name", async () => {
    const call = { name: "page", arguments: { error: { message: "x" }, errors: ["y"] } };
    const { answer } = await ask([
      { ...WORDS, errors: [], error: null },
      { ...WORDS, errors: [""], error: "" },
      { response: ' "error": {', tool_calls: [{ id: "1", ...call }] },
    ]);
    expect(answer).toMatchObject({ ok: true, value: { toolCalls: [{ name: "page" }] } });
  });
});
