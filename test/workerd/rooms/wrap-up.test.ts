/** A limit leaves one step, in which the agent hands in what it has: once, within every cap, whoever dies on the way. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { CallLimits, ModelPort, StepRequest } from "../../../src/agents/model-port.ts";
import type { Agent } from "../../../src/market/agent.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import type { TraceDeps } from "../../../src/trace/trace-run.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels, USAGE, WorkerDied, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  config,
  countingTool,
  eventsOf,
  evictRooms,
  openMarket,
  useStoppedClock,
  traceDeps,
  type TaskStub,
} from "./market-day.ts";
import {
  accountOf,
  awardedTask,
  BIDS_MICROS,
  limited,
  plannedMicros,
  SUBMIT,
  usd,
  USE_TOOL,
} from "./money-day.ts";

const clock = useStoppedClock();

const TALK: ScriptedStep = { text: "half of it" };

interface Pricing {
  readonly bound: number;
  readonly cost: number;
  readonly wrapUp?: number;
}

/** Scripted models that note how each step was asked; while tools run, a `pass` of the clock may be had. */
function noting(steps: readonly ScriptedStep[], { bound, cost, wrapUp = bound }: Pricing = FREE) {
  const models = new ScriptedModels({ steps });
  const asked: (string | undefined)[] = [];
  const port: ModelPort = {
    juryBound: models.juryBound,
    rule: async (agent) => models.rule(agent),
    rulingBound: models.rulingBound,
    bidBound: models.bidBound,
    bid: async (agent, input) => models.bid(agent, input),
    judge: async (agent, input) => models.judge(agent, input),
    step: async (agent: Agent, request: StepRequest, _limits: CallLimits) => {
      asked.push(request.wrapUp);
      const answer = await models.step(agent, request);
      if (!answer.ok || answer.bill.status !== "billed") return answer;
      return { ...answer, bill: { ...answer.bill, usage: USAGE, costMicros: asMicros(cost) } };
    },
    stepBound: (_agent, request) => asMicros(request.wrapUp === undefined ? bound : wrapUp),
    wrapUpBound: () => asMicros(wrapUp),
  };
  return { port, asked };
}
const FREE: Pricing = { bound: 1, cost: 1 };

async function awarded(input: Partial<TaskInput> = {}, budget?: number) {
  const day = await openMarket(budget === undefined ? {} : { budget: limited({ totalMicros: budget }) });
  const { taskId, room } = await awardedTask(day, input);
  const slice = async (models: ModelPort, generation = 1, deps: Partial<TraceDeps> = {}) => {
    const tool = countingTool();
    const message = { kind: "trace", tenantId: day.tenantId, taskId, attempt: 1, generation } as const;
    await runSlice(traceDeps(models, { tools: [tool], ...deps }), message);
    return tool.keys.length;
  };
  return { day, taskId, room, slice };
}

async function askedEvents(room: TaskStub) {
  return (await eventsOf(room)).filter(({ type }) => type === "wrap-up-asked");
}

describe("the step limit", () => {
  test("makes the last step the wrap-up, and what it hands in is verified as any result", async () => {
    const { room, slice } = await awarded({ limits: { maxSteps: 3 } });
    const { port, asked } = noting([USE_TOOL, USE_TOOL, SUBMIT]);
    expect(await slice(port)).toBe(2);
    expect(asked).toEqual([undefined, undefined, "step_limit"]);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", result: "42", steps: 3 });
    expect(await askedEvents(room)).toMatchObject([{ attempt: 1, step: 3, limit: "step_limit" }]);
  });

  test("takes a plain answer for the result, too", async () => {
    const { room, slice } = await awarded({ limits: { maxSteps: 2 } });
    await slice(noting([USE_TOOL, { text: "42" }]).port);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", result: "42" });
  });

  test("runs no other tool, and ends by its reason with what the agent wrote last", async () => {
    const { room, slice, day, taskId } = await awarded({ limits: { maxSteps: 2 } });
    const { port, asked } = noting([USE_TOOL, USE_TOOL, SUBMIT]);
    const talking: ModelPort = {
      ...port,
      step: async (agent, request, limits) => {
        const answer = await port.step(agent, request, limits);
        return answer.ok ? { ...answer, value: { ...answer.value, text: "half of it" } } : answer;
      },
    };
    expect(await slice(talking)).toBe(1);
    expect(asked).toHaveLength(2);
    expect(await room.view()).toMatchObject({
      state: "failed",
      failureReason: "step_limit",
      result: null,
      partialResult: "half of it",
      steps: 2,
    });
    const [, last] = (await room.readTrace())?.steps ?? [];
    expect(last?.toolCalls).toMatchObject([{ outcome: { ok: false, error: { code: "not_run" } } }]);
    expect((await accountOf(day, taskId)).heldMicros).toBe(0);
    const usage = await day.market.readBooks({ kind: "usage", from: "2000-01-01", to: "2999-12-31" });
    expect(usage).toContainEqual(expect.objectContaining({ kind: "tool", calls: 1 }));
  });

  test("ends by its reason where the provider gives no wrap-up", async () => {
    const { room, slice } = await awarded({ limits: { maxSteps: 2 } });
    await slice(noting([USE_TOOL, { fails: "misconfigured" }]).port);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "step_limit", steps: 1 });
  });
});

/** A task that may cost this much, and what its auction leaves of it. */
async function money() {
  const most = (await plannedMicros()) + 20_000;
  const part = (share: number) => Math.floor(share * (most - BIDS_MICROS));
  return { most, part };
}

describe("what a task may cost", () => {
  test.each(["cost_limit", "budget"] as const)(
    "(%s) begins a step only where the wrap-up behind it is left, and then asks for that",
    async (limit) => {
      const { most, part } = await money();
      const maxCostUsd = limit === "cost_limit" ? usd(most) : null;
      const budget = limit === "budget" ? most : undefined;
      const { room, slice, day, taskId } = await awarded({ limits: { maxCostUsd } }, budget);
      // A second step would fit, and no wrap-up behind it.
      const pricing = { bound: part(0.45), cost: part(0.45), wrapUp: part(0.2) };
      const { port, asked } = noting([USE_TOOL, SUBMIT], pricing);
      await slice(port);
      expect(asked).toEqual([undefined, limit]);
      expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
      expect(await askedEvents(room)).toMatchObject([{ step: 2, limit }]);
      const { chargedMicros, heldMicros } = await accountOf(day, taskId);
      expect(heldMicros).toBe(0);
      expect(chargedMicros).toBeLessThanOrEqual(most);
    },
  );

  test("ends by its reason where not even the wrap-up is left, and no call is made for it", async () => {
    const { most, part } = await money();
    const { room, slice } = await awarded({ limits: { maxCostUsd: usd(most) } });
    const pricing = { bound: part(0.6), cost: part(0.6), wrapUp: part(0.5) };
    const { port, asked } = noting([USE_TOOL, SUBMIT], pricing);
    await slice(port);
    expect(asked).toEqual([undefined]);
    expect(await room.view()).toMatchObject({ state: "failed", failureReason: "cost_limit", steps: 1 });
    expect(await askedEvents(room)).toEqual([]);
  });

  test("keeps nothing back before the first step: there is nothing yet that could be lost", async () => {
    const { most, part } = await money();
    const { room, slice } = await awarded({ limits: { maxCostUsd: usd(most) } });
    const { port, asked } = noting([SUBMIT], { bound: part(0.9), cost: 10, wrapUp: part(0.9) });
    await slice(port);
    expect(asked).toEqual([undefined]);
    expect((await room.view())?.outcome).toBe("pass");
  });
});

describe("the deadline", () => {
  const limits = { deadlineS: 600 };

  test("asks for the wrap-up once less is left than twice the longest call took", async () => {
    const { room, slice } = await awarded({ limits });
    const { port, asked } = noting([USE_TOOL, USE_TOOL, SUBMIT]);
    const slow = {
      ...port,
      step: async (agent: Agent, request: StepRequest, callLimits: CallLimits) => {
        clock.pass(request.history.length === 0 ? 100_000 : 310_000);
        const answer = await port.step(agent, request, callLimits);
        return { ...answer, ms: request.history.length === 0 ? 100_000 : 310_000 };
      },
    };
    const deps = { config: { ...config, sliceMs: 600_000 } };
    await slice(slow, 1, deps);
    // After 410 s of 600 s, 190 s are left, and the longest call took 310 s.
    expect(asked).toEqual([undefined, undefined, "deadline"]);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass" });
    expect(await askedEvents(room)).toMatchObject([{ step: 3, limit: "deadline" }]);
  });

  test("is decided alike by the next holder, from what is committed", async () => {
    const { day, room, slice } = await awarded({ limits });
    const { port, asked } = noting([USE_TOOL, SUBMIT]);
    const slow = {
      ...port,
      step: async (agent: Agent, request: StepRequest, callLimits: CallLimits) => {
        clock.pass(250_000);
        return { ...(await port.step(agent, request, callLimits)), ms: 250_000 };
      },
    };
    await slice(slow);
    expect(await room.view()).toMatchObject({ state: "running", steps: 1 });
    await evictRooms(day.market, room);
    const next = noting([USE_TOOL, SUBMIT]);
    await slice(next.port, 2);
    expect([asked, next.asked]).toEqual([[undefined], ["deadline"]]);
    expect((await room.view())?.outcome).toBe("pass");
  });

  test("cuts a call off that would leave no time for it: that call is paid, and the wrap-up is asked", async () => {
    const { day, taskId, room, slice } = await awarded({ limits });
    const { port, asked } = noting([USE_TOOL, SUBMIT]);
    let given = 0;
    const hanging = {
      ...port,
      step: async (agent: Agent, request: StepRequest, callLimits: CallLimits) => {
        if (request.wrapUp !== undefined || request.history.length === 0)
          return port.step(agent, request, callLimits);
        given = callLimits.deadlineAtMs - Date.now();
        clock.pass(given);
        const failure = { reason: "timeout", message: "cut off" } as const;
        return { ok: false, failure, bill: { status: "unconfirmed" }, ms: given, requests: 1 } as const;
      },
    };
    await slice(hanging, 1, { config: { ...config, sliceMs: 600_000, modelCallMs: 600_000 } });
    // The whole ten minutes but the five seconds that stand for a call.
    expect(given).toBe(595_000);
    expect(asked).toEqual([undefined, "deadline"]);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
    const traced = (await room.readTrace())?.calls.filter(({ kind }) => kind === "trace");
    expect(traced?.map(({ status, payer }) => [status, payer]).toSorted()).toEqual([
      ["billed", "tenant"],
      ["billed", "tenant"],
      ["unconfirmed", "tenant"],
    ]);
    expect((await accountOf(day, taskId)).heldMicros).toBe(0);
  });

  test("cuts tools off, too, and the agent is told why", async () => {
    const { room, slice } = await awarded({ limits: { deadlineS: 5 } });
    const { port, asked } = noting([USE_TOOL, SUBMIT]);
    const deaf = { ...countingTool(), execute: async () => new Promise<never>(() => undefined) };
    const late: ModelPort = {
      ...port,
      step: async (agent, request, callLimits) => {
        // All but 10 ms of what tools may take.
        if (request.history.length === 0) clock.pass(4_490);
        return port.step(agent, request, callLimits);
      },
    };
    await slice(late, 1, traceDeps(late, { tools: [deaf] }));
    expect(asked).toEqual([undefined, "deadline"]);
    const [first] = (await room.readTrace())?.steps ?? [];
    expect(first?.toolCalls[0]?.outcome).toMatchObject({ ok: false, error: { code: "timed_out" } });
  });
});

describe("a holder that dies after it has asked", () => {
  test("is followed by one that asks for the same, and no more than one wrap-up step commits", async () => {
    const { day, room, slice } = await awarded({ limits: { maxSteps: 2 } });
    const { port } = noting([USE_TOOL, SUBMIT]);
    const dying: ModelPort = {
      ...port,
      step: async (agent, request, limits) => {
        if (request.wrapUp !== undefined) throw new WorkerDied();
        return port.step(agent, request, limits);
      },
    };
    await expect(slice(dying)).rejects.toThrow(WorkerDied);
    await evictRooms(day.market, room);
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    const next = noting([USE_TOOL, SUBMIT]);
    await slice(next.port, 2);
    expect(next.asked).toEqual(["step_limit"]);
    expect(await room.view()).toMatchObject({ state: "finished", outcome: "pass", steps: 2 });
    expect(await askedEvents(room)).toHaveLength(1);
  });

  test("asks for the wrap-up and nothing else, though the limit would leave more by then", async () => {
    const { most, part } = await money();
    const { day, room, slice } = await awarded({}, most);
    const pricing: Pricing = { bound: part(0.45), cost: part(0.45), wrapUp: part(0.2) };
    const { port } = noting([USE_TOOL, SUBMIT], pricing);
    const dying: ModelPort = {
      ...port,
      step: async (agent, request, limits) => {
        if (request.wrapUp !== undefined) throw new WorkerDied();
        return port.step(agent, request, limits);
      },
    };
    await expect(slice(dying)).rejects.toThrow(WorkerDied);
    await day.market.setBudget(limited({ totalMicros: 10 * most }));
    clock.pass(60_001);
    await runDurableObjectAlarm(room);
    const next = noting([USE_TOOL, TALK, SUBMIT], pricing);
    await slice(next.port, 2);
    expect(next.asked).toEqual(["budget"]);
    expect(await room.view()).toMatchObject({ state: "finished", result: "half of it", steps: 2 });
  });
});
