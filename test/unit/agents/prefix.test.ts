/** What keeps providers' prompt caches warm: each request begins with the whole of the one before it, byte by byte. */
import { describe, expect, it } from "vitest";
import type { ModelPort, StepRequest } from "../../../src/agents/model-port.ts";
import type { Agent, ProviderKind } from "../../../src/market/agent.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { Step, ToolOutcome } from "../../../src/market/step.ts";
import { anAgent, anthropic, aWorld, gemini, limits, openAi, STEP, type Scripted } from "./fakes.ts";

const OUTCOMES: readonly ToolOutcome[] = [
  { ok: true, output: "Paris\n— „Lutetia“" },
  { ok: false, error: { code: "not_found", message: "no such page" } },
];

const INPUT = { url: "https://a.test" };

/** Two steps that call a tool, one that only talks, and whatever comes then. */
const REPLIES: Readonly<Record<ProviderKind, readonly Scripted[]>> = {
  "openai-compatible": [
    openAi({
      content: "first",
      tool_calls: [
        { id: "call_1", type: "function", function: { name: "page", arguments: JSON.stringify(INPUT) } },
      ],
    }),
    openAi({
      tool_calls: [
        { id: "call_2", type: "function", function: { name: "page", arguments: JSON.stringify(INPUT) } },
      ],
    }),
    openAi({ content: "let me see" }),
    openAi({ content: "42" }),
  ],
  anthropic: [
    anthropic([
      { type: "thinking", thinking: "hm", signature: "c2ln" },
      { type: "tool_use", id: "toolu_1", name: "page", input: INPUT },
    ]),
    anthropic([{ type: "tool_use", id: "toolu_2", name: "page", input: INPUT }]),
    anthropic([{ type: "text", text: "let me see" }]),
    anthropic([{ type: "text", text: "42" }]),
  ],
  google: [
    gemini([{ functionCall: { name: "page", args: INPUT }, thoughtSignature: "c2ln" }]),
    gemini([{ functionCall: { name: "page", args: INPUT } }]),
    gemini([{ text: "let me see" }]),
    gemini([{ text: "42" }]),
  ],
  "workers-ai": [
    { response: "", tool_calls: [{ id: "1", name: "page", arguments: INPUT }] },
    { response: "", tool_calls: [{ id: "2", name: "page", arguments: INPUT }] },
    { response: "let me see" },
    { response: "42" },
  ],
};

/** As the trace commits it: what the next holder reads is what was written. */
async function step(models: ModelPort, agent: Agent, request: StepRequest): Promise<Step> {
  const answer = await models.step(agent, request, limits());
  if (!answer.ok) throw new Error(answer.failure.message);
  const { text, toolCalls, assistant } = answer.value;
  const at = request.history.length;
  const answered = toolCalls.map((call) => ({ ...call, outcome: OUTCOMES[at % 2] }));
  const committed = { step: at + 1, text, toolCalls: answered, assistant, usage: NO_USAGE };
  return JSON.parse(JSON.stringify({ ...committed, costMicros: asMicros(0) })) as Step;
}

/** What the request says before the conversation, and each of its messages; marks of a cache are no part of either. */
function readBody(body: Record<string, unknown>): { readonly head: string; readonly messages: string[] } {
  const { messages, contents, ...head } = body as { messages?: unknown[]; contents?: unknown[] };
  const plain = (value: unknown): string =>
    JSON.stringify(value, (key, part: unknown) => (key === "cache_control" ? undefined : part));
  // Anthropic and Google take what one side says one after the other as one message: compared part by part.
  const parts = (messages ?? contents ?? []).flatMap((message) => {
    const { role, content, parts: own } = message as { role: string; content?: unknown; parts?: unknown };
    const list = content ?? own;
    return Array.isArray(list) ? list.map((part) => plain({ role, part })) : [plain(message)];
  });
  const { max_tokens: _most, generationConfig: _config, ...rest } = head as Record<string, unknown>;
  return { head: plain(rest), messages: parts };
}

describe.each(["openai-compatible", "anthropic", "google", "workers-ai"] as const)("over %s", (provider) => {
  it("each step's request begins with that of the step before, for another holder, and for the wrap-up", async () => {
    const agent = anAgent(provider);
    const replies = REPLIES[provider];
    const history: Step[] = [];
    const bodies: Record<string, unknown>[] = [];
    for (const [at, reply] of replies.entries()) {
      // A new world for every step: nothing is remembered of the one before.
      const world = aWorld({ http: [reply], ai: [reply] });
      const last = at === replies.length - 1;
      const request: StepRequest = { ...STEP, history: [...history], ...(last && { wrapUp: "deadline" }) };
      history.push(await step(world.models, agent, request));
      bodies.push((world.requests[0]?.body ?? world.runs[0]?.inputs) as Record<string, unknown>);
    }
    const read = bodies.map(readBody);
    for (const [at, { head, messages }] of read.entries()) {
      const before = read[at - 1];
      if (before === undefined) continue;
      expect(head).toBe(before.head);
      expect(messages.length).toBeGreaterThan(before.messages.length);
      expect(messages.slice(0, before.messages.length)).toEqual(before.messages);
    }
    expect(read.at(-1)?.messages.at(-1)).toContain("This is your last answer");
  });
});

it("over anthropic a request marks the place where the one before ended, however many calls stand between", async () => {
  const agent = anAgent("anthropic");
  const calls = Array.from({ length: 12 }, (_, at) => ({
    type: "tool_use",
    id: `toolu_${at}`,
    name: "page",
    input: INPUT,
  }));
  const parted = calls.flatMap((call) => [{ type: "text", text: "and then" }, call]);
  const replies = [anthropic(calls), anthropic(parted), ...REPLIES.anthropic];
  const history: Step[] = [];
  const marked: number[][] = [];
  for (const [at, reply] of replies.entries()) {
    const { models, requests } = aWorld({ http: [reply] });
    const wrapUp = at === replies.length - 1 && ({ wrapUp: "deadline" } as const);
    history.push(await step(models, agent, { ...STEP, history: [...history], ...wrapUp }));
    const messages = requests[0]?.body.messages as { readonly content: readonly object[] }[];
    const blocks = messages.flatMap(({ content }) => content);
    marked.push(blocks.flatMap((block, index) => ("cache_control" in block ? [index] : [])));
    // The system prompt has one, and four is the most.
    expect(marked.at(-1)?.length).toBeLessThan(4);
    expect(marked.at(-1)?.at(-1)).toBe(blocks.length - 1);
  }
  for (const [at, places] of marked.entries()) {
    const before = marked[at - 1]?.at(-1);
    if (before !== undefined) expect(places).toContain(before);
  }
});
