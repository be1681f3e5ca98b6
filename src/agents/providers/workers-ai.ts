/**
 * Workers AI over its binding.
 *
 * Bids and verdicts call the binding directly, because workers-ai-provider drops seed and log-probabilities. Traces go
 * through it for its tool handling; the binding that it gets adds the seed, keeps the raw usage, of streams too (the provider
 * turns missing usage into zeros, and drops reasoning; an end that was not told, as none is in the native form, into "stop")
 * and never passes a signal on.
 */
import { createWorkersAI } from "workers-ai-provider";
import type { StepRequest } from "../model-port.ts";
import type { AiBinding } from "../ai-binding.ts";
import { BrokenAnswerError } from "../calls/stream-errors.ts";
import type {
  OptionalFeatures,
  Provider,
  StepReply,
  StepSending,
  TextReply,
  TextRequest,
} from "./provider.ts";
import { besideWords, NOTHING_BESIDE, readWorkersAiAnswer } from "./read-workers-ai-answer.ts";
import { sdkSteps } from "./sdk-provider.ts";
import { usageTap } from "./usage-tap.ts";

export function workersAiProvider(ai: AiBinding, model: string): Provider {
  return {
    text: async (request) => sendText({ ai, model }, request),
    step: async (request, sending) => sendStep({ ai, model }, request, sending),
  };
}

interface Target {
  readonly ai: AiBinding;
  readonly model: string;
}

async function sendText({ ai, model }: Target, request: TextRequest): Promise<TextReply> {
  const { topLogprobs, schema } = request.optional;
  const answer = await ai.run(model, {
    messages: [
      { role: "system", content: request.system },
      { role: "user", content: request.user },
    ],
    max_tokens: request.maxOutputTokens,
    temperature: request.temperature,
    ...seedInput(request.optional),
    ...(topLogprobs > 0 ? { logprobs: true, top_logprobs: topLogprobs } : {}),
    // Workers AI takes the bare schema, without OpenAI's envelope.
    ...(schema === null ? {} : { response_format: { type: "json_schema", json_schema: schema } }),
  });
  return readWorkersAiAnswer(answer);
}

/** Workers AI takes seeds from 1 on. */
function seedInput({ seed }: OptionalFeatures): { readonly seed?: number } {
  return seed === null ? {} : { seed: Math.max(1, seed) };
}

async function sendStep(
  { ai, model }: Target,
  request: StepRequest,
  sending: StepSending,
): Promise<StepReply> {
  let heard = NOTHING_BESIDE;
  const hear = (answer: unknown): void => {
    const { usage, finishReason, error } = besideWords(answer);
    heard = {
      usage: usage ?? heard.usage,
      finishReason: finishReason ?? heard.finishReason,
      error: heard.error ?? error,
    };
  };
  const binding: AiBinding = {
    async run(name, inputs, options) {
      const extraHeaders = options?.extraHeaders;
      const answer = await ai.run(
        name,
        { ...inputs, ...seedInput(sending.optional) },
        extraHeaders === undefined ? {} : { extraHeaders },
      );
      if (answer instanceof ReadableStream) {
        const stream: ReadableStream<Uint8Array> = answer;
        return stream.pipeThrough(usageTap(hear));
      }
      hear(answer);
      return answer;
    },
  };
  const workersAi = createWorkersAI({
    binding: binding as unknown as NonNullable<Parameters<typeof createWorkersAI>[0]["binding"]>,
  });
  const { step } = sdkSteps({
    // The nonce is the same for all steps of a trace: they share a prompt cache.
    model: workersAi.chat(model, { sessionAffinity: request.prompt.nonce }),
    sendsSeed: false,
    readUsage: () => heard.usage,
    saidEnd: () => heard.finishReason !== null,
  });
  let hasContent = false;
  const wrote = (): void => {
    hasContent = true;
    sending.watch.wrote();
  };
  const [reply] = await Promise.allSettled([
    step(request, { ...sending, watch: { ...sending.watch, wrote } }),
  ]);
  // The adapter drops an error that is told in mid-stream, and what came before it would be the answer.
  if (heard.error !== null) throw new BrokenAnswerError(new Error(heard.error), hasContent);
  if (reply.status === "rejected") throw reply.reason;
  return reply.value;
}
