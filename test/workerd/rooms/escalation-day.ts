/** A market day on which tasks may be escalated, and a test says what each attempt hands in. */
import { expect, vi } from "vitest";
import { runDurableObjectAlarm } from "cloudflare:test";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { MarketRoom, TaskRoom } from "../../../src/index.ts";
import { newId, type AgentId, type TaskId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import { recompute } from "../../../src/market/receipt-recompute.ts";
import { receiptSchema } from "../../../src/market/receipt-schema.ts";
import type { Verdict } from "../../../src/market/report.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import type { TraceDeps } from "../../../src/trace/trace-run.ts";
import { aUsage } from "../../support/builders.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  config,
  DEAR,
  eventsOf,
  MIDDLE,
  traceDeps,
  type MarketDay,
  type TaskStub,
} from "./market-day.ts";

const PLANS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
/** The longer the better: dear, middle, cheap. */
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
const VERDICTS = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };

export const VERIFIED = { mode: "verified", maxAttempts: 3 } as const;
export const VERIFIER = { type: "equals", expected: "42" } as const;
/** One juror beside the bidder itself. */
const POLICY = "sale:memory=off,size=1";

export interface EscalatedTask {
  readonly taskId: TaskId;
  readonly room: TaskStub;
}

/** Admitted and awarded to the dear agent, unless the input says otherwise. */
export async function sold(day: MarketDay, input: Partial<TaskInput> = {}): Promise<EscalatedTask> {
  const { taskId, room, holder } = await day.admit({
    policy: POLICY,
    verifier: VERIFIER,
    escalation: VERIFIED,
    ...input,
  });
  await runAuction(auctionDeps(new ScriptedModels({ bids: PLANS, verdicts: VERDICTS })), holder);
  return { taskId, room };
}

/** Hands in `result`, of which `42` passes; the attempts before it took one generation each. */
export async function attempt(
  { tenantId }: MarketDay,
  { taskId }: Pick<EscalatedTask, "taskId">,
  of: {
    readonly attempt: number;
    readonly result: string;
    readonly generation?: number;
  } & Partial<TraceDeps>,
): Promise<readonly string[]> {
  const { attempt: number, result, generation = number, ...deps } = of;
  const models = new ScriptedModels({ steps: [{ text: result }] });
  await runSlice(traceDeps(models, deps), { kind: "trace", tenantId, taskId, attempt: number, generation });
  return models.asked;
}

export const verdictOf =
  (verdict: Partial<Verdict>): TraceDeps["verify"] =>
  async (_desk, result) => ({ outcome: "unknown", verifier: "equals", evidence: result, ...verdict });

/** Both rooms do all that is due, as their alarms would, until nothing is. */
export async function ringAll(day: MarketDay, room: TaskStub): Promise<void> {
  for (let ring = 0; ring < 3; ring += 1) {
    await day.ringMarket();
    await runDurableObjectAlarm(room);
  }
}

/** The whole journal of a task that has ended; its numbers have no gaps. */
export async function journalOf(room: TaskStub) {
  const events = await eventsOf(room);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
  return events;
}

/** The next award leaves beside the answer to the report. */
export async function awardedTo(room: TaskStub, attempts: number): Promise<void> {
  await vi.waitFor(async () => expect((await room.view())?.attempts).toBe(attempts));
}

/** How the receipt states the decision; it computes again. */
export async function receiptOf(room: TaskStub) {
  const receipt = receiptSchema.parse(await room.receipt());
  const computed = recompute(receipt);
  expect(computed.ok ? [] : computed.failure).toEqual([]);
  return receipt.decision;
}

/** A trace of one step at this price, whose result fails. */
export async function failAt(
  { room }: EscalatedTask,
  of: { readonly attempt: number; readonly agentId: AgentId; readonly micros: number },
): Promise<void> {
  const { attempt: number, agentId, micros } = of;
  expect((await room.takeTrace(number, number)).ok).toBe(true);
  const callId = newId("cal", config.source);
  const costMicros = asMicros(micros);
  const call = { callId, kind: "trace", agentId, boundMicros: costMicros } as const;
  expect(await room.startTraceCall(number, call)).toBe("continue");
  const usage = aUsage();
  const step = { step: 1, text: "41", toolCalls: [], assistant: null, usage, costMicros };
  const ended = { callId, bill: { status: "billed", usage, costMicros }, ms: 1 } as const;
  expect(await room.commitAnswer(number, ended, step, "41")).toBe("continue");
  await room.commitVerdict(number, { outcome: "fail", verifier: "equals", evidence: "41" });
}

export type Loss = "before" | "after";

/** A call between the rooms is lost a few times: before it arrives, or with its answer. Returns how often it was by now. */
export function lose(of: "ended" | "award", when: Loss, times = 2): () => number {
  let lost = 0;
  // oxlint-disable-next-line typescript/unbound-method
  const [ended, award] = [MarketRoom.prototype.ended, TaskRoom.prototype.award];
  const losing = async <T>(call: () => Promise<T>, applies: boolean): Promise<T> => {
    if (!applies || lost >= times) return call();
    lost += 1;
    if (when === "after") await call();
    throw new Error("the room restarts");
  };
  if (of === "ended")
    vi.spyOn(MarketRoom.prototype, "ended").mockImplementation(async function (this: MarketRoom, report) {
      return losing(async () => ended.call(this, report), report.attempt === 1);
    });
  else
    vi.spyOn(TaskRoom.prototype, "award").mockImplementation(async function (this: TaskRoom, told) {
      return losing(async () => award.call(this, told), told.attempt === 2);
    });
  return () => lost;
}
