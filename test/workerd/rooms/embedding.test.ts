/** The task's embedding through the real rooms: recorded before it is asked for, billed after, and asked for once. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { createAuctionMemory } from "../../../src/auction/auction-memory.ts";
import type { AuctionMemory, EmbeddedTask } from "../../../src/auction/auction-run.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { migrateSchema } from "../../../src/durable/schema.ts";
import { newId } from "../../../src/market/ids.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import { Journal } from "../../../src/taskroom/journal.ts";
import { TASK_SCHEMA } from "../../../src/taskroom/task-schema.ts";
import { aCommit } from "../../support/builders.ts";
import { ScriptedModels, WorkerDied } from "../../support/scripted-models.ts";
import { auctionDeps, CHEAP, config, evictRooms, openMarket, useStoppedClock } from "./market-day.ts";
import { anIndex, BIDS, memoryOver, runTask, VERDICTS } from "./memory-day.ts";

const clock = useStoppedClock();

const BOUND = asMicros(3);
const VECTOR = [1, 0.8];
const BILLED: EmbeddedTask = {
  vector: VECTOR,
  bill: { status: "billed", usage: { ...NO_USAGE, inputTokens: 9 }, costMicros: asMicros(2) },
};

/** A memory that counts how often it is asked for an embedding, and answers as it is told to. */
function countingMemory(answer: () => Promise<EmbeddedTask> = async () => BILLED) {
  const asked: string[] = [];
  const memory: AuctionMemory = {
    ...memoryOver(anIndex().index),
    embedBound: () => BOUND,
    embed: async (task) => {
      asked.push(task);
      return answer();
    },
  };
  return { asked, memory };
}

type Day = Awaited<ReturnType<typeof openMarket>>;
type Task = Awaited<ReturnType<Day["admit"]>>;

const script = () => new ScriptedModels({ bids: BIDS, verdicts: VERDICTS });
const embedCalls = async ({ room }: Pick<Task, "room">) =>
  ((await room.readTrace())?.calls ?? []).filter((call) => call.kind === "embed");
const charged = async ({ market }: Day) =>
  runInDurableObject(market, (_, { storage }) => {
    const query = "SELECT agent_id, status, charged FROM calls WHERE kind = 'embed'";
    return storage.sql.exec<{ agent_id: string; status: string; charged: number }>(query).toArray();
  });

/** The auction is taken up by another Worker, after the first one's lease has lapsed. */
async function takenOver(day: Day, { taskId, room }: Task, memory: AuctionMemory) {
  await evictRooms(day.market, room);
  clock.pass(60_001);
  await day.ringMarket();
  expect((await day.market.takeAuction(taskId, 2)).ok).toBe(true);
  const models = script();
  await runAuction(auctionDeps(models, memory), { tenantId: day.tenantId, taskId, generation: 2 });
  return models;
}

describe("an embedding", () => {
  test("is counted at its bound before it is asked for, then billed, and no agent's", async () => {
    const day = await openMarket();
    let during: unknown = null;
    const task = await day.admit();
    const { asked, memory } = countingMemory(async () => {
      during = await embedCalls(task);
      return BILLED;
    });
    await runAuction(auctionDeps(script(), memory), task.holder);
    expect(asked).toEqual(["What is six times seven?"]);
    expect(during).toMatchObject([{ status: "started", agentId: null, boundMicros: 3, costMicros: 3 }]);
    expect(await embedCalls(task)).toMatchObject([
      { status: "billed", agentId: null, attempt: 0, boundMicros: 3, costMicros: 2 },
    ]);
    const view = await task.room.view();
    expect(view?.costs.embedMicros).toBe(2);
    expect(view?.usage.embed).toEqual({ ...NO_USAGE, inputTokens: 9 });
    const { embedMicros = 0, bidMicros = 0, juryMicros = 0 } = view?.costs ?? {};
    expect(view?.costMicros).toBe(embedMicros + bidMicros + juryMicros);
    await vi.waitFor(async () =>
      expect(await charged(day)).toMatchObject([{ agent_id: "", status: "billed", charged: 2 }]),
    );
  });

  test("whose model reports no usage stays counted at its bound", async () => {
    const day = await openMarket();
    const task = await day.admit();
    const { memory } = countingMemory(async () => ({ ...BILLED, bill: { status: "unconfirmed" } }));
    await runAuction(auctionDeps(script(), memory), task.holder);
    expect(await embedCalls(task)).toMatchObject([{ status: "unconfirmed", costMicros: 3 }]);
    expect((await task.room.view())?.costs.embedMicros).toBe(3);
    // It is the task's vector all the same.
    expect(await day.market.recall({ vector: VECTOR, hits: [], topK: 1 })).toHaveLength(1);
  });

  test("of an index that does not fit is not asked for, and costs nothing", async () => {
    const day = await openMarket();
    const task = await day.admit();
    const embed = vi.fn<() => Promise<never>>();
    const memory = createAuctionMemory({
      embedder: { dimension: 2, bound: () => BOUND, embed },
      index: anIndex().index,
      usable: async () => false,
    });
    await runAuction(auctionDeps(script(), memory), task.holder);
    expect(embed).not.toHaveBeenCalled();
    expect(await embedCalls(task)).toMatchObject([{ status: "refused", costMicros: 0 }]);
  });

  test.each(["cheapest", "random"])("is not asked for where no auction is held (%s)", async (policy) => {
    const day = await openMarket();
    const task = await day.admit({ policy });
    const { asked, memory } = countingMemory();
    await runAuction(auctionDeps(script(), memory), task.holder);
    expect([asked, await embedCalls(task)]).toEqual([[], []]);
  });
});

describe("an auction that is taken over", () => {
  /** Its first Worker dies when the jury is asked. */
  async function dying(answer?: () => Promise<EmbeddedTask>) {
    const day = await openMarket();
    const task = await day.admit();
    const first = countingMemory(answer);
    const models = new ScriptedModels({ bids: BIDS, verdicts: VERDICTS, diesAtCall: 4 });
    await expect(runAuction(auctionDeps(models, first.memory), task.holder)).rejects.toThrow(WorkerDied);
    return { day, task, first };
  }

  test("neither asks nor pays again for an embedding that is committed", async () => {
    const { day, task } = await dying();
    const second = countingMemory();
    await takenOver(day, task, second.memory);
    expect(second.asked).toEqual([]);
    expect(await embedCalls(task)).toMatchObject([{ status: "billed", costMicros: 2 }]);
    expect(await day.market.recall({ vector: VECTOR, hits: [], topK: 1 })).toMatchObject([{ similarity: 1 }]);
  });

  test("does not ask again for one that failed: the first answer stands", async () => {
    const { day, task } = await dying(async () => ({ vector: null, bill: { status: "refused" } }));
    const second = countingMemory();
    await takenOver(day, task, second.memory);
    expect(second.asked).toEqual([]);
    expect(await embedCalls(task)).toMatchObject([{ status: "refused", costMicros: 0 }]);
  });

  test("asks again for one whose answer never came; the first stays counted at its bound, and the house pays for it", async () => {
    const { day, task, first } = await dying(async () => new Promise(() => undefined));
    expect(first.asked).toHaveLength(1);
    const second = countingMemory();
    await takenOver(day, task, second.memory);
    expect(second.asked).toHaveLength(1);
    expect(
      (await embedCalls(task)).map(({ status, costMicros, payer }) => [status, costMicros, payer]),
    ).toEqual([
      ["unconfirmed", 3, "lost"],
      ["billed", 2, "tenant"],
    ]);
    expect((await task.room.view())?.costs.embedMicros).toBe(2);
  });

  test("books the bill that its old holder brings late, and keeps the first vector", async () => {
    const { day, task } = await dying(async () => new Promise(() => undefined));
    const [call] = await embedCalls(task);
    if (call === undefined) throw new Error("nothing was started");
    await takenOver(day, task, countingMemory().memory);
    const late = aCommit({
      embedding: { vector: [0, 1], call: { callId: call.callId, bill: BILLED.bill, ms: 9 } },
    });
    expect(await task.room.commitAuction(1, late)).toBe("lost");
    expect((await embedCalls(task)).map(({ status }) => status)).toEqual(["billed", "billed"]);
    expect(await day.market.recall({ vector: VECTOR, hits: [], topK: 1 })).toMatchObject([{ similarity: 1 }]);
  });
});

test("calls of a room from before some were nobody's are all still there", async () => {
  const stub = env.TASK_ROOM.get(env.TASK_ROOM.newUniqueId());
  await runInDurableObject(stub, (_, { storage }) => {
    migrateSchema(storage, { steps: TASK_SCHEMA.steps.slice(0, 1), fresh: null });
    const journal = new Journal(storage);
    const [bid, embed] = [newId("cal", config.source), newId("cal", config.source)];
    journal.startCall({ callId: bid, kind: "bid", agentId: CHEAP, boundMicros: BOUND }, 0);
    migrateSchema(storage, TASK_SCHEMA);
    journal.startCall({ callId: embed, kind: "embed", agentId: null, boundMicros: BOUND }, 0);
    expect(journal.endCall({ callId: embed, bill: { status: "unconfirmed" }, ms: 1 })?.agentId).toBeNull();
    expect(journal.calls().map(({ kind, agentId }) => [kind, agentId])).toEqual(
      expect.arrayContaining([
        ["bid", CHEAP],
        ["embed", null],
      ]),
    );
  });
});

test("a memory entry's trace cost is the trace's alone", async () => {
  const day = await openMarket();
  const { room } = await runTask(day, { memory: memoryOver(anIndex().index) });
  const view = await room.view();
  const [found] = await day.market.recall({ vector: VECTOR, hits: [], topK: 1 });
  expect(found?.entry.traceCostMicros).toBe(view?.costs.traceMicros);
  expect(view?.costs.embedMicros).toBe(2);
});
