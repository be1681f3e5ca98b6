/** The judge of bench:chaos can say no: each kind of violation is fabricated once, and named. */
import { describe, expect, test } from "vitest";
import type { Evidence } from "../../../bench/chaos/evidence.ts";
import { judge } from "../../../bench/chaos/judge/judge.ts";
import { VIOLATION_KINDS, type ViolationKind } from "../../../bench/chaos/judge/violation.ts";
import { cleanRun } from "./clean-run.ts";

type Loose<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends readonly (infer Item)[]
      ? Loose<Item>[]
      : T extends object
        ? { -readonly [Key in keyof T]: Loose<T[Key]> }
        : T;
type Run = Loose<Omit<Evidence, "tasks">> & { tasks: LooseTask[] };
interface LooseTask {
  state: string;
  costMicros: number;
  events: { type: string; seq: number; atMs: number; attempt?: number; step?: number }[];
  steps: Loose<Evidence["tasks"][number]["steps"][number]>[];
  calls: Loose<Evidence["tasks"][number]["calls"][number]>[];
}

function must<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("the clean run has no such thing");
  return value;
}

const task = (run: Run) => must(run.tasks[0]);
const tenant = (run: Run) => must(run.tenants[0]);

/** Spoils a clean run in one way. */
const SPOILT: Readonly<Record<ViolationKind, (run: Run) => void>> = {
  "task-not-ended": (run) => {
    task(run).events.pop();
    task(run).state = "running";
  },
  "task-ended-twice": (run) => {
    task(run).events.push({ type: "task-failed", seq: 7, atMs: 9 });
  },
  "event-gap": (run) => {
    must(task(run).events[2]).seq = 9;
  },
  "heard-differs": (run) => {
    must(run.heard[0]).seqs.splice(1, 0, 1);
  },
  "asked-once-admitted-twice": (run) => {
    must(run.acknowledged[0]).taskIds.push("tsk_2");
  },
  "step-gap": (run) => {
    must(task(run).steps[1]).step = 3;
    must(task(run).events[4]).step = 3;
  },
  "step-committed-twice": (run) => {
    task(run).steps.push({ ...must(task(run).steps[1]) });
  },
  "step-without-answer": (run) => {
    must(run.log[1]).status = "error";
  },
  "answer-used-twice": (run) => {
    must(must(task(run).steps[1]).toolCalls[0]).id = "call_ab-11";
  },
  "call-open": (run) => {
    must(task(run).calls[0]).status = "started";
  },
  "call-billed-twice": (run) => {
    task(run).calls.push({ ...must(task(run).calls[0]), callId: "cal_3" });
  },
  "charged-beyond-log": (run) => {
    must(must(run.log[0]).usage ?? undefined).completionTokens = 1;
  },
  "answer-not-booked": (run) => {
    run.log.push({ ...must(run.log[0]), id: 13 });
  },
  "books-differ": (run) => {
    must(tenant(run).books.calls[0]).callId = "cal_9";
  },
  "books-drift": (run) => {
    must(tenant(run).books.transfers[1]).micros += 1;
  },
  "still-held": (run) => {
    tenant(run).heldMicros = 7;
  },
  "budget-passed": (run) => {
    tenant(run).capMicros = 10;
  },
  "outbox-left": (run) => {
    tenant(run).market.outbox.push("tsk_1");
  },
  "timer-left": (run) => {
    must(tenant(run).rooms["tsk_1"]).timers.push({ kind: "deadline", subject: "", dueInMs: 5 });
  },
  "history-differs": (run) => {
    must(tenant(run).history["tasks"]?.[0])["state"] = "failed";
  },
  "memory-not-once": (run) => {
    tenant(run).market.memory.push({ ...must(tenant(run).market.memory[0]), auctionId: "auc_2" });
  },
  "end-not-delivered": (run) => {
    must(run.delivered[0]).accepted = false;
  },
  "delivery-id-changed": (run) => {
    run.delivered.push({ ...must(run.delivered[0]), id: "dlv_2" });
  },
  "tenant-seen": (run) => {
    must(run.trespasses[0]).status = 200;
  },
};

describe("the judge of a run with kills", () => {
  test("finds nothing in a run without a fault", () => {
    expect(judge(cleanRun())).toEqual([]);
  });

  test.each(VIOLATION_KINDS)("names %s where there is one", (kind) => {
    const run = cleanRun();
    SPOILT[kind](run as unknown as Run);
    expect(judge(run).map((violation) => violation.kind)).toContain(kind);
  });

  test("a row of the history that nobody asked for is a task admitted twice", () => {
    const run = cleanRun() as unknown as Run;
    must(tenant(run).history["tasks"]).push({ task_id: "tsk_9", state: "finished" });
    expect(judge(run as unknown as Evidence)).toEqual([
      expect.objectContaining({ kind: "asked-once-admitted-twice", at: "tsk_9" }),
    ]);
  });

  test("another tenant's end at an endpoint is seen", () => {
    const run = cleanRun() as unknown as Run;
    run.delivered.push({ ...must(run.delivered[0]), path: "/other" });
    expect(judge(run as unknown as Evidence)).toEqual([expect.objectContaining({ kind: "tenant-seen" })]);
  });
});
