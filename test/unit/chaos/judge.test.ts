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
  events: { type: string; seq: number; atMs: number; attempt?: number; step?: number; reason?: string }[];
  steps: Loose<Evidence["tasks"][number]["steps"][number]>[];
  calls: Loose<Evidence["tasks"][number]["calls"][number]>[];
  files: Record<string, string>;
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
    task(run).events.push({ type: "task-failed", seq: 8, atMs: 9 });
  },
  "event-gap": (run) => {
    must(task(run).events[2]).seq = 9;
  },
  "heard-differs": (run) => {
    must(run.heard[0]).seqs.splice(1, 0, 1);
  },
  "text-differs": (run) => {
    must(must(run.heard[0]).shown?.[1]).text = "text 1text 2";
  },
  "tool-call-differs": (run) => {
    run.toolHits.pop();
  },
  "file-differs": (run) => {
    task(run).files["a.md"] = "a not";
  },
  "verdict-differs": (run) => {
    must(run.checked[0]).outcome = "fail";
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
  "work-paid-twice": (run) => {
    another(task(run), { status: "unconfirmed" });
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
  "tenant-left": (run) => {
    must(must(run.gone[0]).rooms["tsk_3"]).tables.push("events");
  },
};

/** The same task, which failed for this reason after its first step, was redriven, and went on. */
function redrivenRun(reason: string): Run {
  const run = cleanRun() as unknown as Run;
  const { events } = task(run);
  const second = events.findIndex(({ step }) => step === 2);
  const between = ["task-failed", "task-redriven"].map((type) => ({ type, seq: 0, atMs: 0, reason }));
  events.splice(second, 0, ...between);
  for (const [at, event] of events.entries()) event.seq = at + 1;
  const heard = must(run.heard[0]);
  heard.seqs = events.map(({ seq }) => seq);
  heard.types = events.map(({ type }) => type);
  run.delivered.unshift({ ...must(run.delivered[0]), id: "dlv_0", state: "failed" });
  return run;
}

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

  test("a task that was given up and redriven ended twice, and each end is told", () => {
    const run = redrivenRun("dead_lettered");
    expect(judge(run as unknown as Evidence)).toEqual([]);
    run.delivered.shift();
    expect(judge(run as unknown as Evidence)).toEqual([
      expect.objectContaining({ kind: "end-not-delivered", at: "tsk_1" }),
    ]);
  });

  test("what ended otherwise is not redriven, and after an end nothing else follows", () => {
    const ended = judge(redrivenRun("deadline") as unknown as Evidence);
    expect(ended).toEqual([expect.objectContaining({ kind: "task-ended-twice", at: "tsk_1" })]);
    const run = redrivenRun("dead_lettered");
    must(task(run).events.find(({ type }) => type === "task-redriven")).type = "trace-taken-up";
    expect(judge(run as unknown as Evidence).map(({ kind }) => kind)).toContain("task-ended-twice");
  });

  test("a listener that left at an end missed nothing before it", () => {
    const run = redrivenRun("dead_lettered");
    const heard = must(run.heard[0]);
    const end = heard.types.indexOf("task-failed");
    heard.seqs.splice(end + 1);
    heard.types.splice(end + 1);
    heard.shown?.pop();
    expect(judge(run as unknown as Evidence)).toEqual([]);
    heard.seqs.pop();
    heard.types.pop();
    expect(judge(run as unknown as Evidence)).toEqual([expect.objectContaining({ kind: "heard-differs" })]);
  });

  test("files of an attempt that failed are not those of the next one", () => {
    const run = cleanRun() as unknown as Run;
    task(run).files = {};
    expect(judge(run as unknown as Evidence)).toContainEqual(
      expect.objectContaining({ kind: "file-differs" }),
    );
    must(task(run).events[1]).type = "task-escalated";
    must(task(run).events[1]).attempt = 1;
    const kinds = judge(run as unknown as Evidence).map(({ kind }) => kind);
    expect(kinds).not.toContain("file-differs");
  });

  test("one idempotency key for two calls of a tool is seen", () => {
    const run = cleanRun() as unknown as Run;
    run.toolHits.unshift({ ...must(run.toolHits[0]), url: "http://docs/b.md" });
    expect(judge(run as unknown as Evidence)).toEqual([
      expect.objectContaining({ kind: "tool-call-differs", at: "tsk_1-1-1-0" }),
    ]);
  });

  test("another tenant's end at an endpoint is seen", () => {
    const run = cleanRun() as unknown as Run;
    run.delivered.push({ ...must(run.delivered[0]), path: "/other" });
    expect(judge(run as unknown as Evidence)).toEqual([expect.objectContaining({ kind: "tenant-seen" })]);
  });
});

describe("a tenant that was deleted", () => {
  test("is found by its market room, its rows in the history, and by a deletion that does not end", () => {
    const run = cleanRun() as unknown as Run;
    const gone = must(run.gone[0]);
    gone.deleted = false;
    gone.market.tables.push("tenant", "memory");
    must(gone.history["tasks"]).push({ task_id: "tsk_3" });
    expect(judge(run as unknown as Evidence).map(({ kind, at, detail }) => [kind, at, detail])).toEqual([
      ["tenant-left", "ten_3", "its deletion has not ended"],
      ["tenant-left", "ten_3", "its market room has tenant, memory"],
      ["tenant-left", "ten_3", "1 rows of tasks"],
    ]);
  });
});

/** What is found of a run whose first task was spoilt so, of payments alone. */
function paidTwice(spoil: (task: LooseTask) => void): string[] {
  const run = cleanRun() as unknown as Run;
  spoil(task(run));
  return judge(run as unknown as Evidence).flatMap(({ kind, at }) =>
    kind === "work-paid-twice" ? [at] : [],
  );
}

const another = (of: LooseTask, call: Partial<LooseTask["calls"][number]>) =>
  of.calls.push({ ...must(of.calls[0]), callId: `cal_${of.calls.length + 1}`, ...call });
const tell = (of: LooseTask, event: Partial<LooseTask["events"][number]> & { readonly limit?: string }) =>
  of.events.splice(3, 0, { type: "call-failed", seq: 0, atMs: 0, attempt: 1, ...event });

describe("a step whose tenant pays for one call more", () => {
  test.each(["billed", "unconfirmed", "refused"])("is found, %s", (status) => {
    expect(paidTwice((of) => another(of, { status }))).toEqual(["tsk_1 1"]);
  });

  test("is found though its task was to stop, where the trace came to its result", () => {
    const spoil = (of: LooseTask) => {
      another(of, { status: "unconfirmed" });
      of.events.push({ type: "cancel-requested", seq: 0, atMs: 0 });
    };
    expect(paidTwice(spoil)).toEqual(["tsk_1 1"]);
  });

  test("is none where the house pays", () => {
    expect(paidTwice((of) => another(of, { payer: "lost" }))).toEqual([]);
  });

  test("is none where the room says that a call failed, for each that it says it of", () => {
    const spoil = (of: LooseTask) => {
      another(of, {});
      tell(of, { type: "call-failed" });
    };
    expect(paidTwice(spoil)).toEqual([]);
    expect(paidTwice((of) => [spoil(of), another(of, {})])).toEqual(["tsk_1 1"]);
    expect(paidTwice((of) => [spoil(of), (must(of.events[3]).attempt = 2)])).toEqual(["tsk_1 1"]);
  });

  test("is none where the deadline cut one off for the wrap-up, and is where another limit asked for that", () => {
    const wrapUp = (limit: string) => (of: LooseTask) => {
      another(of, { status: "unconfirmed" });
      tell(of, { type: "wrap-up-asked", limit });
    };
    expect(paidTwice(wrapUp("deadline"))).toEqual([]);
    expect(paidTwice(wrapUp("step_limit"))).toEqual(["tsk_1 1"]);
  });

  test("is none where it is the last one of a trace without a result, and no more than that", () => {
    const stopped = (of: LooseTask) => {
      another(of, { status: "unconfirmed" });
      of.events = of.events.filter(({ type }) => type !== "trace-ended");
    };
    expect(paidTwice(stopped)).toEqual([]);
    expect(paidTwice((of) => [stopped(of), another(of, { status: "unconfirmed" })])).toEqual(["tsk_1 1"]);
  });
});

describe("a judge's word that is paid for twice", () => {
  const judged = (of: LooseTask, attempt: number) =>
    another(of, { kind: "judge", agentId: "agt_b", attempt });

  test("is found in one panel, also once its attempt was redriven", () => {
    expect(paidTwice((of) => judged(of, 1))).toEqual([]);
    expect(paidTwice((of) => [judged(of, 1), judged(of, 1)])).toEqual(["cal_4"]);
    expect(paidTwice((of) => [judged(of, 1), judged(of, 2)])).toEqual(["cal_4"]);
  });

  test("is none in the panel of another attempt", () => {
    const spoil = (of: LooseTask) => {
      judged(of, 1);
      judged(of, 2);
      tell(of, { type: "task-awarded", attempt: 2 });
    };
    expect(paidTwice(spoil)).toEqual([]);
  });
});
