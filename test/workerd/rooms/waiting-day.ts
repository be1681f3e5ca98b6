/** Tasks whose verdict is the tenant's, in a market day. */
import { runInDurableObject } from "cloudflare:test";
import type { CheckResult, OutcomeOrder } from "../../../src/taskroom/waiting.ts";
import { readOutcomeToken } from "../../../src/trace/checker/outcome-token.ts";
import type { Check } from "../../../src/trace/checker/send-check.ts";
import type { TraceDeps } from "../../../src/trace/trace-run.ts";
import { attempt, sold, type EscalatedTask } from "./escalation-day.ts";
import type { MarketDay } from "./market-day.ts";

export const DAY_MS = 86_400_000;
export const USER = { type: "user" } as const;

/** Sold to the dear agent, which hands in a result; the task waits for its tenant. */
export async function waiting(
  day: MarketDay,
  input: Parameters<typeof sold>[1] = {},
): Promise<EscalatedTask> {
  const task = await sold(day, { verifier: USER, escalation: { mode: "none" }, ...input });
  await attempt(day, task, { attempt: 1, result: "41" });
  return task;
}

export const anOutcome = (order: Partial<OutcomeOrder> = {}): OutcomeOrder => ({
  outcome: "pass",
  evidence: null,
  attempt: null,
  request: null,
  ...order,
});

export const timersOf = async (room: DurableObjectStub) =>
  runInDurableObject(room, async (_room, { storage }) =>
    storage.sql.exec("SELECT kind, due_at_ms FROM timers").toArray(),
  );

export const marketStateOf = async (day: MarketDay, { taskId }: EscalatedTask) =>
  (await day.market.heldTasks()).find((row) => row.taskId === taskId)?.state;

export const CHECKER = "https://checker.example.com/verify";

/** A checker that gives these answers, one after the other, and keeps what it was sent. */
export class ScriptedChecker {
  readonly sent: Check[] = [];
  readonly #answers: readonly (CheckResult | "hangs")[];

  constructor(...answers: readonly (CheckResult | "hangs")[]) {
    this.#answers = answers;
  }

  readonly check: TraceDeps["check"] = async (check, signal) => {
    this.sent.push(check);
    const answer = this.#answers[this.sent.length - 1];
    if (answer === undefined) throw new Error("no more answers are scripted");
    if (typeof answer === "object") return answer;
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true }),
    );
  };

  /** The token that went out with a try, as the room is told it. */
  async tokenHash(tryNumber: number): Promise<string> {
    const { data } = this.payload(tryNumber);
    const token = await readOutcomeToken(data.callback.token);
    if (token === null) throw new Error("no token");
    return token.hash;
  }

  payload(tryNumber: number): SentCheck {
    return JSON.parse(this.sent[tryNumber - 1]?.payload ?? "null") as SentCheck;
  }
}

interface SentCheck {
  readonly type: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>> & {
    readonly callback: { readonly path: string; readonly token: string };
  };
}

/** Sold to the dear agent, which hands in a result that its tenant's checker is asked about. */
export async function checkedTask(
  day: MarketDay,
  checker: ScriptedChecker,
  input: Parameters<typeof sold>[1] = {},
): Promise<EscalatedTask> {
  const verifier = { type: "http", url: CHECKER } as const;
  const task = await sold(day, { verifier, escalation: { mode: "none" }, ...input });
  await attempt(day, task, { attempt: 1, result: "41", check: checker.check });
  return task;
}

/** The queue's part: the next holder of the first attempt asks again. */
export async function askAgain(
  day: MarketDay,
  task: EscalatedTask,
  of: { readonly checker: ScriptedChecker; readonly generation: number },
): Promise<void> {
  const { checker, generation } = of;
  await attempt(day, task, { attempt: 1, result: "none", generation, check: checker.check });
}
