/**
 * Tasks that older versions of the code left on their way, as they stored them (`test/fixtures/rooms`): this one opens their
 * rooms and brings them to their end.
 */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import type { TaskEvent } from "../../../src/market/event.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { toStep, type AnsweredStep, type ToolOutcome } from "../../../src/market/step.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  awardedTask,
  CHEAP,
  config,
  countingTool,
  DEAR,
  marketDay,
  MIDDLE,
  ONE_BID,
  useStoppedClock,
  taskRoom,
  traceDeps,
  types,
  type MarketStub,
  type TaskStub,
} from "../rooms/market-day.ts";
import { assertAccounts, booksAtOnce } from "../rooms/money-check.ts";
import {
  auctionLease,
  deliver,
  leaseOf,
  openEvents,
  rowOf,
  SUBMIT,
  traceMessage,
  USE_TOOL,
  type StuckTask,
} from "../rooms/stuck-day.ts";
import { restore, VERSIONS, type Row, type Stop, type StoredTask } from "./stored-rooms.ts";

const clock = useStoppedClock();

async function restored({ tenantId, taskId, atMs, market, task }: StoredTask): Promise<StuckTask> {
  const day = marketDay(tenantId);
  const room = taskRoom(tenantId, taskId);
  await restore(day.market, market);
  await restore(room, task);
  clock.pass(atMs - Date.now());
  return { day, taskId, room };
}

/** Whoever held the trace is not heard of: it is announced again, and the queue brings it to another holder. */
async function takeOver(task: StuckTask, models: ScriptedModels): Promise<void> {
  clock.pass(60_001);
  expect(await runDurableObjectAlarm(task.room)).toBe(true);
  const { generation } = await leaseOf(task);
  expect(generation).toBe(2);
  await goOn(task, models, generation);
}

async function goOn(task: StuckTask, models: ScriptedModels, generation: number): Promise<void> {
  const deps = traceDeps(models, { tools: [countingTool()] });
  expect((await deliver(deps, traceMessage(task, generation))).outcome).toBe("acked");
}

/** A JSON column of a stored row. */
function stored<T>(row: Row, column: string): T {
  const cell = row[column];
  if (typeof cell !== "string") throw new Error(`${column} is no text`);
  return JSON.parse(cell) as T;
}

/** Steps and events that were there stand as they were, and those that came count on from them. */
async function expectJournal(task: StuckTask, { task: { tables } }: StoredTask): Promise<void> {
  const steps = (await task.room.readTrace())?.steps ?? [];
  expect(steps.map(({ step }) => step)).toEqual(steps.map((_, at) => at + 1));
  const before = (tables["steps"] ?? []).flatMap((row) => {
    if (row["outcomes"] === null) return [];
    const answered = stored<AnsweredStep>(row, "body");
    const { assistant: _opaque, ...step } = toStep(answered, stored<ToolOutcome[]>(row, "outcomes"));
    return [{ attempt: 1, ...step }];
  });
  expect(steps.slice(0, before.length)).toEqual(before);

  const events = await openEvents(task);
  const told = (tables["events"] ?? []).map((row) => stored<TaskEvent>(row, "body"));
  expect(events.slice(0, told.length)).toEqual(told);
  expect(types(events).at(-1)).toBe("task-finished");
}

/** Every call has its bill, no money is held for what has ended, and sums are those of their lines. */
async function expectBooks({ day, taskId, room }: StuckTask): Promise<void> {
  const books = await booksAtOnce(day);
  assertAccounts(books, [{ taskId, capMicros: null, isQuote: false, quotedMicros: null }]);
  const calls = (await room.readTrace())?.calls ?? [];
  expect(books.calls.map(({ callId }) => callId).toSorted()).toEqual(
    calls.map(({ callId }) => callId).toSorted(),
  );
  expect(books.sums.accounts).toMatchObject([{ taskId, heldMicros: 0 }]);
}

/** What the rooms owed to others has left them, and the history has taken all of it. */
async function expectNothingOwed(task: StuckTask): Promise<void> {
  const rowsOf = async (room: TaskStub | MarketStub, query: string) =>
    runInDurableObject(room as DurableObjectStub, async (_room, { storage }) =>
      storage.sql.exec(query).toArray(),
    );
  await task.day.ringMarket();
  for (const room of [task.room, task.day.market]) {
    await vi.waitFor(async () => expect(await rowsOf(room, "SELECT * FROM outbox")).toEqual([]), 5_000);
  }
  await carryRows(config, task.day.tenantId);
  expect(await rowsOf(task.day.market, "SELECT * FROM history")).toEqual([]);
  expect(await rowOf(task)).toEqual({ state: "finished", outcome: "pass", failureReason: null, attempts: 1 });
}

async function expectEnd(task: StuckTask, before: StoredTask): Promise<void> {
  expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass", result: "42" });
  expect(await task.day.market.heldTasks()).toMatchObject([{ taskId: task.taskId, state: "finished" }]);
  await expectJournal(task, before);
  const receipt = await task.room.receipt();
  expect(receipt !== null && recompute(receipt).ok).toBe(true);
  await expectNothingOwed(task);
  await expectBooks(task);
  // What comes next is numbered on, and is sold.
  expect((await (await awardedTask({}, task.day)).room.view())?.sequence).toBe(2);
}

/** Another holder has the auction, and asks whoever has not bid. */
async function bidAgain(task: StuckTask, models: ScriptedModels): Promise<void> {
  clock.pass(60_001);
  expect(await task.day.ringMarket()).toBe(true);
  const { generation } = await auctionLease(task.day, task.taskId);
  expect(generation).toBe(2);
  const message = { kind: "auction", tenantId: task.day.tenantId, taskId: task.taskId, generation };
  expect((await deliver(traceDeps(models), message)).outcome).toBe("acked");
}

describe.each(VERSIONS)("rooms that $commit wrote", ({ tasks }) => {
  test.each<{ stop: Stop; asked: readonly string[] }>([
    { stop: "admitted", asked: [`bid ${CHEAP}`, `bid ${DEAR}`, `bid ${MIDDLE}`] },
    { stop: "auction", asked: [`bid ${DEAR}`, `bid ${MIDDLE}`] },
  ])("an auction ($stop) asks for the bids that are missing", async ({ stop, asked }) => {
    const task = await restored(tasks[stop]);
    const models = new ScriptedModels({ bids: ONE_BID, steps: [USE_TOOL, SUBMIT] });
    await bidAgain(task, models);
    expect(models.asked.toSorted()).toEqual(asked);
    await goOn(task, models, 1);
    await expectEnd(task, tasks[stop]);
  });

  test("an award that is owed (sold) reaches its room", async () => {
    const task = await restored(tasks.sold);
    clock.pass(60_001);
    expect(await task.day.ringMarket()).toBe(true);
    expect(await task.room.view()).toMatchObject({ state: "awarded", agentId: CHEAP });
    await goOn(task, new ScriptedModels({ steps: [USE_TOOL, SUBMIT] }), 1);
    await expectEnd(task, tasks.sold);
  });

  test.each<{ stop: Stop; asked: readonly string[] }>([
    { stop: "committed", asked: [`step ${CHEAP} 2`] },
    { stop: "pending", asked: [`step ${CHEAP} 3`] },
    { stop: "unverified", asked: [] },
  ])("a trace ($stop) goes on from its last commit", async ({ stop, asked }) => {
    const task = await restored(tasks[stop]);
    const models = new ScriptedModels({ steps: [USE_TOOL, stop === "pending" ? USE_TOOL : SUBMIT, SUBMIT] });
    await takeOver(task, models);
    expect(models.asked).toEqual(asked);
    await expectEnd(task, tasks[stop]);
  });
});
