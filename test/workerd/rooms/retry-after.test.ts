/** How long a provider asks to wait, from its header to the room that decides what follows. */
import { expect, test } from "vitest";
import { createModels } from "../../../src/agents/create-models.ts";
import type { ModelPort } from "../../../src/agents/model-port.ts";
import { agentSchema } from "../../../src/market/agent.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { openAiEvents, sse } from "../../unit/agents/as-stream.ts";
import { openAi } from "../../unit/agents/fakes.ts";
import { awardedTo, sold } from "./escalation-day.ts";
import { MIDDLE, openMarket, useStoppedClock, type MarketDay } from "./market-day.ts";
import { slice } from "./takeover-day.ts";

const clock = useStoppedClock();

/** Every agent is asked at one endpoint, which refuses until a test's own time, in seconds, and then answers. */
function busyUntil(freeAfterS: number) {
  const startMs = Date.now();
  const asked: number[] = [];
  const fetch = async (): Promise<Response> => {
    const s = (Date.now() - startMs) / 1_000;
    asked.push(s);
    if (s < freeAfterS)
      return new Response("{}", { status: 429, headers: { "retry-after": String(freeAfterS - s) } });
    return sse(openAiEvents(openAi({ content: "42" })));
  };
  const real = createModels({
    ai: undefined,
    fetch,
    variable: () => "sk-test-0123456789",
    now: () => Date.now(),
  });
  const wire = { provider: "openai-compatible", baseUrl: "https://llm.test/v1" } as const;
  const step: ModelPort["step"] = async (agent, request, { text: _text, ...limits }) => {
    const { id, name, contextTokens, maxOutputTokens } = agent;
    const common = { id, name, model: "test", priceSource: "test", contextTokens, maxOutputTokens };
    const known = agentSchema.parse({ ...common, ...wire, usdPerMtok: { input: 1, output: 2 } });
    return real.step(known, request, { ...limits, deadlineAtMs: Date.now() + 1_000 });
  };
  return { asked, models: Object.assign(new ScriptedModels({}), { step }) };
}

async function run(day: MarketDay, freeAfterS: number, input: Parameters<typeof sold>[1] = {}) {
  const task = await sold(day, { escalation: null, ...input });
  const { asked, models } = busyUntil(freeAfterS);
  const sleep = async (ms: number) => clock.pass(ms);
  await slice(day, task, { attempt: 1, steps: [], models, sleep });
  return { room: task.room, asked };
}

test("a call that the provider asks to come later is made then", async () => {
  const { room, asked } = await run(await openMarket(), 17);
  expect(asked).toEqual([0, 17]);
  expect(await room.view()).toMatchObject({ outcome: "pass", attempts: 1 });
});

test("where that is after the work must be done, another agent goes on at once", async () => {
  const { room, asked } = await run(await openMarket(), 300, { limits: { deadlineS: 200 } });
  expect(asked).toEqual([0]);
  await awardedTo(room, 2);
  expect(await room.view()).toMatchObject({ agentId: MIDDLE, steps: 0 });
});
