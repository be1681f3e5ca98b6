/** A task whose verdict is a panel's: who is asked, what is paid, and what survives. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, test, vi } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { aUsage } from "../../support/builders.ts";
import { BOUND, ScriptedModels, WorkerDied } from "../../support/scripted-models.ts";
import { awardedTo, journalOf, sold, type EscalatedTask } from "./escalation-day.ts";
import {
  CHEAP,
  config,
  DEAR,
  MIDDLE,
  openMarket,
  useStoppedClock,
  traceDeps,
  types,
  type MarketDay,
} from "./market-day.ts";
import { accountOf, booksOf, limited } from "./money-day.ts";

const clock = useStoppedClock();

const JUDGED = { type: "judge", rubric: "The result is 42.", panel: 3 } as const;
type Rulings = NonNullable<ConstructorParameters<typeof ScriptedModels>[0]["rulings"]>;
const PASS: Rulings = { [CHEAP]: "pass", [MIDDLE]: "pass" };

/** Carries an attempt out and has it judged; returns whom the models were asked as. */
async function judged(
  day: MarketDay,
  { taskId }: Pick<EscalatedTask, "taskId">,
  of: {
    readonly rulings: Rulings;
    readonly attempt?: number;
    readonly generation?: number;
    readonly diesAtCall?: number;
  },
): Promise<readonly string[]> {
  const { rulings, attempt: number = 1, generation = number, diesAtCall } = of;
  const models = new ScriptedModels({
    steps: [{ text: "41" }],
    rulings,
    ...(diesAtCall !== undefined && { diesAtCall }),
  });
  const work = { kind: "trace", tenantId: day.tenantId, taskId, attempt: number, generation } as const;
  await runSlice(traceDeps(models), work);
  return models.asked;
}

const judgedBy = (asked: readonly string[]) => asked.filter((call) => call.startsWith("judge")).toSorted();

describe("a panel", () => {
  test("is asked about the result: never the agent that did the work; the majority decides", async () => {
    const day = await openMarket();
    const task = await sold(day, { verifier: JUDGED });
    const asked = await judged(day, task, { rulings: PASS });
    expect(judgedBy(asked)).toEqual([`judge ${CHEAP}`, `judge ${MIDDLE}`]);
    const view = await task.room.view();
    expect(view).toMatchObject({
      state: "finished",
      outcome: "pass",
      agentId: DEAR,
      verdict: { verifier: "judge" },
    });
    expect(view?.verdict?.evidence).toContain("2 of 3 judges say pass, 0 say fail");
    const events = await journalOf(task.room);
    expect(types(events).slice(-5)).toEqual([
      "trace-ended",
      "ruling-received",
      "ruling-received",
      "verification-ended",
      "task-finished",
    ]);
  });

  test.each<[string, Rulings, string, string]>([
    ["that is split", { [CHEAP]: "pass", [MIDDLE]: "fail" }, "unknown", "a tie"],
    ["that says fail", { [CHEAP]: "fail", [MIDDLE]: "fail" }, "fail", "2 say fail"],
    ["of which one cannot tell", { [CHEAP]: "pass", [MIDDLE]: "unknown" }, "unknown", "fewer than 2 decided"],
    [
      "of which one does not answer",
      { [CHEAP]: "pass", [MIDDLE]: "timeout" },
      "unknown",
      "no answer: timeout",
    ],
    [
      "that writes nonsense",
      { [CHEAP]: "malformed", [MIDDLE]: "malformed" },
      "unknown",
      "no answer: malformed",
    ],
  ])("%s: %j is %s", async (_what, rulings, outcome, evidence) => {
    const day = await openMarket();
    const task = await sold(day, { verifier: JUDGED, escalation: { mode: "none" } });
    await judged(day, task, { rulings });
    const view = await task.room.view();
    expect(view).toMatchObject({ state: "finished", outcome });
    expect(view?.verdict?.evidence).toContain(evidence);
    expect((await booksOf(day)).balances.held).toBe(0);
  });

  test("of one asks one", async () => {
    const day = await openMarket();
    const task = await sold(day, { verifier: { ...JUDGED, panel: 1 } });
    const asked = await judged(day, task, { rulings: PASS });
    expect(judgedBy(asked)).toHaveLength(1);
    expect((await task.room.view())?.outcome).toBe("pass");
  });

  test("that says fail leads on, and the next attempt is judged by the others", async () => {
    const day = await openMarket();
    const task = await sold(day, { verifier: JUDGED });
    await judged(day, task, { rulings: { [CHEAP]: "fail", [MIDDLE]: "fail" } });
    await awardedTo(task.room, 2);
    const asked = await judged(day, task, { rulings: { [CHEAP]: "pass", [DEAR]: "pass" }, attempt: 2 });
    expect(judgedBy(asked)).toEqual([`judge ${CHEAP}`, `judge ${DEAR}`]);
    expect(await task.room.view()).toMatchObject({ agentId: MIDDLE, outcome: "pass", attempts: 2 });
  });

  test("has nobody on it who worked on the result before", async () => {
    const day = await openMarket();
    const { room } = await sold(day, { verifier: JUDGED });
    await room.takeTrace(1, 1);
    // As an attempt of the same line leaves it: another agent made a step of this trace.
    const call = {
      callId: newId("cal", config.source),
      kind: "trace",
      agentId: MIDDLE,
      boundMicros: asMicros(9),
    } as const;
    await room.startTraceCall(1, call);
    const opened = await room.openPanel(1);
    expect(opened.ok && opened.value.judges.map(({ id }) => id)).toEqual([CHEAP]);
  });
});

describe("its money", () => {
  test("is paid by the task, as calls of a kind of their own, and is no cost of the agent's traces", async () => {
    const day = await openMarket();
    const task = await sold(day, { verifier: JUDGED });
    await judged(day, task, { rulings: PASS });
    const { calls } = (await task.room.readTrace()) ?? { calls: [] };
    const judges = calls.filter(({ kind }) => kind === "judge");
    expect(
      judges.map(({ agentId, attempt: number, status, boundMicros }) => [
        agentId,
        number,
        status,
        boundMicros,
      ]),
    ).toEqual(expect.arrayContaining([CHEAP, MIDDLE].map((id) => [id, 1, "billed", BOUND])));
    const view = await task.room.view();
    // 1,000 tokens in at a quarter of the price of output, 200 out: 45 and 450.
    expect(view?.costs.judgeMicros).toBe(495);
    expect(view?.usage.judge).toMatchObject({ inputTokens: 2_000, outputTokens: 400 });
    const { embedMicros, bidMicros, juryMicros, refineMicros, traceMicros, judgeMicros } = view?.costs ?? {};
    const parts = [embedMicros, bidMicros, juryMicros, refineMicros, traceMicros, judgeMicros];
    expect(parts.reduce((sum: number, part) => sum + (part ?? 0), 0)).toBe(view?.costMicros);
    const usage = await day.market.readBooks({ kind: "usage", from: "2000-01-01", to: "2999-12-31" });
    expect(JSON.stringify(usage)).toContain('"kind":"judge"');
    const { trace } = (await reported(day, task)) ?? {};
    expect(trace?.costMicros).toBe(traceMicros);
    await booksOf(day);
  });

  /** The trace's figures, as the attempt's report has them. */
  async function reported(day: MarketDay, { taskId }: EscalatedTask) {
    const rows = await day.market.historyBatch(100);
    const row = rows.find((one) => one.row.table === "traces" && one.row.taskId === taskId)?.row;
    return row?.table === "traces" ? { trace: { costMicros: row.costMicros } } : null;
  }

  test("where it lacks leaves the verdict unknown, and says why", async () => {
    const day = await openMarket();
    const task = await sold(day, { verifier: JUDGED, escalation: { mode: "none" } });
    const { room, taskId } = task;
    // All that its auction has cost is booked.
    await room.wake();
    await room.takeTrace(1, 1);
    const callId = newId("cal", config.source);
    const { heldMicros, chargedMicros } = await accountOf(day, taskId);
    const rest = asMicros(heldMicros - 100);
    await room.startTraceCall(1, { callId, kind: "trace", agentId: DEAR, boundMicros: rest });
    const usage = aUsage();
    const step = { step: 1, text: "41", toolCalls: [], assistant: null, usage, costMicros: rest };
    const bill = { status: "billed", usage, costMicros: rest } as const;
    await room.commitAnswer(1, { callId, bill, ms: 1 }, step, "41");
    await day.market.setBudget(limited({ totalMicros: heldMicros + chargedMicros }));
    clock.pass(config.leaseMs);
    await runDurableObjectAlarm(room);
    const asked = await judged(day, task, { rulings: PASS, generation: 2 });
    expect(asked).toEqual([]);
    const view = await room.view();
    expect(view).toMatchObject({ state: "finished", outcome: "unknown" });
    expect(view?.verdict?.evidence).toContain("no answer: unaffordable");
  });
});

describe("a panel whose holder dies", () => {
  test("is asked on: who has spoken is not asked again, and who had not is paid once", async () => {
    const day = await openMarket();
    const task = await sold(day, { verifier: JUDGED });
    // The step and one judge are asked; the next call is the last thing that this Worker does.
    await expect(judged(day, task, { rulings: PASS, diesAtCall: 3 })).rejects.toThrow(WorkerDied);
    await vi.waitFor(async () => {
      const { calls } = (await task.room.readTrace()) ?? { calls: [] };
      expect(
        calls
          .filter(({ kind }) => kind === "judge")
          .map(({ status }) => status)
          .toSorted(),
      ).toEqual(["billed", "started"]);
    });
    clock.pass(config.leaseMs);
    await runDurableObjectAlarm(task.room);
    const again = await judged(day, task, { rulings: PASS, generation: 2 });
    expect(again).toHaveLength(1);
    const view = await task.room.view();
    expect(view?.outcome).toBe("pass");
    const { calls } = (await task.room.readTrace()) ?? { calls: [] };
    const judges = calls.filter(({ kind }) => kind === "judge");
    // The dead Worker's call is the house's.
    expect(judges.map(({ payer, status }) => `${payer} ${status}`).toSorted()).toEqual([
      "lost unconfirmed",
      "tenant billed",
      "tenant billed",
    ]);
    expect(view?.costs.judgeMicros).toBe(495);
    const events = await journalOf(task.room);
    expect(types(events).filter((type) => type === "ruling-received")).toHaveLength(2);
    await booksOf(day);
  });

  test("and comes back late pays for its call, and its word does not count", async () => {
    const day = await openMarket();
    const { room } = await sold(day, { verifier: JUDGED });
    await room.takeTrace(1, 1);
    const callId = newId("cal", config.source);
    const boundMicros = asMicros(900);
    await room.startTraceCall(1, { callId, kind: "judge", agentId: CHEAP, boundMicros });
    clock.pass(config.leaseMs);
    await runDurableObjectAlarm(room);
    const usage = aUsage();
    const ended = { callId, bill: { status: "billed", usage, costMicros: asMicros(700) }, ms: 1 } as const;
    const word = {
      status: "ruled",
      verdict: "pass",
      reason: "late",
      costMicros: asMicros(700),
      ms: 1,
    } as const;
    expect(await room.commitRuling(1, ended, { ...word, agentId: CHEAP })).toBe("lost");
    const { calls } = (await room.readTrace()) ?? { calls: [] };
    const late = calls.find((call) => call.callId === callId);
    expect(late).toMatchObject({ status: "billed", costMicros: 700, payer: "lost" });
    expect((await room.takeTrace(1, 2)).ok).toBe(true);
    expect(await room.openPanel(2)).toMatchObject({ ok: true, value: { rulings: [] } });
  });

  test("hears of a cancel, and the task ends cancelled", async () => {
    const day = await openMarket();
    const { room, taskId } = await sold(day, { verifier: JUDGED });
    await room.takeTrace(1, 1);
    await day.market.cancel(taskId);
    expect(await room.openPanel(1)).toEqual({ ok: false, failure: { answer: "stop" } });
    await room.endTrace(1, null, "stopped");
    expect((await room.view())?.state).toBe("cancelled");
  });
});
