/** Endpoints of OpenAI's shape that refuse a conversation as it was said: they are sent a plainer one, and no others. */
import { describe, expect, it } from "vitest";
import type { StepAnswer, StepRequest } from "../../../src/agents/model-port.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { Step } from "../../../src/market/step.ts";
import {
  anAgent,
  aWorld,
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
  });

  it("and no other: it goes back wherever it is taken", async () => {
    const world = aWorld({ http: [CALLED, CALLED, ANSWERED] });
    await trace(world, 3);
    expect(world.requests.map(hasReasoning)).toEqual([false, true, true]);
  });
});
