/**
 * The OpenAI-compatible wire: `/v1/chat/completions`, `/v1/embeddings`, `/v1/models`.
 *
 * Any non-empty bearer token is good: there is nothing to protect, but a client that forgets its key should notice.
 */
import { Hono } from "hono";
import type { Context } from "hono";
import { z } from "zod";
import { emulatorConfig, recordings } from "../admin/config.ts";
import type { EmulatorEnv } from "../admin/config.ts";
import { answerChat } from "../ai/answer-chat.ts";
import { answerEmbedding } from "../ai/answer-embedding.ts";
import { chatInputsSchema, chatRequest, stopSequences } from "../ai/chat-inputs.ts";
import { EMBEDDING_MODEL } from "../ai/embedding.ts";
import { houseModelNames } from "../ai/models.ts";
import type { CallContext } from "../log/run-call.ts";
import { RECORDED_PREFIX } from "../recorded/recorded-reply.ts";
import { conversationFlaw } from "./conversation-flaw.ts";
import { completion, completionChunks } from "./completion.ts";
import type { AnswerLabel } from "./completion.ts";
import { openAiError, outcomeResponse } from "./errors.ts";
import { sseStream } from "./sse-stream.ts";

type App = { Bindings: EmulatorEnv };

/** OpenAI's envelope around a schema; the binding takes the schema bare. */
const envelopeSchema = z.looseObject({
  type: z.literal("json_schema"),
  json_schema: z.looseObject({ name: z.string().min(1), schema: z.looseObject({}) }),
});

const textSchema = z.looseObject({ type: z.literal("text") });
const jsonObjectSchema = z.looseObject({ type: z.literal("json_object") });

const chatBodySchema = chatInputsSchema
  .extend({
    model: z.string().min(1),
    response_format: z.discriminatedUnion("type", [textSchema, jsonObjectSchema, envelopeSchema]).nullish(),
  })
  .refine((body) => body.top_logprobs == null || body.logprobs === true, {
    error: "top_logprobs needs logprobs: true",
    path: ["top_logprobs"],
  });

const embeddingsBodySchema = z.looseObject({
  model: z.string().min(1),
  input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(2048)]),
  encoding_format: z.enum(["float", "base64"]).default("float"),
});

/** Every answer carries a label, so that no copy of one passes for a real model's. */
const EMULATED = { "x-saleroom-label": "saleroom-emulated" };

export const openAiRoutes = new Hono<App>()
  .use("*", async (c, next) => {
    if (/^Bearer\s+\S/.test(c.req.header("authorization") ?? "")) return next();
    return openAiError({
      status: 401,
      type: "authentication_error",
      code: "invalid_api_key",
      message: "You didn't provide an API key.",
    });
  })
  .get("/models", async (c) => c.json({ object: "list", data: await modelList(c.env) }, 200, EMULATED))
  .post("/chat/completions", async (c) => chatCompletions(c))
  .post("/embeddings", async (c) => embeddings(c));

async function chatCompletions(c: Context<App>): Promise<Response> {
  const text = await c.req.text();
  const body = parsedBody(chatBodySchema, text);
  if (body instanceof Response) return body;
  const flaw = conversationFlaw(body.messages);
  if (flaw !== null)
    return openAiError({ status: 400, type: "invalid_request_error", code: "invalid_value", message: flaw });
  const streams = body.stream === true;
  const outcome = await answerChat(callContext(c), {
    wire: "openai",
    model: body.model,
    listed: !body.model.startsWith("@cf/"),
    request: chatRequest(body, { model: body.model, defaultMaxTokens: null, schemaEnvelope: true }),
    stops: stopSequences(body),
    streams,
    requestBytes: new TextEncoder().encode(text).length,
    origin: new URL(c.req.url).origin,
  });
  if (outcome.kind !== "answered") return outcomeResponse(outcome, body.model);
  const label: AnswerLabel = body.model.startsWith(RECORDED_PREFIX)
    ? "saleroom-recorded"
    : "saleroom-emulated";
  const head = { label, callId: outcome.callId, model: body.model, createdS: Math.floor(Date.now() / 1000) };
  if (!streams) return c.json(completion(outcome.value, head), 200, { "x-saleroom-label": label });
  const pieces = [
    ...completionChunks(outcome.value, { head, includeUsage: body.stream_options?.include_usage === true }),
  ];
  return new Response(sseStream(pieces, outcome), {
    headers: {
      "x-saleroom-label": label,
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    },
  });
}

async function embeddings(c: Context<App>): Promise<Response> {
  const text = await c.req.text();
  const body = parsedBody(embeddingsBodySchema, text);
  if (body instanceof Response) return body;
  if (body.model !== EMBEDDING_MODEL)
    return outcomeResponse({ kind: "refused", reason: "unknown_model", message: "" }, body.model);
  const texts = typeof body.input === "string" ? [body.input] : body.input;
  const outcome = await answerEmbedding(callContext(c), {
    wire: "openai",
    model: body.model,
    texts,
    requestBytes: new TextEncoder().encode(text).length,
  });
  if (outcome.kind !== "answered") return outcomeResponse(outcome, body.model);
  const { vectors, tokens } = outcome.value;
  const data = vectors.map((vector, index) => ({
    object: "embedding",
    index,
    embedding: body.encoding_format === "base64" ? base64Floats(vector) : vector,
  }));
  return c.json(
    { object: "list", model: body.model, data, usage: { prompt_tokens: tokens, total_tokens: tokens } },
    200,
    EMULATED,
  );
}

async function modelList(env: EmulatorEnv): Promise<object[]> {
  const recorded = await recordings(env).models();
  return [
    ...[...houseModelNames(), EMBEDDING_MODEL].map((id) => modelEntry(id, "saleroom-emulated")),
    ...recorded.map((model) => modelEntry(`${RECORDED_PREFIX}${model}`, "saleroom-recorded")),
  ];
}

function modelEntry(id: string, ownedBy: AnswerLabel): object {
  return { id, object: "model", created: 0, owned_by: ownedBy };
}

function callContext(c: Context<App>): CallContext {
  return {
    env: c.env,
    config: emulatorConfig(c.env),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  };
}

function parsedBody<S extends z.ZodType>(schema: S, text: string): z.output<S> | Response {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return openAiError({
      status: 400,
      type: "invalid_request_error",
      code: "invalid_json",
      message: "The body is not JSON.",
    });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  return openAiError({
    status: 400,
    type: "invalid_request_error",
    code: "invalid_value",
    message: z.prettifyError(result.error),
  });
}

/** Little-endian float32, as OpenAI packs them. */
function base64Floats(vector: readonly number[]): string {
  const bytes = new Uint8Array(Float32Array.from(vector).buffer);
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
