/** The stored tables of a room are those of an older version while a trace runs: the new one opens them, and it goes on. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { TASK_SCHEMA } from "../../../src/taskroom/task-schema.ts";
import { MARKET_SCHEMA } from "../../../src/tenancy/market-schema.ts";
import { BOUND, ScriptedModels, USAGE } from "../../support/scripted-models.ts";
import {
  awardedTask,
  CHEAP,
  config,
  countingTool,
  evictRooms,
  useStoppedClock,
  traceDeps,
} from "../rooms/market-day.ts";
import { deliver, leaseOf, SUBMIT, traceMessage, USE_TOOL, type StuckTask } from "../rooms/stuck-day.ts";
import { rewind } from "./rewind.ts";

const clock = useStoppedClock();

/** Every version before this one. */
const before = (steps: readonly string[]) => steps.slice(0, -1).map((_, at) => at + 1);

/** Its first step's answer is committed and paid, its tools run, and its holder has the lease. */
async function halfDone(): Promise<StuckTask> {
  const task = await awardedTask();
  await task.room.takeTrace(1, 1);
  const callId = newId("cal", config.source);
  await task.room.startTraceCall(1, { callId, kind: "trace", agentId: CHEAP, boundMicros: BOUND });
  const bill = { status: "billed", usage: USAGE, costMicros: asMicros(45) } as const;
  const toolCalls = [{ id: "call-1", name: "http", input: { url: "x" } }];
  const step = { step: 1, text: "", toolCalls, assistant: null, usage: USAGE, costMicros: asMicros(45) };
  await task.room.commitAnswer(1, { callId, bill, ms: 1 }, step, null);
  // Its bill is told beside the work: nothing is under way when the rooms are rewritten.
  await vi.waitFor(async () => expect(await owedBy(task)).toBe(0), 5_000);
  return task;
}

async function owedBy({ room }: StuckTask): Promise<number> {
  return runInDurableObject(
    room,
    async (_room, { storage }) => storage.sql.exec("SELECT 1 FROM outbox").toArray().length,
  );
}

/** The trace's next holder, and what it asked. */
async function goOn(task: StuckTask): Promise<ScriptedModels> {
  const { generation } = await leaseOf(task);
  const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
  await deliver(traceDeps(models, { tools: [countingTool()] }), traceMessage(task, generation));
  return models;
}

async function expectEnd({ day, room, taskId }: StuckTask): Promise<void> {
  expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2, result: "42" });
  const trace = (await room.readTrace())?.calls.filter(({ kind }) => kind === "trace") ?? [];
  expect(trace.map(({ status }) => status)).toEqual(["billed", "billed"]);
  expect(await day.market.heldTasks()).toMatchObject([{ taskId, state: "finished" }]);
}

describe("a task's room", () => {
  const asOf = async ({ room }: StuckTask, version: number) => {
    await runInDurableObject(room as DurableObjectStub, async (_room, { storage }) =>
      rewind(storage, { schema: TASK_SCHEMA, version, older: {} }),
    );
    await evictRooms(room);
  };

  test.each(before(TASK_SCHEMA.steps))(
    "of version %d: its alarm wakes it, and another holder goes on",
    async (version) => {
      const task = await halfDone();
      await asOf(task, version);
      clock.pass(60_001);
      expect(await runDurableObjectAlarm(task.room)).toBe(true);
      expect(await leaseOf(task)).toMatchObject({ generation: 2, lapses: 1 });
      expect((await goOn(task)).asked).toEqual([`step ${CHEAP} 2`]);
      await expectEnd(task);
    },
  );

  test.each(before(TASK_SCHEMA.steps))(
    "of version %d: its holder's next commit wakes it, and the holder goes on",
    async (version) => {
      const task = await halfDone();
      await asOf(task, version);
      expect(await task.room.commitTools(1, 1, [{ ok: true, output: "done" }])).toBe("continue");
      await task.room.handOver(1);
      expect((await goOn(task)).asked).toEqual([`step ${CHEAP} 2`]);
      await expectEnd(task);
    },
  );
});

describe("a market room", () => {
  const asOf = async ({ day }: StuckTask, version: number) => {
    await runInDurableObject(day.market as DurableObjectStub, async (_room, { storage }) =>
      rewind(storage, { schema: MARKET_SCHEMA, version, older: olderRows(storage, version) }),
    );
    await evictRooms(day.market);
  };

  test.each(before(MARKET_SCHEMA.steps))(
    "of version %d: the running trace's bill and end reach it",
    async (version) => {
      const task = await halfDone();
      await asOf(task, version);
      await task.room.commitTools(1, 1, [{ ok: true, output: "done" }]);
      await task.room.handOver(1);
      expect((await goOn(task)).asked).toEqual([`step ${CHEAP} 2`]);
      await expectEnd(task);
      // What comes next is numbered on, and is sold.
      const next = await awardedTask({}, task.day);
      expect((await next.room.view())?.sequence).toBe(2);
    },
  );

  test.each(before(MARKET_SCHEMA.steps))(
    "of version %d: the sweep wakes it, and with it the trace whose alarm was lost",
    async (version) => {
      const task = await halfDone();
      await asOf(task, version);
      await runInDurableObject(task.room as DurableObjectStub, async (_room, { storage }) =>
        storage.deleteAlarm(),
      );
      clock.pass(60_001);
      expect(await task.day.market.sweep()).toBe(1);
      await runDurableObjectAlarm(task.room);
      await goOn(task);
      await expectEnd(task);
    },
  );
});

/** Rows of tables that held something else then. */
function olderRows(
  { sql }: DurableObjectStorage,
  version: number,
): Readonly<Record<string, Record<string, SqlStorageValue>[]>> {
  const rows = (query: string) => sql.exec(query).toArray();
  const stored = sql.exec<{
    task_id: string;
    sequence: number;
    state: string;
    body: string;
    ground: number;
    terms: string;
  }>("SELECT task_id, sequence, state, body, ground, terms FROM tasks");
  const tasks = stored.toArray().map((row) => {
    const { body: ground } = sql
      .exec<{ body: string }>("SELECT body FROM grounds WHERE id = ?", row.ground)
      .one();
    return { row, terms: { ...JSON.parse(ground), ...JSON.parse(row.terms) } as object };
  });
  const terms = tasks.map(({ row, terms: body }) => ({
    task_id: row.task_id,
    body: JSON.stringify(body),
  }));
  const { body: tenant = "{}" } = sql.exec<{ body: string }>("SELECT body FROM tenant").toArray()[0] ?? {};
  const numbered = { ...(JSON.parse(tenant) as object), lastSequence: 1, rowVersion: 2 };
  const counters = [
    { name: "sequence", value: 1 },
    { name: "tenant-row", value: 2 },
    ...(version === 5 ? [{ name: "tenant-open", value: 1 }] : []),
  ];
  return {
    ...(version < 6 && { history: [], outbox: [], counters }),
    ...(version < 5 && { terms }),
    ...(version < 3 && { memory: rows("SELECT * FROM memory").map((row) => ({ ...row, recent: 0 })) }),
    ...(version < 2 && {
      tenant: [{ id: 1, body: JSON.stringify(numbered) }],
      tasks: tasks.map(({ row, terms: own }) => ({
        ...row,
        body: JSON.stringify({ ...(JSON.parse(row.body) as object), ...own }),
      })),
    }),
  };
}
