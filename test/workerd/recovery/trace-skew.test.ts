/** While a deployment rolls out, new holders and Workers meet rooms that the version before still runs. */
import { describe, expect, test } from "vitest";
import type { CallFailure } from "../../../src/market/call.ts";
import type { TaskId, TenantId } from "../../../src/market/ids.ts";
import type { ToolOutcome } from "../../../src/market/step.ts";
import type { TaskRoomApi, TraceView } from "../../../src/taskroom/task-room-api.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import type { TraceDeps } from "../../../src/trace/trace-run.ts";
import { ScriptedModels, type ScriptedStep } from "../../support/scripted-models.ts";
import { appWith, holdTask, openTenant } from "../api/support.ts";
import { awardedTask, config, countingTool, useStoppedClock, traceDeps } from "../rooms/market-day.ts";
import { SUBMIT, USE_TOOL } from "../rooms/stuck-day.ts";

useStoppedClock();

/** Rooms whose calls of these names answer otherwise. */
function roomsThat(other: (room: TaskRoomApi) => Partial<TaskRoomApi>): typeof config {
  const taskRoom = <Port>(tenantId: TenantId, taskId: TaskId): Port => {
    const room = config.taskRoom<TaskRoomApi & object>(tenantId, taskId);
    const others = other(room);
    return new Proxy(room, {
      get: (_room, method) => Reflect.get(method in others ? others : room, method) as unknown,
    }) as Port;
  };
  return { ...config, taskRoom };
}

describe("a holder, of a room of the version before", () => {
  /** It knows of no refusals for length, and goes on behind a submission that is committed with its tools' answers. */
  function before(deps: TraceDeps) {
    const told: CallFailure[] = [];
    const older = roomsThat((room) => ({
      takeTrace: async (attempt, generation) => {
        const taken = await room.takeTrace(attempt, generation);
        if (!taken.ok) return taken;
        const { refused: _unknown, ...value } = taken.value;
        return { ok: true, value };
      },
      commitTools: async (generation, step, outcomes) =>
        room.commitTools(generation, step, outcomes.map(untaken)),
      failTraceCall: async (generation, call, failure) => {
        told.push(failure);
        return room.failTraceCall(generation, call, failure);
      },
    }));
    return { deps: { ...deps, config: older }, told };
  }
  const untaken = (outcome: ToolOutcome): ToolOutcome =>
    outcome.ok && outcome.output === "received"
      ? { ok: false, error: { code: "not_submitted", message: "" } }
      : outcome;

  test("hands a result in at once, whatever it has called beside it", async () => {
    const { room, message } = await awardedTask();
    const tool = countingTool();
    const both: ScriptedStep = {
      calls: [
        { tool: "http", input: { url: "x" } },
        { tool: "submit", input: { result: "42" } },
      ],
    };
    const models = new ScriptedModels({ steps: [both, { text: "I have handed it in." }] });
    const { deps } = before(traceDeps(models, { tools: [tool] }));
    await runSlice(deps, message(1));
    expect(await room.view()).toMatchObject({ state: "finished", result: "42", steps: 1 });
    expect((await room.readTrace())?.steps[0]?.toolCalls).toMatchObject([
      { outcome: { ok: false, error: { code: "not_run" } } },
      { outcome: { ok: true, output: "received" } },
    ]);
    expect(tool.keys).toEqual([]);
  });

  const tooLong: ScriptedStep = { fails: "context_refused" };

  test("tells what is too long, and can be asked for shorter, as an error that may pass", async () => {
    const { room, message } = await awardedTask();
    const page = { ok: true, output: "a page of text, ".repeat(2_500) } as const;
    const tool = { ...countingTool(), execute: async () => page };
    const models = new ScriptedModels({ steps: [USE_TOOL, [tooLong, SUBMIT]] });
    const { deps, told } = before(traceDeps(models, { tools: [tool] }));
    await runSlice(deps, message(1));
    expect(told).toMatchObject([{ reason: "provider_error", mayPass: true }]);
    expect(await room.view()).toMatchObject({ state: "finished", result: "42", steps: 2 });
  });

  test("tells what cannot be asked for shorter as an error that stays", async () => {
    const { room, message } = await awardedTask();
    const models = new ScriptedModels({ steps: [USE_TOOL, tooLong] });
    const { deps, told } = before(traceDeps(models, { tools: [countingTool()] }));
    await runSlice(deps, message(1));
    expect(told).toMatchObject([{ reason: "provider_error", mayPass: false }]);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "agent_failed" });
  });
});

describe("a trace that is read", () => {
  const whole = { steps: [{ attempt: 1, step: 1 }], calls: [{ callId: "cal_1" }] } as unknown as TraceView;

  async function readWith(readTracePage: TaskRoomApi["readTracePage"]) {
    const tenant = await openTenant();
    const taskId = await holdTask(tenant);
    const app = appWith(roomsThat(() => ({ readTracePage, readTrace: async () => whole })));
    const response = await app.request(`/v1/tasks/${taskId}/trace`, { headers: tenant.auth });
    return { response, taskId };
  }

  test("of a room of the version before is one page: it knows of no others", async () => {
    const { response, taskId } = await readWith(async () => {
      // What workerd answers for a room that has no such call; the test runner, which stands between, has other words.
      throw new TypeError('The RPC receiver does not implement the method "readTracePage".');
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ object: "trace", taskId, ...whole });
  });

  test("of a room that fails otherwise is not asked for at once", async () => {
    const { response } = await readWith(async () => {
      throw new TypeError("broken");
    });
    expect(response.status).toBe(500);
  });
});
