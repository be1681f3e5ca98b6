/** The files of a trace through the real rooms: who may use them, and what survives. */
import { describe, expect, test } from "vitest";
import { runDurableObjectAlarm } from "cloudflare:test";
import { MAX_FILES, MAX_SPACE_BYTES } from "../../../src/market/task-files.ts";
import type { JsonValue } from "../../../src/market/step.ts";
import { filesOffer } from "../../../src/trace/tools/file-tools.ts";
import { createToolbox } from "../../../src/trace/tools/index.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels, type ScriptedStep } from "../../support/scripted-models.ts";
import { attempt, awardedTo, sold } from "./escalation-day.ts";
import { held, hold, openTools, output, refusal } from "./files-day.ts";
import { config, evictRooms, openMarket, useStoppedClock, traceDeps } from "./market-day.ts";

const clock = useStoppedClock();

describe("a trace", () => {
  const tool = (name: string, input: JsonValue): ScriptedStep => ({ tool: name, input });

  test("keeps files from step to step, over slices and a restart of its room", async () => {
    const day = await openMarket();
    const { taskId, room } = await sold(day, { tools: ["files"] });
    const steps = [
      tool("write_file", { path: "notes/plan.md", text: "first" }),
      tool("write_file", { path: "notes/plan.md", text: "second ✓" }),
      tool("write_file", { path: "b.json", text: "{}" }),
      tool("read_file", { path: "notes/plan.md" }),
      tool("list_files", {}),
      tool("delete_file", { path: "b.json" }),
      tool("read_file", { path: "b.json" }),
      { text: "42" },
    ];
    const models = new ScriptedModels({ steps });
    const slow = async (): Promise<void> => {
      clock.pass(config.sliceMs + 1);
      await evictRooms(room);
    };
    const deps = traceDeps(models, {
      openTools: async (slice) => {
        await slow();
        return openTools(slice);
      },
    });
    const message = { kind: "trace", tenantId: day.tenantId, taskId, attempt: 1 } as const;
    for (let generation = 1; (await room.view())?.state !== "finished"; generation += 1) {
      expect(generation).toBeLessThan(20);
      await runSlice(deps, { ...message, generation });
    }
    const outcomes = (await room.readTrace())?.steps.flatMap(({ toolCalls }) =>
      toolCalls.map(({ outcome }) => (outcome.ok ? outcome.output : outcome.error.code)),
    );
    expect(outcomes).toEqual([
      `wrote notes/plan.md (5 bytes); 1 of ${MAX_FILES} files, ${MAX_SPACE_BYTES - 5} bytes are left`,
      `wrote notes/plan.md (10 bytes); 1 of ${MAX_FILES} files, ${MAX_SPACE_BYTES - 10} bytes are left`,
      `wrote b.json (2 bytes); 2 of ${MAX_FILES} files, ${MAX_SPACE_BYTES - 12} bytes are left`,
      "second ✓",
      "b.json 2\nnotes/plan.md 10",
      "there is no b.json any more",
      "not_found",
    ]);
    expect((await room.readFiles(null))?.files).toEqual([
      { path: "notes/plan.md", bytes: 10, writtenAtMs: expect.any(Number) as number },
    ]);
    expect((await room.readFiles("notes/plan.md"))?.text).toBe("second ✓");
  });

  test("whose holder dies before its tools' answers are committed writes the same once more", async () => {
    const { task, call } = await held();
    await call("write_file", { path: "a", text: "one" });
    clock.pass(config.leaseMs + 1);
    await runDurableObjectAlarm(task.room);
    const again = await hold(task, { attempt: 1, generation: 2 });
    expect(await again("write_file", { path: "a", text: "one" })).toMatchObject({ ok: true });
    expect(await again("delete_file", { path: "b" })).toEqual(output("there is no b any more"));
    expect((await task.room.readFiles(null))?.files).toMatchObject([{ path: "a", bytes: 3 }]);
  });

  test("that does not name them has none", async () => {
    const day = await openMarket();
    const { taskId, room } = await sold(day);
    const models = new ScriptedModels({
      steps: [tool("write_file", { path: "a", text: "x" }), { text: "42" }],
    });
    await runSlice(traceDeps(models, { openTools }), {
      kind: "trace",
      tenantId: day.tenantId,
      taskId,
      attempt: 1,
      generation: 1,
    });
    expect((await room.readTrace())?.steps[0]?.toolCalls[0]?.outcome).toMatchObject({
      error: { code: "unknown_tool" },
    });
    expect((await room.readFiles(null))?.files).toEqual([]);
  });
});

describe("only the holder", () => {
  test("writes: what a late one sends is refused, and nothing is read for it either", async () => {
    const { task, call: late } = await held();
    await late("write_file", { path: "a", text: "mine" });
    clock.pass(config.leaseMs + 1);
    await runDurableObjectAlarm(task.room);
    const now = await hold(task, { attempt: 1, generation: 2 });
    await now("write_file", { path: "a", text: "the next one's" });
    for (const [tool, input] of [
      ["write_file", { path: "a", text: "late" }],
      ["write_file", { path: "b", text: "late" }],
      ["delete_file", { path: "a" }],
      ["read_file", { path: "a" }],
      ["list_files", {}],
    ] as const) {
      expect(await late(tool, input), tool).toMatchObject(refusal("cancelled", "ended"));
    }
    expect(await now("read_file", { path: "a" })).toEqual(output("the next one's"));
    expect(await now("list_files", {})).toEqual(output("a 14"));
  });

  test("of a task that is not to stop writes", async () => {
    const { day, task, call } = await held();
    await day.market.cancel(task.taskId);
    expect(await call("write_file", { path: "a", text: "x" })).toMatchObject(refusal("cancelled", "ended"));
  });

  test("of a task that has not ended writes; what was written is there to be read", async () => {
    const { task, call } = await held();
    await call("write_file", { path: "a", text: "kept" });
    await task.room.endTrace(1, null, "agent_failed");
    expect(await call("write_file", { path: "a", text: "late" })).toMatchObject(
      refusal("cancelled", "ended"),
    );
    expect((await task.room.readFiles("a"))?.text).toBe("kept");
  });

  test("nobody writes what is no path, whoever asks", async () => {
    const { task } = await held();
    expect(await task.room.useFiles(1, { kind: "write", path: "../a", text: "x" })).toEqual({
      ok: false,
      failure: { reason: "bad_path" },
    });
  });
});

describe("calls of one step", () => {
  test("run in the order in which they were asked for", async () => {
    const { call } = await held();
    const results = await Promise.all([
      call("write_file", { path: "a", text: "1" }),
      call("read_file", { path: "a" }),
      call("write_file", { path: "a", text: "22" }),
      call("read_file", { path: "a" }),
      call("delete_file", { path: "a" }),
      call("read_file", { path: "a" }),
      call("write_file", { path: "a", text: "333" }),
      call("list_files", {}),
    ]);
    expect(results.map((one) => (one.ok ? one.output : one.error.code))).toEqual([
      expect.stringContaining("1 bytes"),
      "1",
      expect.stringContaining("2 bytes"),
      "22",
      "there is no a any more",
      "not_found",
      expect.stringContaining("3 bytes"),
      "a 3",
    ]);
  });
});

describe("after a verifier's fail", () => {
  test("the next attempt begins with none, and the late holder of the first reaches neither", async () => {
    const { day, task, call: first } = await held();
    await first("write_file", { path: "a", text: "misleading" });
    await task.room.handOver(1);
    await attempt(day, task, { attempt: 1, generation: 2, result: "41" });
    await awardedTo(task.room, 2);
    const generation = 3;
    const second = await hold(task, { attempt: 2, generation });
    expect(await second("list_files", {})).toEqual(output("no files"));
    expect(await first("write_file", { path: "a", text: "late" })).toMatchObject(
      refusal("cancelled", "ended"),
    );
    await second("write_file", { path: "b", text: "mine" });
    expect((await task.room.readFiles(null))?.files).toMatchObject([{ path: "b" }]);
  });
});

test("bidders are told of each tool, and of none that the task does not name", () => {
  const { menu } = createToolbox([filesOffer]);
  expect(menu(["files"], []).map(({ name }) => name)).toEqual([
    "write_file",
    "read_file",
    "list_files",
    "delete_file",
  ]);
  expect(menu(["http"], [])).toEqual([]);
});
