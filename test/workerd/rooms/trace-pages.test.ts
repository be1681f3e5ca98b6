/** A trace read page by page: in order, without gap, and as it stands when each page is read. */
import { expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { PageBounds } from "../../../src/taskroom/trace-page.ts";
import {
  TRACE_START,
  type TracePage,
  type TracePlace,
  type TraceView,
} from "../../../src/taskroom/task-room-api.ts";
import { BOUND, USAGE } from "../../support/scripted-models.ts";
import { awardedTask, CHEAP, config, useStoppedClock, taskRoom, type TaskStub } from "./market-day.ts";

useStoppedClock();

/** A step's answer of a few hundred bytes, or more, with a tool. */
async function answer(room: TaskStub, step: number, text = "x".repeat(300)): Promise<void> {
  const callId = newId("cal", config.source);
  await room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
  const bill = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;
  const toolCalls = [{ id: `call-${step}`, name: "http", input: { url: "x" } }];
  const answered = { step, text, toolCalls, assistant: null, usage: USAGE, costMicros: asMicros(45) };
  expect(await room.commitAnswer(1, { callId, bill, ms: 1 }, answered, null)).toBe("continue");
}

async function runTools(room: TaskStub, step: number): Promise<void> {
  expect(await room.commitTools(1, step, [{ ok: true, output: "done" }])).toBe("continue");
}

async function traceOf(texts: readonly string[]): Promise<TaskStub> {
  const { room } = await awardedTask();
  await room.takeTrace(1, 1);
  for (const [at, text] of texts.entries()) {
    await answer(room, at + 1, text);
    await runTools(room, at + 1);
  }
  return room;
}

async function page(room: TaskStub, after: TracePlace, bounds: PageBounds): Promise<TracePage> {
  const read = await room.readTracePage(after, bounds);
  if (read === null) throw new Error("there is no such task");
  return read;
}

async function pagesOf(room: TaskStub, bounds: PageBounds, from: TracePlace = TRACE_START) {
  const pages: TracePage[] = [];
  for (let after: TracePlace | null = from; after !== null; after = pages.at(-1)?.next ?? null) {
    pages.push(await page(room, after, bounds));
  }
  return pages;
}

const joined = (pages: readonly TracePage[]): TraceView => ({
  steps: pages.flatMap(({ steps }) => steps),
  calls: pages.flatMap(({ calls }) => calls),
});
const stepsOf = (pages: readonly TracePage[]) => pages.map(({ steps }) => steps.map(({ step }) => step));
const short = "x".repeat(300);

test("a short trace is one page, with all its calls", async () => {
  const room = await traceOf([short, short]);
  const pages = await pagesOf(room, { bytes: 10_000, calls: 100 });
  expect(stepsOf(pages)).toEqual([[1, 2]]);
  expect(joined(pages)).toEqual(await room.readTrace());
});

test.each([1, 700, 1_300, 2_000])("pages of %d bytes are together the whole trace", async (bytes) => {
  const room = await traceOf([short, short, "x".repeat(5_000), short, short]);
  const pages = await pagesOf(room, { bytes, calls: 2 });
  expect(pages.length).toBeGreaterThan(3);
  expect(joined(pages)).toEqual(await room.readTrace());
});

test("a page has as many steps as its bytes take, and one at least", async () => {
  const room = await traceOf([short, short, "x".repeat(5_000), short, short]);
  expect(stepsOf(await pagesOf(room, { bytes: 1_500, calls: 100 }))).toEqual([[1, 2], [3], [4, 5]]);
});

test("calls come after the last step, as many as a page takes", async () => {
  // Three bids and two steps.
  const room = await traceOf([short, short]);
  const pages = await pagesOf(room, { bytes: 1, calls: 2 });
  expect(pages.map(({ steps, calls }) => [steps.length, calls.length])).toEqual([
    [1, 0],
    [1, 2],
    [0, 2],
    [0, 1],
  ]);
});

test("a step that waits for its tools is left out, and is there for whoever has not read so far", async () => {
  const room = await traceOf([short, short]);
  await answer(room, 3);
  const bounds = { bytes: 1, calls: 100 };
  const first = await page(room, TRACE_START, bounds);
  expect(stepsOf(await pagesOf(room, bounds))).toEqual([[1], [2]]);
  await runTools(room, 3);
  if (first.next === null) throw new Error("there are more");
  expect(stepsOf(await pagesOf(room, bounds, first.next))).toEqual([[2], [3]]);
});

test("a room that nobody opened has none", async () => {
  const { day } = await awardedTask();
  const room = taskRoom(day.tenantId, newId("tsk", config.source));
  expect(await room.readTracePage(TRACE_START)).toBeNull();
});
