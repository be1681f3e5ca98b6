/**
 * Providers as they answer on the wire, a binding that refuses what a real binding refuses, and a clock that is told the time.
 *
 * An un-scripted request fails loudly.
 */
import type { CircuitChange } from "../../../src/agents/calls/circuits.ts";
import { createModels, type ModelDeps } from "../../../src/agents/create-models.ts";
import type { CallLimits, ModelPort } from "../../../src/agents/model-port.ts";
import type { RefinementInput } from "../../../src/agents/prompts/strategy-prompt.ts";
import { asStream } from "./as-stream.ts";
import { agentSchema, type Agent, type AgentInput } from "../../../src/market/agent.ts";

export const NOW_MS = Date.UTC(2026, 10, 1);
export const SECRET = "sk-test-0123456789abcdef";

export interface SentRequest {
  readonly url: string;
  readonly headers: Headers;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies of other people's formats
  readonly body: any;
}

export interface AiRun {
  readonly model: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- as above
  readonly inputs: any;
  readonly options: unknown;
}

/** One scripted answer: a JSON body, a response, an error, or a request that never ends (null). */
export type Scripted =
  | Response
  | Error
  | Record<string, unknown>
  | null
  | ((request: SentRequest) => unknown);

export interface World {
  readonly models: ModelPort;
  readonly requests: SentRequest[];
  readonly runs: AiRun[];
  /** What the log would be told of circuits. */
  readonly changes: readonly CircuitChange[];
  /** Delays that were slept. */
  readonly slept: number[];
  advance(ms: number): void;
}

export interface WorldOptions {
  readonly http?: readonly Scripted[];
  readonly ai?: readonly Scripted[];
  readonly variables?: Readonly<Record<string, string>>;
  /** Milliseconds that every request takes. */
  readonly requestMs?: number;
}

const VARIABLES = { API_KEY: SECRET, EMULATOR_BASE_URL: "http://emulator.test/v1", EMULATOR_API_KEY: SECRET };

export function aWorld(options: WorldOptions = {}): World {
  const http = [...(options.http ?? [])];
  const ai = [...(options.ai ?? [])];
  const requests: SentRequest[] = [];
  const runs: AiRun[] = [];
  const slept: number[] = [];
  const changes: CircuitChange[] = [];
  let nowMs = NOW_MS;
  const answer = async (
    script: Scripted[],
    request: SentRequest,
    signal?: AbortSignal | null,
  ): Promise<unknown> => {
    if (script.length === 0) throw new Error("UNSCRIPTED REQUEST");
    const next = script.shift();
    nowMs += options.requestMs ?? 0;
    if (next === null) return forever(signal);
    if (next instanceof Error) throw next;
    return typeof next === "function" ? next(request) : next;
  };
  const deps: ModelDeps = {
    ai: {
      async run(model, inputs, runOptions) {
        assertCloneable(inputs);
        assertCloneable(runOptions);
        runs.push({ model, inputs, options: runOptions });
        return answer(ai, { url: model, headers: new Headers(), body: inputs });
      },
    },
    fetch: async (url, init) => {
      const sent = new Request(url, init);
      const request = { url: sent.url, headers: sent.headers, body: await sent.json() };
      requests.push(request);
      const body = await answer(http, request, init?.signal);
      if (body instanceof Response) return body;
      const streams =
        (request.body as { readonly stream?: boolean }).stream === true ||
        sent.url.includes(":streamGenerateContent");
      return streams ? asStream(body) : Response.json(body);
    },
    variable: (name) => ({ ...VARIABLES, ...options.variables })[name],
    now: () => nowMs,
    async sleep(ms) {
      slept.push(ms);
      nowMs += ms;
    },
    random: () => 0,
    circuitChanged: (change) => void changes.push(change),
  };
  return {
    changes,
    models: createModels(deps),
    requests,
    runs,
    slept,
    advance(ms) {
      nowMs += ms;
    },
  };
}

/** A binding serialises its arguments: signals and functions do not pass. */
function assertCloneable(value: unknown): void {
  const seen = JSON.stringify(value, (_key, part: unknown) => {
    if (part instanceof AbortSignal)
      throw new DOMException("AbortSignal serialization is not enabled.", "DataCloneError");
    if (typeof part === "function") throw new DOMException("could not be cloned", "DataCloneError");
    return part;
  });
  void seen;
}

async function forever(signal?: AbortSignal | null): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

export function limits(over: Partial<CallLimits> = {}): CallLimits {
  return { signal: new AbortController().signal, deadlineAtMs: NOW_MS + 60_000, ...over };
}

const COMMON = {
  id: "agt_test",
  name: "Test",
  model: "test-model",
  usdPerMtok: { input: 1, cachedInput: 0.1, cacheWrite: 1.25, output: 10 },
  priceSource: "test",
  contextTokens: 131_072,
  maxOutputTokens: 16_384,
};

type ProviderName = AgentInput["provider"];

export function anAgent(provider: ProviderName, over: Readonly<Record<string, unknown>> = {}): Agent {
  const own = {
    "workers-ai": { model: "@cf/test/model" },
    "openai-compatible": { baseUrl: "https://llm.test/v1", apiKeySecret: "API_KEY" },
    anthropic: { apiKeySecret: "API_KEY", model: "claude-opus-5" },
    google: { apiKeySecret: "API_KEY", model: "gemini-3.8-flash" },
  }[provider];
  return agentSchema.parse({ ...COMMON, provider, ...own, ...over });
}

export const BID = {
  task: "Find the capital of France.",
  tools: [{ name: "page", description: "Reads a page." }],
  maxTokens: 300,
  nonce: "a1b2c3d4",
  seed: 7,
  refinement: null,
};

/** What an agent is shown when it may refine its bid: two pairs, of which only the second winner is known to be right. */
export const REFINEMENT: RefinementInput = {
  ownStrategy: "Ask around.",
  pairs: [
    { task: "Find the capital of Spain.", losing: "Guess.", winning: "Read the page.", verified: false },
    { task: "Find the capital of Peru.", losing: "Ask around.", winning: "Read it twice.", verified: true },
  ],
};

export const JURY = {
  task: "Find the capital of France.",
  bids: [
    { label: "A", strategy: "Look it up." },
    { label: "B", strategy: "Guess." },
  ],
  nonce: "a1b2c3d4",
  seed: 7,
};

export const STEP = {
  prompt: { task: "Find the capital of France.", strategy: "Look it up.", nonce: "a1b2c3d4" },
  history: [],
  tools: [
    {
      name: "page",
      description: "Reads a page.",
      inputSchema: { type: "object", properties: { url: { type: "string" } }, required: ["url"] },
    },
  ],
  maxOutputTokens: 1_000,
  seed: 7,
} as const;

export const VERDICTS = '{"A":4,"B":1}';

/** A Chat Completions answer. */
export function openAi(
  message: Record<string, unknown>,
  over: Record<string, unknown> = {},
): Record<string, unknown> {
  const { logprobs, finish_reason, ...rest } = over;
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "test-model",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: null, ...message },
        finish_reason: finish_reason ?? "stop",
        ...(logprobs === undefined ? {} : { logprobs }),
      },
    ],
    usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
    ...rest,
  };
}

/** A Messages answer. */
export function anthropic(
  content: readonly unknown[],
  usage: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-opus-5",
    content,
    stop_reason: content.some((part) => (part as { type: string }).type === "tool_use")
      ? "tool_use"
      : "end_turn",
    stop_sequence: null,
    usage: { input_tokens: 100, output_tokens: 20, ...usage },
  };
}

/** A generateContent answer. */
export function gemini(
  parts: readonly unknown[],
  usage: Record<string, unknown> | null = {},
): Record<string, unknown> {
  return {
    candidates: [{ content: { role: "model", parts }, finishReason: "STOP", index: 0 }],
    ...(usage === null
      ? {}
      : {
          usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 20, totalTokenCount: 120, ...usage },
        }),
    modelVersion: "gemini-3.8-flash",
  };
}

export function httpError(status: number, headers: Record<string, string> = {}, message = "no"): Response {
  return new Response(JSON.stringify({ error: { message, type: "error" } }), {
    status,
    headers: { "content-type": "application/json", ...headers },
  });
}
