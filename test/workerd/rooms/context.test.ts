/** A trace whose tools answer more than its agent's window takes: it goes on, and says what it left out. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { stepBound, wrapUpBound } from "../../../src/agents/bounds.ts";
import type { ModelPort, StepRequest } from "../../../src/agents/model-port.ts";
import { stepOutputTokens } from "../../../src/agents/output-limits.ts";
import { traceMessages } from "../../../src/agents/trace-messages.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { agentId } from "../../support/builders.ts";
import { ScriptedModels, WorkerDied, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  countingTool,
  eventsOf,
  evictRooms,
  ONE_BID,
  openMarket,
  POOL,
  stopTheClock,
  traceDeps,
} from "./market-day.ts";
import { accountOf, SUBMIT, USE_TOOL } from "./money-day.ts";

let clock: ReturnType<typeof stopTheClock>;
beforeEach(() => {
  clock = stopTheClock();
});
afterEach(() => {
  vi.useRealTimers();
});

const [CHEAP_AGENT] = POOL;
const WINDOW = 32_768;
const STEPS: readonly ScriptedStep[] = [...Array.from({ length: 9 }, () => USE_TOOL), SUBMIT];
const PAGE = "a page of text, ".repeat(2_500);
/** Each answer about 11,000 tokens: three of them are more than the window of 32,768. */
const reading = { ...countingTool(), execute: async () => ({ ok: true, output: PAGE }) as const };

/** Models that count what they are sent as a provider does, and refuse what passes their window, as it does. */
function counting(steps: readonly ScriptedStep[], diesAtStep = Infinity) {
  const models = new ScriptedModels({ steps });
  const sent: StepRequest[] = [];
  const port: ModelPort = {
    bid: async (agent, input) => models.bid(agent, input),
    judge: async (agent, input) => models.judge(agent, input),
    rule: async (agent) => models.rule(agent),
    rulingBound: models.rulingBound,
    bidBound: models.bidBound,
    juryBound: models.juryBound,
    stepBound,
    wrapUpBound,
    step: async (agent, request) => {
      sent.push(request);
      if (request.history.length + 1 === diesAtStep) throw new WorkerDied();
      const inputTokens = tokensOf(request);
      if (inputTokens + stepOutputTokens(agent, request) > agent.contextTokens) {
        const failure = { reason: "provider_error", message: "the context is too long" } as const;
        return { ok: false, failure, bill: { status: "refused" }, ms: 1, requests: 1 };
      }
      const answer = await models.step(agent, request);
      if (!answer.ok) return answer;
      const usage = { ...NO_USAGE, inputTokens, outputTokens: 20 };
      return { ...answer, bill: { status: "billed", usage, costMicros: asMicros(1) } };
    },
  };
  return { port, sent };
}

function tokensOf({ prompt, tools, history }: StepRequest): number {
  return Math.ceil(0.27 * JSON.stringify([prompt, tools, traceMessages("", history)]).length);
}

async function reader(agent = CHEAP_AGENT) {
  expect(agent?.contextTokens).toBe(WINDOW);
  const day = await openMarket();
  const isOwn = agent !== undefined && agent !== CHEAP_AGENT;
  if (isOwn) {
    const change = { agents: [agent] };
    expect((await day.market.changePolicy({ by: null, ifVersion: null, change })).ok).toBe(true);
  }
  const { taskId, room, holder } = await day.admit(isOwn ? { policy: `always:${agent.id}` } : {});
  await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), holder);
  const slice = async (models: ModelPort, generation = 1) =>
    runSlice(traceDeps(models, { tools: [reading] }), {
      kind: "trace",
      tenantId: day.tenantId,
      taskId,
      attempt: 1,
      generation,
    });
  return { day, taskId, room, slice };
}

describe("a trace that passes its agent's window", () => {
  test("ends well: old answers are shortened, told in the journal, and the journal keeps them whole", async () => {
    const { day, taskId, room, slice } = await reader();
    const { port, sent } = counting(STEPS);
    await slice(port);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 10 });
    expect(sent).toHaveLength(10);
    for (const request of sent) expect(tokensOf(request)).toBeLessThanOrEqual(WINDOW - 4_096);
    const told = (await eventsOf(room)).filter((event) => event.type === "context-compacted");
    expect(told.length).toBeGreaterThan(1);
    expect(told.map(({ characters }) => characters)).toEqual(
      told.map(({ characters }) => characters).toSorted((a, b) => a - b),
    );
    expect(told.at(-1)?.outputs).toBeGreaterThan(6);
    const { steps = [] } = (await room.readTrace()) ?? {};
    for (const step of steps.slice(0, -1))
      expect(step.toolCalls[0]?.outcome).toEqual({ ok: true, output: PAGE });
    // Bounds are of what is sent: nine pages at once would have been held at ten times a step's.
    const bounds = (await accountOf(day, taskId)).calls
      .filter(({ kind }) => kind === "trace")
      .map(({ boundMicros }) => boundMicros);
    expect(Math.max(...bounds)).toBeLessThan(0.025 * 3.5 * PAGE.length + 0.1 * 4_096 + 1_000);
  });

  test("goes on as it was, whoever takes it up, and tells nothing twice", async () => {
    const whole = await reader();
    const one = counting(STEPS);
    await whole.slice(one.port);

    const { day, room, slice } = await reader();
    await expect(slice(counting(STEPS, 8).port)).rejects.toThrow(WorkerDied);
    await evictRooms(day.market, room);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    const two = counting(STEPS);
    await slice(two.port, 2);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 10 });
    const plain = ({ history }: StepRequest) => JSON.stringify(traceMessages("", history));
    expect(two.sent.map(plain)).toEqual(one.sent.slice(-3).map(plain));
    const told = async (of: typeof room) =>
      (await eventsOf(of)).flatMap((event) =>
        event.type === "context-compacted" ? [[event.step, event.outputs, event.characters]] : [],
      );
    expect(await told(room)).toEqual(await told(whole.room));
  });

  test("that its agent's own words fill ends by that, and no call is made that would be refused", async () => {
    const { room, slice } = await reader();
    const { port, sent } = counting(Array.from({ length: 20 }, () => USE_TOOL));
    await slice(talking(port));
    expect(sent.length).toBeGreaterThan(4);
    for (const request of sent) expect(tokensOf(request)).toBeLessThanOrEqual(WINDOW - 4_096);
    expect(await room.view()).toMatchObject({
      state: "failed",
      failureReason: "context_limit",
      steps: sent.length,
      partialResult: "words",
    });
  });

  test("is asked to wrap up where that still fits, with its smaller output", async () => {
    if (CHEAP_AGENT === undefined) throw new Error("an empty pool");
    const { room, slice } = await reader({ ...CHEAP_AGENT, id: agentId("roomy"), maxOutputTokens: 16_384 });
    const steps: readonly ScriptedStep[] = Array.from({ length: 20 }, () => USE_TOOL);
    const { port, sent } = counting(steps);
    const answering: ModelPort = {
      ...talking(port),
      step: async (agent, request, limits) => {
        const answer = await talking(port).step(agent, request, limits);
        if (!answer.ok || request.wrapUp === undefined) return answer;
        return { ...answer, value: { ...answer.value, text: "42", toolCalls: [] } };
      },
    };
    await slice(answering);
    expect(sent.map(({ wrapUp }) => wrapUp).slice(-2)).toEqual([undefined, "context_limit"]);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: sent.length });
    const asked = (await eventsOf(room)).filter(({ type }) => type === "wrap-up-asked");
    expect(asked).toMatchObject([{ limit: "context_limit" }]);
  });
});

/** Each step with words of some 4,050 tokens beside its call. */
function talking(port: ModelPort): ModelPort {
  return {
    ...port,
    step: async (agent, request, limits) => {
      const answer = await port.step(agent, request, limits);
      if (!answer.ok || answer.bill.status !== "billed") return answer;
      const content = [{ type: "text", text: "words ".repeat(2_500) }];
      const usage = { ...answer.bill.usage, outputTokens: 4_050 };
      const value = { ...answer.value, text: "words", assistant: { role: "assistant", content } };
      return { ...answer, value, bill: { ...answer.bill, usage } };
    },
  };
}
