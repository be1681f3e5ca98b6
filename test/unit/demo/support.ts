/** Builders for the demo's tests: a task's journal, and the API's answers that fit it. */
import type { ApiAgent, ApiCall, ApiTask, ApiTrace } from "../../../emulators/demo/api.ts";
import type { EndedTask } from "../../../emulators/demo/run-tasks.ts";
import type { TaskEvent, TaskEventBody } from "../../../src/market/event.ts";
import type { AgentId, AuctionId, TaskId } from "../../../src/market/ids.ts";
import { asMicros, NO_USAGE, type Prices, type TokenUsage } from "../../../src/market/money.ts";

export const SMALL = "agt_small" as AgentId;
export const LARGE = "agt_large" as AgentId;

export const usageOf = (inputTokens: number, outputTokens: number): TokenUsage => ({
  ...NO_USAGE,
  inputTokens,
  outputTokens,
});

/** Numbers the events from 1. */
export function journal(bodies: readonly TaskEventBody[]): TaskEvent[] {
  return bodies.map((body, at) => ({ ...body, seq: at + 1, atMs: 1_000 + at }));
}

const scores = { [SMALL]: 4, [LARGE]: 3 };
const aBid = (agentId: AgentId): TaskEventBody => ({
  type: "bid-received",
  round: 1,
  agentId,
  strategy: "plan",
  visibleTokens: 9,
  entropy: 0.5,
  costMicros: asMicros(10),
  ms: 3,
});
const aVerdict = (jurorId: AgentId): TaskEventBody => ({
  type: "verdict-received",
  round: 1,
  jurorId,
  scores,
  failedOn: {},
  costMicros: asMicros(4),
  ms: 5,
});
const auctionEvents: readonly TaskEventBody[] = [
  {
    type: "auction-opened",
    auctionId: "auc_1" as AuctionId,
    bidders: [
      { agentId: SMALL, name: "House 4B", emulated: true },
      { agentId: LARGE, name: "House 32B", emulated: true },
    ],
  },
  aBid(SMALL),
  aBid(LARGE),
  aVerdict(SMALL),
  aVerdict(LARGE),
  {
    type: "auction-cleared",
    winner: SMALL,
    round: 1,
    provisionalWinner: SMALL,
    margin: 0.2,
    entropyUsed: true,
    ranking: [],
  },
];
const traceEvents: readonly TaskEventBody[] = [
  { type: "task-awarded", attempt: 1, agentId: SMALL },
  { type: "trace-taken-up", attempt: 1, generation: 1, stepsSoFar: 0 },
  {
    type: "step-committed",
    attempt: 1,
    step: 1,
    usage: usageOf(100, 10),
    costMicros: asMicros(7),
    tools: [
      { name: "run_javascript", ok: false },
      { name: "http", ok: true },
    ],
  },
  { type: "step-committed", attempt: 1, step: 2, tools: [], usage: usageOf(120, 5), costMicros: asMicros(5) },
  { type: "trace-ended", attempt: 1, steps: 2 },
  { type: "verification-ended", attempt: 1, outcome: "pass", verifier: "equals", evidence: "as expected" },
];

/** A task that two emulated agents bid for and the small one carries out in two steps. Costs 10 + 10 + 4 + 4 + 7 + 5 micro-USD. */
export function passedJournal(taskId: string): TaskEvent[] {
  return journal([
    { type: "task-admitted", taskId: taskId as TaskId, sequence: 1 },
    ...auctionEvents,
    ...traceEvents,
    { type: "task-finished", outcome: "pass", costMicros: asMicros(40) },
  ]);
}

export function apiTask(taskId: string, fields: Partial<ApiTask> = {}): ApiTask {
  return {
    id: taskId,
    state: "finished",
    outcome: "pass",
    failureReason: null,
    agentId: SMALL,
    steps: 2,
    queueMessages: 1,
    verdict: { outcome: "pass", verifier: "equals", evidence: "as expected" },
    costMicros: 40,
    costs: { embedMicros: 0, bidMicros: 20, juryMicros: 8, refineMicros: 0, traceMicros: 12, judgeMicros: 0 },
    usage: {
      embed: NO_USAGE,
      bid: usageOf(50, 20),
      jury: usageOf(60, 10),
      refine: NO_USAGE,
      trace: usageOf(220, 15),
      judge: NO_USAGE,
    },
    ...fields,
  };
}

const apiCall = (n: number, kind: ApiCall["kind"], costMicros: number, usage: TokenUsage): ApiCall => ({
  callId: `cal_${n}`,
  kind,
  agentId: SMALL,
  status: "billed",
  boundMicros: 99,
  payer: "tenant",
  costMicros,
  usage,
});

export function apiTrace(fields: Partial<ApiTrace> = {}): ApiTrace {
  return {
    steps: [
      { attempt: 1, step: 1, costMicros: 7 },
      { attempt: 1, step: 2, costMicros: 5 },
    ],
    calls: [
      apiCall(1, "bid", 10, usageOf(25, 10)),
      apiCall(2, "bid", 10, usageOf(25, 10)),
      apiCall(3, "jury", 4, usageOf(30, 5)),
      apiCall(4, "jury", 4, usageOf(30, 5)),
      apiCall(5, "trace", 7, usageOf(100, 10)),
      apiCall(6, "trace", 5, usageOf(120, 5)),
    ],
    ...fields,
  };
}

const prices = (input: number, output: number): Prices => ({
  inputMicrosPerMtok: asMicros(input),
  cachedInputMicrosPerMtok: asMicros(input),
  cacheWriteMicrosPerMtok: asMicros(input),
  outputMicrosPerMtok: asMicros(output),
});

export const AGENTS: readonly ApiAgent[] = [
  {
    id: SMALL,
    name: "House 4B",
    model: "house-4b",
    provider: "workers-ai",
    emulated: true,
    prices: prices(10_000, 50_000),
  },
  {
    id: LARGE,
    name: "House 32B",
    model: "house-32b",
    provider: "workers-ai",
    emulated: true,
    prices: prices(90_000, 360_000),
  },
];

export function endedTask(label: string, fields: Partial<EndedTask> = {}): EndedTask {
  return {
    label,
    bin: 1,
    events: passedJournal("tsk_1"),
    ms: 12,
    task: apiTask("tsk_1"),
    trace: apiTrace(),
    error: null,
    ...fields,
  };
}
