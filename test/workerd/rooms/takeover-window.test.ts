/** Takeovers between agents whose windows differ: what one was sent says little about what the next one may be. */
import { expect, test } from "vitest";
import type { ModelPort } from "../../../src/agents/model-port.ts";
import type { AgentId } from "../../../src/market/ids.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import type { ScriptedStep } from "../../support/scripted-models.ts";
import { counting, tokensOf } from "./context-day.ts";
import { awardedTo, journalOf, sold } from "./escalation-day.ts";
import {
  CHEAP,
  countingTool,
  DEAR,
  MIDDLE,
  openMarket,
  POOL,
  useStoppedClock,
  traceDeps,
} from "./market-day.ts";
import { SUBMIT, USE_TOOL } from "./money-day.ts";

useStoppedClock();

const LARGE = 262_144;
const SMALL = 32_768;
const GONE: ScriptedStep = { fails: "misconfigured" };
/** 11,000 tokens. */
const PAGE = "a page of text, ".repeat(2_500);
const WORDS = "words ".repeat(4_000);
const reading = { ...countingTool(), execute: async () => ({ ok: true, output: PAGE }) as const };

/** A task that the dear agent has won, among agents with these windows. */
async function open(windows: Readonly<Record<AgentId, number>>) {
  const pool = POOL.map((agent) => ({ ...agent, contextTokens: windows[agent.id] ?? SMALL }));
  const day = await openMarket({ pool });
  const task = await sold(day, { escalation: null });
  const slice = async (attempt: number, models: ModelPort) =>
    runSlice(traceDeps(models, { tools: [reading] }), {
      kind: "trace",
      tenantId: day.tenantId,
      taskId: task.taskId,
      attempt,
      generation: attempt,
    });
  return { ...task, slice };
}

const reads = (pages: number, last: ScriptedStep): ScriptedStep[] => [
  ...Array.from({ length: pages }, () => USE_TOOL),
  last,
];

/** The model writes so much at each step that it can be neither shortened nor left out. */
function talkative(port: ModelPort): ModelPort {
  return {
    ...port,
    step: async (agent, request, limits) => {
      const answer = await port.step(agent, request, limits);
      if (!answer.ok || answer.bill.status !== "billed") return answer;
      const assistant = { role: "assistant", content: [{ type: "text", text: WORDS }] };
      const usage = { ...answer.bill.usage, outputTokens: WORDS.length / 4 };
      const value = { ...answer.value, text: WORDS, assistant };
      return { ...answer, value, bill: { ...answer.bill, usage } };
    },
  };
}

test("what the first one read in a large window is shortened for the small one of the next", async () => {
  const { room, slice } = await open({ [DEAR]: LARGE, [MIDDLE]: SMALL });
  const before = counting(reads(12, GONE));
  await slice(1, before.port);
  expect(Math.max(...before.sent.map(tokensOf))).toBeGreaterThan(3 * SMALL);
  await awardedTo(room, 2);
  const { port, sent } = counting(reads(13, SUBMIT));
  await slice(2, port);
  expect(sent.map(({ history }) => history.length)).toEqual([12, 13]);
  for (const request of sent) expect(tokensOf(request)).toBeLessThanOrEqual(SMALL - 4_096);
  // The latest answer is whole.
  expect(JSON.stringify(sent[0]?.history.at(-1))).toContain(PAGE);
  expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", agentId: MIDDLE });
});

test("what the first one had to be shown in short, the next one is shown as far as its own window takes it", async () => {
  const { room, slice } = await open({ [DEAR]: SMALL, [MIDDLE]: 131_072 });
  await slice(1, counting(reads(20, GONE)).port);
  await awardedTo(room, 2);
  const { port, sent } = counting(reads(20, SUBMIT));
  await slice(2, port);
  expect(sent).toHaveLength(1);
  const tokens = sent.map(tokensOf);
  expect(tokens[0]).toBeLessThanOrEqual(131_072 - 4_096);
  expect(tokens[0]).toBeGreaterThan(SMALL);
  expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", agentId: MIDDLE });
});

test("an agent whose window does not take the words so far is passed by for the next one, and asked for nothing", async () => {
  const { room, slice } = await open({ [DEAR]: LARGE, [MIDDLE]: 8_192, [CHEAP]: LARGE });
  await slice(1, talkative(counting(reads(4, GONE)).port));
  await awardedTo(room, 2);
  const { port, sent } = counting([]);
  await slice(2, port);
  expect(sent).toEqual([]);
  await awardedTo(room, 3);
  await slice(3, counting(reads(4, SUBMIT)).port);
  expect(await room.view()).toMatchObject({
    state: "finished",
    outcome: "pass",
    agentId: CHEAP,
    attempts: 3,
    earlierAttempts: [
      { attempt: 1, agentId: DEAR, handedOver: "agent_failed", steps: 4 },
      { attempt: 2, agentId: MIDDLE, handedOver: "context_limit", steps: 0 },
    ],
  });
  const told = (await journalOf(room)).filter(({ type }) => type === "trace-handed-over");
  expect(told).toMatchObject([
    { reason: "agent_failed", stepsSoFar: 4 },
    { reason: "context_limit", stepsSoFar: 4 },
  ]);
});

test("where nobody else could, it ends by the window, with what there is", async () => {
  const { room, slice } = await open({ [DEAR]: LARGE, [MIDDLE]: 8_192, [CHEAP]: 8_192 });
  await slice(1, talkative(counting(reads(4, GONE)).port));
  for (const attempt of [2, 3]) {
    await awardedTo(room, attempt);
    await slice(attempt, counting([]).port);
  }
  expect(await room.view()).toMatchObject({
    state: "failed",
    failureReason: "context_limit",
    attempts: 3,
    partialResult: WORDS,
  });
});

test("an agent that has made a step of its own fills its window itself, and ends so", async () => {
  const { room, slice } = await open({ [DEAR]: LARGE, [MIDDLE]: SMALL, [CHEAP]: LARGE });
  await slice(1, counting(reads(1, GONE)).port);
  await awardedTo(room, 2);
  await slice(2, talkative(counting(reads(40, GONE)).port));
  expect(await room.view()).toMatchObject({ state: "failed", failureReason: "context_limit", attempts: 2 });
});
