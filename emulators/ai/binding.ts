/**
 * The Workers AI binding (`env.AI`), as a service binding to this Worker's `AiEmulator`.
 *
 * Same inputs, same outputs, same errors as the binding for the models it knows: house agents under `@cf/saleroom/…` and one
 * embedding model. What is not emulated (batches, websockets, gateways' logs) fails loudly or is ignored as named below.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import { z } from "zod";
import { emulatorConfig } from "../admin/config.ts";
import type { EmulatorEnv } from "../admin/config.ts";
import type { CallContext } from "../log/run-call.ts";
import { completion, completionChunks } from "../openai/completion.ts";
import type { CompletionHead } from "../openai/completion.ts";
import { sseStream } from "../openai/sse-stream.ts";
import { answerChat } from "./answer-chat.ts";
import { answerEmbedding } from "./answer-embedding.ts";
import { chatInputsSchema, chatRequest, stopSequences } from "./chat-inputs.ts";
import { EMBEDDING_DIMENSIONS, EMBEDDING_MODEL } from "./embedding.ts";
import { outcomeError, workersAiError } from "./errors.ts";
import { bareModelName } from "./models.ts";
import { nativeAnswer, nativeChunks } from "./native-answer.ts";

/** Workers AI ends a reply here where the client names no `max_tokens`: a documented default that surprises. */
const DEFAULT_MAX_TOKENS = 256;

const embeddingInputsSchema = z.looseObject({
  text: z.union([z.string(), z.array(z.string()).min(1).max(100)]),
});

/** Older inputs: a `prompt` instead of messages. */
const promptInputsSchema = z.looseObject({ prompt: z.string() });

const optionsSchema = z
  .looseObject({
    returnRawResponse: z.boolean().optional(),
    queueRequest: z.boolean().optional(),
    websocket: z.boolean().optional(),
  })
  .nullish();

export class AiEmulator extends WorkerEntrypoint<EmulatorEnv> {
  /**
   * @param model catalogue name, such as `@cf/saleroom/house-emulated-8b`
   * @param inputs chat inputs, or `{ text }` for the embedding model
   * @param options only `returnRawResponse` acts; a `signal` cannot cross a service binding at all
   * @throws Error with the binding's internal code in its message
   */
  async run(model: string, inputs: unknown, options?: unknown): Promise<unknown> {
    const chosen = parsed(optionsSchema, options);
    if (chosen?.queueRequest === true || chosen?.websocket === true) {
      throw workersAiError(5005, "batches and websockets are not emulated");
    }
    const answer = model === EMBEDDING_MODEL ? await this.#embed(inputs) : await this.#chat(model, inputs);
    if (chosen?.returnRawResponse !== true) return answer;
    return answer instanceof ReadableStream
      ? new Response(answer, { headers: { "content-type": "text/event-stream" } })
      : Response.json(answer);
  }

  async #embed(inputs: unknown): Promise<unknown> {
    const { text } = parsed(embeddingInputsSchema, inputs);
    const texts = typeof text === "string" ? [text] : text;
    const outcome = await answerEmbedding(this.#context(), {
      wire: "workers-ai",
      model: EMBEDDING_MODEL,
      texts,
      requestBytes: byteLength(inputs),
    });
    if (outcome.kind !== "answered") throw outcomeError(outcome, EMBEDDING_MODEL);
    return {
      shape: [texts.length, EMBEDDING_DIMENSIONS],
      data: outcome.value.vectors,
      pooling: "cls",
      emulated: "hashed n-grams, not a language model",
    };
  }

  async #chat(model: string, inputs: unknown): Promise<unknown> {
    const chat = parsed(chatInputsSchema, withMessages(inputs));
    const context = this.#context();
    const bareModel = bareModelName(model);
    const outcome = await answerChat(context, {
      wire: "workers-ai",
      model,
      listed: bareModel !== model,
      request: chatRequest(chat, {
        model: bareModel,
        defaultMaxTokens: DEFAULT_MAX_TOKENS,
        schemaEnvelope: false,
      }),
      stops: stopSequences(chat),
      streams: chat.stream === true,
      requestBytes: byteLength(inputs),
      origin: null,
    });
    if (outcome.kind !== "answered") throw outcomeError(outcome, model);
    const native = context.config.nativeShapeModels.has(bareModel);
    const head: CompletionHead = {
      label: "saleroom-emulated",
      callId: outcome.callId,
      model,
      createdS: Math.floor(Date.now() / 1000),
    };
    const reply = outcome.value;
    if (chat.stream !== true) {
      return native
        ? nativeAnswer(reply, { json: chat.response_format != null && chat.response_format.type !== "text" })
        : completion(reply, head);
    }
    return sseStream(
      [...(native ? nativeChunks(reply) : completionChunks(reply, { head, includeUsage: true }))],
      outcome,
    );
  }

  #context(): CallContext {
    return {
      env: this.env,
      config: emulatorConfig(this.env),
      waitUntil: (work) => this.ctx.waitUntil(work),
    };
  }
}

function withMessages(inputs: unknown): unknown {
  const prompt = promptInputsSchema.safeParse(inputs);
  return prompt.success
    ? { ...prompt.data, messages: [{ role: "user", content: prompt.data.prompt }] }
    : inputs;
}

/** @throws Error 5006, as the binding words a failed input validation */
function parsed<S extends z.ZodType>(schema: S, inputs: unknown): z.output<S> {
  const result = schema.safeParse(inputs);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw workersAiError(
    5006,
    `Error: ${issue?.message ?? "invalid input"} at '/${issue?.path.join("/") ?? ""}'`,
  );
}

function byteLength(inputs: unknown): number {
  return new TextEncoder().encode(JSON.stringify(inputs)).length;
}
