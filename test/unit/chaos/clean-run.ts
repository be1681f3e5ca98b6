/** Evidence of a run without a fault: two tenants, one task of two steps, everything booked and told once. */
import type { Evidence } from "../../../bench/chaos/evidence.ts";
import type { RoomState } from "../../../bench/chaos/worker/room-state.ts";

const USAGE = {
  inputTokens: 100,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 20,
  reasoningTokens: 0,
};
/** A micro-dollar a token. */
const PRICES = {
  inputMicrosPerMtok: 1_000_000,
  cachedInputMicrosPerMtok: 1_000_000,
  cacheWriteMicrosPerMtok: 1_000_000,
  outputMicrosPerMtok: 1_000_000,
};
const COST = 120;
const IDLE: RoomState = {
  tables: ["tenant"],
  outbox: [],
  timers: [],
  memory: [],
  window: [],
  historyWaiting: 0,
  historyParked: 0,
  heldTasks: [],
  deliveries: [],
};

const usageOf = (outputTokens: number) => ({ ...USAGE, outputTokens });
const costOf = (outputTokens: number) => 100 + outputTokens;
const STEPS = [
  { step: 1, log: 11, outputTokens: 20 },
  { step: 2, log: 12, outputTokens: 30 },
];
const CALLS = STEPS.map(({ step, outputTokens }) => ({
  callId: `cal_${step}`,
  kind: "trace",
  agentId: "agt_a",
  attempt: 1,
  status: "billed",
  boundMicros: 500,
  costMicros: costOf(outputTokens),
  payer: "tenant",
  usage: usageOf(outputTokens),
}));
const TOTAL = CALLS.reduce((sum, { costMicros }) => sum + costMicros, 0);

const EVENTS = [
  { type: "task-admitted", taskId: "tsk_1", sequence: 1 },
  { type: "auction-cleared" },
  { type: "task-awarded", attempt: 1, agentId: "agt_a" },
  ...STEPS.map(({ step }) => ({ type: "step-committed", attempt: 1, step })),
  { type: "trace-ended", attempt: 1, steps: STEPS.length },
  { type: "verification-ended", attempt: 1, outcome: "pass", verifier: "http" },
  { type: "task-finished", outcome: "pass", costMicros: TOTAL },
].map((event, at) => ({ ...event, seq: at + 1, atMs: at }));

const BOOKED = CALLS.map(({ costMicros, ...call }) => ({
  ...call,
  taskId: "tsk_1",
  keyId: null,
  day: "2026-11-27",
  chargedMicros: costMicros,
  overrunMicros: 0,
  lostMicros: 0,
  prices: PRICES,
  endedAtMs: 1,
}));

const transfer = (id: number, of: object) => ({ id, atMs: 1, taskId: "tsk_1", callId: null, ...of });
const BOOKS = {
  calls: BOOKED,
  transfers: [
    transfer(1, { kind: "hold", from: "free", to: "held", micros: 900 }),
    ...BOOKED.map(({ callId, chargedMicros }, at) =>
      transfer(2 + at, { kind: "charge", callId, from: "held", to: "providers", micros: chargedMicros }),
    ),
    transfer(9, { kind: "release", from: "held", to: "free", micros: 900 - TOTAL }),
  ],
  sums: {
    accounts: [{ taskId: "tsk_1", keyId: null, heldMicros: 0, chargedMicros: TOTAL }],
    spending: [
      { scope: "tenant", time: "2026-11-27", micros: TOTAL },
      { scope: "tenant", time: "held", micros: 0 },
    ],
    usage: [
      {
        day: "2026-11-27",
        keyId: null,
        agentId: "agt_a",
        kind: "trace",
        calls: 2,
        unconfirmed: 0,
        inputTokens: 200,
        cachedInputTokens: 0,
        outputTokens: 50,
        chargedMicros: TOTAL,
        houseMicros: 0,
      },
    ],
  },
};

const TENANT = {
  tenantId: "ten_1",
  name: "plain",
  hookPath: "/plain",
  capMicros: 1_000,
  books: BOOKS,
  heldMicros: 0,
  spentMicros: TOTAL,
  agents: [{ id: "agt_a", model: "model-a", prices: PRICES }],
  market: {
    ...IDLE,
    memory: [{ auctionId: "auc_1", taskId: "tsk_1", version: 2, hasVector: true }],
    deliveries: [{ deliveryId: "dlv_1", taskId: "tsk_1", type: "task.finished", state: "delivered" }],
  },
  rooms: { tsk_1: IDLE },
  history: {
    tasks: [{ task_id: "tsk_1", state: "finished", cost_micros: TOTAL, attempts: 1 }],
    traces: [{ task_id: "tsk_1", attempt: 1, steps: 2 }],
    auctions: [{ task_id: "tsk_1" }],
  },
};
const OTHER = {
  ...TENANT,
  tenantId: "ten_2",
  name: "other",
  hookPath: "/other",
  books: { calls: [], transfers: [], sums: { accounts: [], spending: [], usage: [] } },
  spentMicros: 0,
  agents: [],
  market: IDLE,
  rooms: {},
  history: { tasks: [], traces: [], auctions: [] },
};

/** A copy of its own for whoever spoils it. */
export function cleanRun(): Evidence {
  const run = {
    tenants: [TENANT, OTHER],
    tasks: [
      {
        taskId: "tsk_1",
        tenantId: "ten_1",
        state: "finished",
        costMicros: TOTAL,
        attempts: 1,
        events: EVENTS,
        steps: STEPS.map(({ step, log, outputTokens }) => ({
          attempt: 1,
          step,
          text: `text ${step}`,
          toolCalls: [
            {
              id: `call_ab-${log}`,
              name: "fetch_document",
              input: { url: "http://docs/a.md" },
              outcome: { ok: true },
            },
            {
              id: `call_ac-${log}`,
              name: "write_file",
              input: { path: "a.md", text: "a note" },
              outcome: { ok: true },
            },
          ],
          usage: usageOf(outputTokens),
          costMicros: costOf(outputTokens),
        })),
        calls: CALLS,
        files: { "a.md": "a note" },
      },
    ],
    heard: [
      {
        taskId: "tsk_1",
        seqs: EVENTS.map(({ seq }) => seq),
        types: EVENTS.map(({ type }) => type),
        shown: STEPS.map(({ step }) => ({ attempt: 1, step, text: `text ${step}` })),
      },
    ],
    acknowledged: [{ tenantId: "ten_1", key: "key-1", taskIds: ["tsk_1", "tsk_1"] }],
    log: STEPS.map(({ log, outputTokens }) => ({
      id: log,
      at: "2026-11-27T12:00:00.000Z",
      wire: "openai",
      model: "model-a",
      bareModel: "model-a",
      fingerprint: String(log),
      purpose: null,
      requestBytes: COST,
      seed: null,
      inFlight: 1,
      status: "ok",
      usage: {
        promptTokens: 100,
        cachedPromptTokens: 0,
        completionTokens: outputTokens,
        reasoningTokens: 0,
      },
      ms: 1,
      fault: null,
    })),
    delivered: [
      {
        id: "dlv_1",
        path: "/plain",
        type: "task.finished",
        taskId: "tsk_1",
        state: "finished",
        accepted: true,
      },
    ],
    checked: [{ id: "tsk_1-1", taskId: "tsk_1", attempt: 1, outcome: "pass" }],
    toolHits: STEPS.map(({ step }) => ({ idempotencyKey: `tsk_1-1-${step}-0`, url: "http://docs/a.md" })),
    gone: [
      {
        tenantId: "ten_3",
        deleted: true,
        market: { ...IDLE, tables: [] },
        rooms: { tsk_3: { ...IDLE, tables: [] } },
        history: { tasks: [], auctions: [] },
      },
    ],
    trespasses: [{ taskId: "tsk_1", path: "/v1/tasks/tsk_1", status: 404 }],
    vectors: 1,
  };
  // SAFETY: ids and money are plain text and numbers here, as they are in the JSON that the real evidence is read from.
  return structuredClone(run) as unknown as Evidence;
}
