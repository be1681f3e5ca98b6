/**
 * A Worker that calls the emulators the way Saleroom does: `workers-ai-provider` over the AI binding, and Vectorize by its methods.
 *
 * It does what the test's JSON says and returns what came back, errors included.
 */
import { embedMany, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import { createWorkersAI } from "workers-ai-provider";

interface CallerEnv {
  readonly AI: Ai;
  readonly VECTORIZE: Vectorize;
}

interface SdkCall {
  readonly model: string;
  readonly prompt: string;
}

const textTool = tool({
  description: "says a text back",
  inputSchema: jsonSchema<{ text: string }>({
    type: "object",
    properties: { text: { type: "string" } },
    required: ["text"],
  }),
  execute: ({ text }) => `tool heard ${text}`,
});

type Handler = (env: CallerEnv, body: never) => Promise<unknown>;

const handlers: Readonly<Record<string, Handler>> = {
  "/run": async (env, body: { model: string; inputs: Record<string, unknown>; options?: AiOptions }) =>
    rawRun(env)(body.model, body.inputs, body.options ?? {}),
  "/run-stream": async (env, body: { model: string; inputs: Record<string, unknown> }) => {
    const stream = (await rawRun(env)(body.model, {
      ...body.inputs,
      stream: true,
    })) as ReadableStream;
    return drained(stream);
  },
  "/run-raced": async (env, body: { model: string; inputs: Record<string, unknown>; timeoutMs: number }) =>
    Promise.race([
      rawRun(env)(body.model, body.inputs),
      new Promise((resolve) => setTimeout(() => resolve("timed out"), body.timeoutMs)),
    ]),
  "/generate-text": async (env, body: SdkCall) => {
    const { text, usage, finishReason } = await generateText({
      model: chatModel(env, body.model),
      prompt: body.prompt,
      maxRetries: 0,
    });
    return { text, usage, finishReason };
  },
  "/stream-text": async (env, body: SdkCall) => {
    const result = streamText({
      model: chatModel(env, body.model),
      prompt: body.prompt,
      maxRetries: 0,
      onError: () => undefined,
    });
    let text = "";
    let deltas = 0;
    for await (const delta of result.textStream) {
      text += delta;
      deltas += 1;
    }
    return { text, deltas, usage: await result.usage, finishReason: await result.finishReason };
  },
  "/tools": async (env, body: SdkCall) => {
    const result = await generateText({
      model: chatModel(env, body.model),
      prompt: body.prompt,
      tools: { say: textTool },
      stopWhen: stepCountIs(3),
      maxRetries: 0,
    });
    return {
      text: result.text,
      steps: result.steps.length,
      calls: result.steps.flatMap((step) => step.toolCalls.map((call) => [call.toolName, call.input])),
    };
  },
  "/object": async (env, body: SdkCall) => {
    const schema = jsonSchema<{ answer: string }>({
      type: "object",
      properties: { answer: { type: "string" } },
      required: ["answer"],
    });
    return (
      await generateText({
        model: chatModel(env, body.model),
        prompt: body.prompt,
        output: Output.object({ schema }),
        maxRetries: 0,
      })
    ).output;
  },
  "/embed": async (env, body: { values: string[] }) => {
    const model = createWorkersAI({ binding: withoutSignal(env.AI) }).textEmbeddingModel(
      "@cf/baai/bge-base-en-v1.5",
    );
    return (await embedMany({ model, values: body.values, maxRetries: 0 })).embeddings;
  },
  "/vectorize": async (env, body: { method: keyof Vectorize; args: unknown[]; asFloat32?: boolean }) => {
    const [first, ...rest] = body.args;
    const args = body.asFloat32 === true ? [Float32Array.from(first as number[]), ...rest] : body.args;
    return (env.VECTORIZE as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[
      body.method
    ]?.(...args);
  },
};

/** `run` without its overloads per model: the emulated ones are in no catalogue. */
function rawRun(env: Pick<CallerEnv, "AI">): (...args: unknown[]) => Promise<unknown> {
  const { AI } = env as unknown as { AI: { run(...args: unknown[]): Promise<unknown> } };
  return async (...args) => AI.run(...args);
}

/** A signal cannot cross a service binding: Saleroom strips it too. */
function withoutSignal(binding: Ai): Ai {
  const run = async (
    model: string,
    inputs: unknown,
    options: Record<string, unknown> = {},
  ): Promise<unknown> => {
    const { signal: _signal, ...rest } = options;
    return rawRun({ AI: binding })(model, inputs, rest);
  };
  return { run } as unknown as Ai;
}

function chatModel(env: CallerEnv, model: string) {
  return createWorkersAI({ binding: withoutSignal(env.AI) })(model as never);
}

async function drained(stream: ReadableStream): Promise<{ text: string; error: string | null }> {
  const decoder = new TextDecoder();
  let text = "";
  try {
    for await (const chunk of stream) text += decoder.decode(chunk as Uint8Array, { stream: true });
    return { text, error: null };
  } catch (error) {
    return { text, error: String(error) };
  }
}

export default {
  async fetch(request: Request, env: CallerEnv): Promise<Response> {
    const handler = handlers[new URL(request.url).pathname];
    if (handler === undefined) return new Response("no such call", { status: 404 });
    try {
      const value = await handler(env, await request.json<never>());
      return value instanceof Response ? value : Response.json({ value: value ?? null });
    } catch (error) {
      const { name, message, statusCode, isRetryable } = error as Error & {
        statusCode?: number;
        isRetryable?: boolean;
      };
      return Response.json({ error: { name, message, statusCode, isRetryable } });
    }
  },
};
