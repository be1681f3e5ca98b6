/** Messages of work that come to nothing as often as the queue brings them. */
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { MarketRoom, TaskRoom } from "../../../src/index.ts";
import { readStuck } from "../../../src/history/read-stuck.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  admitOnly,
  awardedTask,
  config,
  countingTool,
  eventsOf,
  openMarket,
  useStoppedClock,
  traceDeps,
  types,
} from "./market-day.ts";
import {
  deliver,
  failToDeath,
  faultyVerifier,
  ring,
  stuckOf,
  SUBMIT,
  traceMessage,
  USE_TOOL,
} from "./stuck-day.ts";

const clock = useStoppedClock();

describe("a message that fails every time", () => {
  test("ends its task with its reason, its journal intact and its money settled, and the operator sees it", async () => {
    const task = await awardedTask();
    const { day, taskId, room } = task;
    const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
    const deps = faultyVerifier(models, [countingTool()]);
    const delays = await failToDeath(deps, traceMessage(task, 1), clock.pass);
    expect(delays).toEqual([2, 10, 50, 250, 1_250]);
    // Two steps are committed, and neither is asked for again.
    expect(models.asked).toHaveLength(2);
    expect(await room.view()).toMatchObject({
      state: "failed",
      failureReason: "dead_lettered",
      steps: 2,
      result: "42",
    });
    const events = await eventsOf(room);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    expect(types(events).at(-1)).toBe("task-failed");
    expect(await day.market.heldTasks()).toMatchObject([
      { taskId, state: "failed", failureReason: "dead_lettered" },
    ]);
    expect(await day.market.readBooks({ kind: "budget" })).toMatchObject({ spending: { heldMicros: 0 } });
    expect(await stuckOf(task)).toMatchObject([
      {
        taskId,
        kind: "dead_letter",
        work: "trace",
        attempt: 1,
        tries: 5,
        errorClass: "TypeError",
        error: "cannot read …",
      },
    ]);
  });

  test("in an auction ends its task as well", async () => {
    const day = await openMarket();
    const { taskId, room, opening } = await admitOnly(day);
    await room.beginAuction(1, { opening, started: [] });
    clock.pass(config.leaseMs + 1);
    await day.ringMarket();
    // Nobody's bid is scripted: whoever asks for one fails.
    const deps = traceDeps(new ScriptedModels({}));
    const message = { kind: "auction", tenantId: day.tenantId, taskId, generation: 2 };
    vi.spyOn(TaskRoom.prototype, "beginAuction").mockRejectedValue(new RangeError("no room for it"));
    await failToDeath(deps, message, clock.pass);
    vi.restoreAllMocks();
    await day.market.takeAuction(taskId, 99);
    // The room gives a holder that it may have one lease's time.
    clock.pass(config.leaseMs + 1);
    await ring({ day, taskId, room });
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "dead_lettered" });
    expect(await stuckOf({ day })).toMatchObject([
      { taskId, kind: "dead_letter", work: "auction", attempt: 0, errorClass: "RangeError" },
    ]);
  });

  test("and told of twice, changes nothing the second time", async () => {
    const task = await awardedTask();
    const deps = faultyVerifier(new ScriptedModels({ steps: [SUBMIT] }));
    await failToDeath(deps, traceMessage(task, 1), clock.pass);
    const before = await task.room.view();
    expect(await deliver(deps, traceMessage(task, 1), { queue: "saleroom-dead" })).toMatchObject({
      outcome: "acked",
    });
    expect(await task.room.view()).toEqual(before);
    expect(await stuckOf(task)).toHaveLength(1);
  });
});

describe("a dead letter", () => {
  test("of work that moved on is dropped", async () => {
    const task = await awardedTask();
    const steps = [USE_TOOL, SUBMIT];
    const tool = {
      ...countingTool(),
      execute: async () => {
        clock.pass(config.sliceMs + 1);
        return { ok: true, output: "slow" } as const;
      },
    };
    const slow = traceDeps(new ScriptedModels({ steps }), { tools: [tool] });
    expect((await deliver(slow, traceMessage(task, 1))).outcome).toBe("acked");
    await deliver(slow, traceMessage(task, 1), { queue: "saleroom-dead" });
    expect(await task.room.view()).toMatchObject({ state: "running", steps: 1 });
    await deliver(slow, traceMessage(task, 2));
    expect(await task.room.view()).toMatchObject({ state: "finished" });
    expect(await stuckOf(task)).toEqual([]);
  });

  test("about rooms that could not be reached costs no task: the work is announced again", async () => {
    const task = await awardedTask();
    const unreachable = vi
      .spyOn(TaskRoom.prototype, "takeTrace")
      .mockRejectedValue(new Error("no such host"));
    const models = new ScriptedModels({ steps: [SUBMIT] });
    await failToDeath(traceDeps(models), traceMessage(task, 1), clock.pass);
    unreachable.mockRestore();
    expect(await task.room.view()).toMatchObject({ state: "awarded" });
    await deliver(traceDeps(models), traceMessage(task, 2));
    expect(await task.room.view()).toMatchObject({ state: "finished", outcome: "pass" });
  });

  test("that cannot be told is kept by its queue, and told later", async () => {
    const task = await awardedTask();
    const deps = faultyVerifier(new ScriptedModels({ steps: [SUBMIT] }));
    const down = vi.spyOn(TaskRoom.prototype, "buryTrace").mockRejectedValue(new Error("down"));
    for (let attempts = 1; attempts <= 5; attempts += 1)
      await deliver(deps, traceMessage(task, 1), { attempts });
    const letter = { queue: "saleroom-dead", attempts: 3 };
    expect(await deliver(deps, traceMessage(task, 1), letter)).toEqual({ outcome: "retried", delayS: 120 });
    down.mockRestore();
    expect((await deliver(deps, traceMessage(task, 1), letter)).outcome).toBe("acked");
    expect(await task.room.view()).toMatchObject({ failureReason: "dead_lettered" });
  });

  test("of a task whose end could not be told yet: the operator sees it as soon as that is", async () => {
    const task = await awardedTask();
    const deps = faultyVerifier(new ScriptedModels({ steps: [SUBMIT] }));
    const down = vi.spyOn(MarketRoom.prototype, "ended").mockRejectedValue(new Error("down"));
    await failToDeath(deps, traceMessage(task, 1), clock.pass);
    expect(await stuckOf(task)).toEqual([]);
    down.mockRestore();
    clock.pass(60_001);
    await ring(task);
    expect(await stuckOf(task)).toMatchObject([{ kind: "dead_letter" }]);
    expect(await task.room.view()).toMatchObject({ state: "failed" });
  });
});

describe("a failed slice", () => {
  test("passes by: the message that comes again goes on from the last commit", async () => {
    const task = await awardedTask();
    const models = new ScriptedModels({ steps: [USE_TOOL, SUBMIT] });
    const once = vi.spyOn(TaskRoom.prototype, "commitTools").mockRejectedValueOnce(new Error("a hiccup"));
    const deps = traceDeps(models, { tools: [countingTool()] });
    expect(await deliver(deps, traceMessage(task, 1))).toEqual({ outcome: "retried", delayS: 2 });
    once.mockRestore();
    expect((await deliver(deps, traceMessage(task, 1), { attempts: 2 })).outcome).toBe("acked");
    expect(models.asked).toHaveLength(2);
    expect(await task.room.view()).toMatchObject({ state: "finished", steps: 2 });
  });

  test("whose message gets lost is announced again by the room's timer, not before it would have come", async () => {
    const task = await awardedTask();
    const deps = faultyVerifier(new ScriptedModels({ steps: [SUBMIT] }));
    await deliver(deps, traceMessage(task, 1), { attempts: 4 });
    clock.pass(config.pickupMs + 249_000);
    await ring(task);
    expect((await task.room.traceHealth())?.reminders).toBe(0);
    clock.pass(1_001);
    await ring(task);
    expect((await task.room.traceHealth())?.reminders).toBe(1);
  });

  test("of a task that was asked to stop ends it", async () => {
    const task = await awardedTask();
    const deps = traceDeps(new ScriptedModels({ steps: [SUBMIT] }), {
      verify: async () => {
        await task.day.market.cancel(task.taskId);
        throw new Error("and failed");
      },
    });
    await deliver(deps, traceMessage(task, 1));
    expect(await task.room.view()).toMatchObject({ state: "cancelled" });
  });
});

describe("a message that nobody can read", () => {
  test.each(["saleroom-work", "saleroom-dead"])(
    "from %s is kept for the operator, once, without its text",
    async (queue) => {
      const deps = traceDeps(new ScriptedModels({}));
      const body = { kind: "trace", tenantId: "my secret", more: "my prompt" };
      expect((await deliver(deps, body, { queue })).outcome).toBe("acked");
      const kept = (await readStuck(env.DB, { limit: 1_000 })).filter(({ work }) => work === queue);
      expect(kept).toMatchObject([{ kind: "unreadable", tenantId: null, taskId: null }]);
      expect(JSON.stringify(kept)).not.toMatch(/my secret|my prompt|more/);
    },
  );

  test("stays in its queue while it cannot be kept", async () => {
    const deps = traceDeps(new ScriptedModels({}));
    const db = { prepare: () => { throw new Error("D1 is down"); } } as unknown as D1Database; // oxfmt-ignore
    const down = { ...deps, config: { ...deps.config, db } };
    expect(await deliver(down, "not even an object")).toMatchObject({ outcome: "retried" });
  });
});
