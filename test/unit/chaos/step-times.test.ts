/** What of a step's time is not its model's. */
import { expect, test } from "vitest";
import { stepTimes } from "../../../bench/traces/step-times.ts";
import type { TaskEvent } from "../../../src/market/event.ts";

const EVENTS = [
  { type: "trace-taken-up", attempt: 1, generation: 1, stepsSoFar: 0, atMs: 1_000 },
  { type: "step-committed", attempt: 1, step: 1, tools: [{ name: "http", ok: true }], atMs: 1_108 },
  { type: "trace-taken-up", attempt: 1, generation: 2, stepsSoFar: 1, atMs: 1_110 },
  { type: "step-committed", attempt: 1, step: 2, tools: [{ name: "submit", ok: true }], atMs: 1_170 },
];

test("a step goes from commit to commit, less what its own call took", () => {
  const times = stepTimes({
    // SAFETY: of an event only what is read here.
    events: EVENTS as unknown as TaskEvent[],
    toolCallIds: new Map([
      ["1/1", "call_ab-41"],
      ["1/2", "call_cd-42"],
    ]),
    calls: new Map([
      ["41", { ms: 100 }],
      ["42", { ms: 50 }],
    ]),
    tools: new Map([["tsk_1/1", { ms: 3 }]]),
    taskId: "tsk_1",
  });
  expect(times).toEqual([
    { wallMs: 108, modelMs: 100, toolMs: 3, overheadMs: 8, ranTools: true, handedOn: false },
    { wallMs: 62, modelMs: 50, toolMs: 0, overheadMs: 12, ranTools: false, handedOn: true },
  ]);
});

test("a step whose call is not known is left out, and the next one does not carry it", () => {
  const times = stepTimes({
    events: EVENTS as unknown as TaskEvent[],
    toolCallIds: new Map([["1/2", "call_cd-42"]]),
    calls: new Map([["42", { ms: 50 }]]),
    tools: new Map(),
    taskId: "tsk_1",
  });
  expect(times.map(({ overheadMs }) => overheadMs)).toEqual([12]);
});
