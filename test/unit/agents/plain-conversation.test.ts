/** Endpoints of OpenAI's shape that refuse a conversation as it was said: they are sent a plainer one, and no others. */
import { describe, expect, it } from "vitest";
import type { StepAnswer, StepRequest } from "../../../src/agents/model-port.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { Step } from "../../../src/market/step.ts";
import {
  anAgent,
  anthropic,
  aWorld,
  gemini,
  httpError,
  limits,
  openAi,
  STEP,
  type Scripted,
  type SentRequest,
  type World,
} from "./fakes.ts";

const AGENT = anAgent("openai-compatible");
const CALLED = openAi(
  {
    content: "I look it up.",
    reasoning_content: "hm",
    tool_calls: [{ id: "call_1", type: "function", function: { name: "page", arguments: "{}" } }],
  },
  { finish_reason: "tool_calls" },
);
const THOUGHT = openAi({ reasoning_content: "hm" });
const ANSWERED = openAi({ content: "Paris" });

/** As the trace commits it. */
function committed(step: number, { text, toolCalls, assistant, finishReason }: StepAnswer): Step {
  const calls = toolCalls.map((call) => ({ ...call, outcome: { ok: true, output: "Paris" } as const }));
  const said = { step, text, toolCalls: calls, assistant, finishReason };
  return JSON.parse(JSON.stringify({ ...said, usage: NO_USAGE, costMicros: asMicros(0) })) as Step;
}

/** Asks for steps until all that is scripted has been said. */
async function trace({ models }: World, steps: number, last: Partial<StepRequest> = {}): Promise<Step[]> {
  const history: Step[] = [];
  for (let at = 1; at <= steps; at += 1) {
    const request = { ...STEP, history: [...history], ...(at === steps ? last : {}) };
    const answer = await models.step(AGENT, request, limits());
    if (!answer.ok) throw new Error(answer.failure.message);
    history.push(committed(at, answer.value));
  }
  return history;
}

/** Refuses what `isRefused` says of the body, as the endpoint does that is scripted. */
function unless(isRefused: (request: SentRequest) => boolean, status: number, reply: Scripted): Scripted {
  return (request) => (isRefused(request) ? httpError(status) : reply);
}

const messagesOf = ({ body }: SentRequest): { role: string; content: string }[] => body.messages;
const hasReasoning = (request: SentRequest): boolean =>
  JSON.stringify(messagesOf(request)).includes("reasoning_content");

describe("an endpoint that refuses reasoning which goes back", () => {
  it.each([400, 422])("with %i is sent the conversation without it, and from then on", async (status) => {
    const replies = [CALLED, CALLED, CALLED, THOUGHT, ANSWERED];
    const http = replies.map((reply) => unless(hasReasoning, status, reply));
    http.splice(1, 0, unless(hasReasoning, status, ANSWERED));
    const world = aWorld({ http });
    const steps = await trace(world, replies.length);
    expect(steps.at(-1)?.text).toBe("Paris");
    expect(world.requests.map(hasReasoning)).toEqual([false, true, false, false, false, false]);
    const sent = world.requests.filter((request) => !hasReasoning(request)).map(messagesOf);
    for (const [at, messages] of sent.slice(1).entries()) {
      expect(messages.slice(0, sent[at]?.length)).toEqual(sent[at]);
    }
    expect(
      sent
        .at(-1)
        ?.map(({ role }) => role)
        .slice(-3),
    ).toEqual(["tool", "assistant", "user"]);
    expect(sent.at(-1)?.at(-2)?.content).not.toBe("");
    // All else is asked for as before.
    expect(world.requests.map(({ body }) => body.seed)).toEqual(
      replies.map(() => STEP.seed).concat(STEP.seed),
    );
  });

  it("and takes no seed either, is sent neither, and learns nothing from a request without a conversation", async () => {
    const refuses = (request: SentRequest) => hasReasoning(request) || request.body.seed !== undefined;
    const replies = [CALLED, CALLED, CALLED, ANSWERED, ANSWERED];
    const world = aWorld({ http: replies.map((reply) => unless(refuses, 400, reply)) });
    const steps = await trace(world, 3);
    expect(steps.at(-1)?.text).toBe("Paris");
    expect(world.requests.map(refuses)).toEqual([true, false, false, false]);
  });

  it("and no other: it goes back wherever it is taken", async () => {
    const world = aWorld({ http: [CALLED, CALLED, ANSWERED] });
    await trace(world, 3);
    expect(world.requests.map(hasReasoning)).toEqual([false, true, true]);
  });
});

/** As Mistral refuses it: 3230, "Unexpected role 'user' after role 'tool'". */
function userAfterTool(request: SentRequest): boolean {
  const roles = messagesOf(request).map(({ role }) => role);
  return roles.some((role, at) => role === "user" && roles[at - 1] === "tool");
}

describe("an endpoint that refuses a user's word right behind a tool's", () => {
  it("takes the wrap-up behind a word of the agent's own", async () => {
    const http = [CALLED, ANSWERED, ANSWERED].map((reply) => unless(userAfterTool, 400, reply));
    const world = aWorld({ http });
    const steps = await trace(world, 2, { wrapUp: "step_limit" });
    expect(steps.at(-1)?.text).toBe("Paris");
    const [first = [], refused = [], taken = []] = world.requests.map(messagesOf);
    expect(refused.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool", "user"]);
    expect(taken.map(({ role }) => role)).toEqual([
      "system",
      "user",
      "assistant",
      "tool",
      "assistant",
      "user",
    ]);
    expect(taken.slice(0, first.length)).toEqual(first);
    expect(taken.at(-1)).toEqual(refused.at(-1));
    expect(taken.at(-2)?.content).not.toBe("");
  });
});

it.each(["anthropic", "google", "workers-ai"] as const)(
  "%s is sent it as it was said, twice",
  async (kind) => {
    const step: Step = {
      step: 1,
      text: "",
      toolCalls: [{ id: "call_1", name: "page", input: {}, outcome: { ok: true, output: "Paris" } }],
      assistant: {
        role: "assistant",
        content: [
          { type: "reasoning", text: "hm", providerOptions: { anthropic: { signature: "c2ln" } } },
          { type: "tool-call", toolCallId: "call_1", toolName: "page", input: {} },
        ],
      },
      usage: NO_USAGE,
      costMicros: asMicros(0),
    };
    const replies = {
      anthropic: { http: [httpError(400), anthropic([{ type: "text", text: "Paris" }])] },
      google: { http: [httpError(400), gemini([{ text: "Paris" }])] },
      "workers-ai": { ai: [new Error("5006: Error: bad input"), { response: "Paris" }] },
    };
    const { models, requests, runs } = aWorld(replies[kind]);
    const request: StepRequest = { ...STEP, history: [step], wrapUp: "step_limit" };
    expect((await models.step(anAgent(kind), request, limits())).ok).toBe(true);
    const [first, second] = [...requests.map(({ body }) => body), ...runs.map(({ inputs }) => inputs)];
    expect(JSON.stringify(first)).toContain("hm");
    expect(second.messages ?? second.contents).toEqual(first.messages ?? first.contents);
  },
);
