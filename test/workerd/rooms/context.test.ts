/** A trace whose tools answer more than its agent's window takes: it goes on, and says what it left out. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { runAuction } from "../../../src/auction/run-auction.ts";
import type { ModelPort, StepRequest } from "../../../src/agents/model-port.ts";
import { traceMessages } from "../../../src/agents/trace-messages.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { agentId } from "../../support/builders.ts";
import { ScriptedModels, WorkerDied, type ScriptedStep } from "../../support/scripted-models.ts";
import { counting, REFUSED, tokensOf } from "./context-day.ts";
import {
  auctionDeps,
  countingTool,
  eventsOf,
  evictRooms,
  ONE_BID,
  openMarket,
  POOL,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import { accountOf, SUBMIT, USE_TOOL } from "./money-day.ts";

const clock = useStoppedClock();

const [CHEAP_AGENT] = POOL;
const WINDOW = 32_768;
const STEPS: readonly ScriptedStep[] = [...Array.from({ length: 9 }, () => USE_TOOL), SUBMIT];
const PAGE = "a page of text, ".repeat(2_500);
/** Each answer about 11,000 tokens: three of them are more than the window of 32,768. */
const reading = { ...countingTool(), execute: async () => ({ ok: true, output: PAGE }) as const };

const PROSE = "a page of text, ".repeat(300);
/** 48,000 bytes of hexadecimal digits: 27,000 tokens, which at the density of the prose before them were 16,000. */
const HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0".repeat(1_500);
/** 39,000 bytes of a script that hardly any model has learned: 35,000 tokens. */
const RARE_PAGE = "\u1230".repeat(13_000);

/** One page for each step; the last for good. The same page for the same call, whoever makes it. */
function paging(pages: readonly string[]) {
  return {
    ...countingTool(),
    execute: async (_input: unknown, { idempotencyKey }: { readonly idempotencyKey: string }) => {
      const step = Number(idempotencyKey.split("-").at(-2));
      return { ok: true, output: pages[Math.min(step, pages.length) - 1] ?? "" } as const;
    },
  };
}

async function reader(agent = CHEAP_AGENT, pages: readonly string[] = []) {
  expect(CHEAP_AGENT?.contextTokens).toBe(WINDOW);
  const day = await openMarket();
  const isOwn = agent !== undefined && agent !== CHEAP_AGENT;
  if (isOwn) {
    const change = { agents: [agent] };
    expect((await day.market.changePolicy({ by: null, ifVersion: null, change })).ok).toBe(true);
  }
  const { taskId, room, holder } = await day.admit(isOwn ? { policy: `always:${agent.id}` } : {});
  await runAuction(auctionDeps(new ScriptedModels({ bids: ONE_BID })), holder);
  const slice = async (models: ModelPort, generation = 1) =>
    runSlice(traceDeps(models, { tools: [pages.length === 0 ? reading : paging(pages)] }), {
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
    await expect(slice(counting(STEPS, { diesAtCall: 8 }).port)).rejects.toThrow(WorkerDied);
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

test("an agent that may write as much as its window holds does steps, and is not asked to wrap up before the first", async () => {
  if (CHEAP_AGENT === undefined) throw new Error("an empty pool");
  const agent = { ...CHEAP_AGENT, id: agentId("all-answer"), contextTokens: 8_192, maxOutputTokens: 8_192 };
  const { room, slice } = await reader(agent, [PROSE]);
  const { port, sent } = counting([USE_TOOL, USE_TOOL, USE_TOOL, SUBMIT]);
  await slice(port);
  expect(sent.map(({ wrapUp }) => wrapUp)).toEqual([undefined, undefined, undefined, undefined]);
  expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 4 });
});

describe("an answer that is denser than what came before", () => {
  const steps = (count: number): ScriptedStep[] => [...Array.from({ length: count }, () => USE_TOOL), SUBMIT];
  const failed = async (room: Awaited<ReturnType<typeof reader>>["room"]) =>
    (await eventsOf(room)).filter((event) => event.type === "call-failed");

  test("is counted by what stands in it: hexadecimal digits are no prose", async () => {
    const { room, slice } = await reader(CHEAP_AGENT, [PROSE, PROSE, HEX]);
    const { port, sent } = counting(steps(3));
    await slice(port);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 4 });
    expect(sent).toHaveLength(4);
    expect(await failed(room)).toEqual([]);
  });

  test("is shortened once the provider has refused it: that costs nothing, and the step is asked for again", async () => {
    const { day, taskId, room, slice } = await reader(CHEAP_AGENT, [PROSE, PROSE, RARE_PAGE, PROSE]);
    const { port, sent } = counting(steps(4));
    await slice(port);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 5 });
    expect(sent.map(({ history }) => history.length)).toEqual([0, 1, 2, 3, 3, 4]);
    expect(await failed(room)).toMatchObject([{ step: 4, reason: REFUSED, failed: 1, retryInMs: 0 }]);
    const told = (await eventsOf(room)).filter((event) => event.type === "context-compacted");
    expect(told).toMatchObject([{ step: 4 }]);
    const { calls } = await accountOf(day, taskId);
    expect(calls.filter(({ kind, status }) => kind === "trace" && status === "refused")).toHaveLength(1);
    // What was shortened for it stays so.
    const [short, last] = [sent[4], sent[5]].map((request) =>
      JSON.stringify(traceMessages("", request?.history ?? [])),
    );
    expect(last?.startsWith(short?.slice(0, -1) ?? "?")).toBe(true);
  });

  test("is sent alike by whoever takes the trace up after the refusal", async () => {
    const whole = await reader(CHEAP_AGENT, [PROSE, PROSE, RARE_PAGE, PROSE]);
    const one = counting(steps(4));
    await whole.slice(one.port);

    const { day, room, slice } = await reader(CHEAP_AGENT, [PROSE, PROSE, RARE_PAGE, PROSE]);
    await expect(slice(counting(steps(4), { diesAtCall: 5 }).port)).rejects.toThrow(WorkerDied);
    await evictRooms(day.market, room);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    const two = counting(steps(4));
    await slice(two.port, 2);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 5 });
    const plain = ({ history }: StepRequest) => JSON.stringify(traceMessages("", history));
    expect(two.sent.map(plain)).toEqual(one.sent.slice(-2).map(plain));
  });

  test("leads to the wrap-up where all that may be shortened was, and is refused all the same", async () => {
    const { room, slice } = await reader(CHEAP_AGENT, [PROSE, PROSE]);
    const refuses = ({ history, wrapUp }: StepRequest) => history.length === 2 && wrapUp === undefined;
    const { port, sent } = counting(steps(2), { refuses });
    await slice(port);
    // Whole, shortened, as short as it can be; and behind that the wrap-up.
    expect(sent.map(({ history }) => history.length)).toEqual([0, 1, 2, 2, 2, 2]);
    const sizes = sent.slice(2).map((request) => tokensOf(request));
    expect(sizes.toSorted((a, b) => b - a)).toEqual(sizes);
    expect(new Set(sizes.slice(0, 3)).size).toBe(3);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 3 });
    expect(await failed(room)).toHaveLength(3);
    const asked = (await eventsOf(room)).filter(({ type }) => type === "wrap-up-asked");
    expect(asked).toMatchObject([{ step: 3, limit: "context_limit" }]);
  });

  test("is shortened though the provider was busy before: refusals for length are counted apart", async () => {
    const { room, slice } = await reader(CHEAP_AGENT, [PROSE, PROSE]);
    let refusals = 0;
    const { port, sent } = counting(steps(2), {
      refuses: ({ history }) => history.length === 2 && ++refusals <= 2,
    });
    let busy = 0;
    const step: ModelPort["step"] = async (agent, request, limits) => {
      if (request.history.length !== 2 || ++busy > 2) return port.step(agent, request, limits);
      const failure = { reason: "rate_limited", message: "later" } as const;
      return { ok: false, failure, bill: { status: "refused" }, ms: 10, requests: 1 };
    };
    await slice({ ...port, step });
    expect(sent.map(({ history }) => history.length)).toEqual([0, 1, 2, 2, 2]);
    expect(await failed(room)).toMatchObject([
      { reason: "rate_limited", failed: 1 },
      { reason: "rate_limited", failed: 2 },
      { reason: REFUSED, failed: 3, retryInMs: 0 },
      { reason: REFUSED, failed: 4, retryInMs: 0 },
    ]);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 3 });
  });

  test("ends by the window where the wrap-up is refused for it, too", async () => {
    const { room, slice } = await reader(CHEAP_AGENT, [PROSE, PROSE]);
    const { port, sent } = counting(steps(2), { refuses: ({ history }) => history.length === 2 });
    await slice(port);
    expect(sent.map(({ wrapUp }) => wrapUp)).toEqual([...Array.from({ length: 5 }), "context_limit"]);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "context_limit", steps: 2 });
  });

  test("is another agent's matter before the first step: there is nothing to shorten, and nothing to hand in", async () => {
    const { room, slice } = await reader(CHEAP_AGENT, [PROSE]);
    const { port, sent } = counting(steps(1), { refuses: () => true });
    await slice(port);
    expect(sent).toHaveLength(1);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed", steps: 0 });
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
