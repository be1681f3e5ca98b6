/**
 * The market room's tasks: open ones, and settled ones until the history has them. No decisions here.
 *
 * A task's transitions follow each other within seconds: what the object read or wrote of it last is remembered, and
 * forgotten when a transaction did not stand.
 */
import type { Agent } from "../market/agent.ts";
import type { HistoryRow } from "../market/history-row.ts";
import type { AgentId, AuctionId, TaskId } from "../market/ids.ts";
import type { SaleRecord } from "../market/award.ts";
import type { Clearing } from "../market/clear.ts";
import type { DeadLetter } from "../market/dead-letter.ts";
import type { Lease } from "../market/lease.ts";
import type { CalibratedAuction, Policy } from "../market/policy.ts";
import type { Offer, QuoteOrder } from "../market/sale/quote.ts";
import { FINAL_STATES, type TaskEnd, type TaskLimits, type TaskState } from "../market/task.ts";
import { GroundStore } from "./ground-store.ts";
import type { HistoryStore } from "./history-store.ts";
import { OpenTasks } from "./open-tasks.ts";

/** What an auction is cleared under: frozen when it opened. */
export interface TaskTerms extends Ground {
  readonly auctionId: AuctionId;
  readonly seed: number;
}

type OwnTerms = Omit<TaskTerms, keyof Ground>;

/** What of it many auctions share. */
export interface Ground {
  readonly pool: readonly Agent[];
  readonly policy: Policy;
}

/** Where a quote stands. */
export interface MarketQuote extends QuoteOrder {
  /** How long the task has from the acceptance on. */
  readonly deadlineS: number;
  /** Null: its auction has not cleared, or a bid was accepted. */
  readonly open: {
    readonly clearing: Clearing;
    readonly offers: readonly Offer[];
    readonly expiresAtMs: number;
  } | null;
}

/** What a task is sold from again, should its verifier say fail, or its agent not be able to go on. */
export interface MarketEscalation {
  /** Those that take over not counted; 1: a verifier's fail ends the task. */
  readonly maxAttempts: number;
  readonly clearing: Clearing;
  /** By agent: the task with its strategy, in UTF-8; absent: from before they were kept. */
  readonly textBytes?: Readonly<Record<AgentId, number>>;
  /** Agents that were awarded an attempt, in their order. */
  readonly tried: readonly AgentId[];
  /** How the latest of them came to its award. */
  readonly latest: {
    readonly sale: SaleRecord | null;
    readonly awardedAtMs: number;
    readonly continues?: boolean;
  } | null;
  /** How many of the attempts went on with the steps of the one before; absent: none. */
  readonly takeovers?: number;
}

/** Where an open task stands, and a settled one until the history has it. */
export interface MarketTask {
  readonly taskId: TaskId;
  readonly sequence: number;
  readonly state: TaskState;
  readonly verifier: string | null;
  readonly promptChars: number;
  /** What its tenant's own tools add to every prompt of its trace, at most; absent: none. */
  readonly toolTokens?: number;
  /** Null: the auction waits for its turn (`turns.ts`), or is over. */
  readonly lease: Lease | null;
  readonly attempt: number;
  readonly agentId: AgentId | null;
  /** Of a calibration run: the past auction that it adds an outcome to. */
  readonly calibrates: CalibratedAuction | null;
  /** The tenant asked to stop; the task's room ends it and reports. */
  readonly stopping: boolean;
  /** Why its auction was given up; absent: it was not. */
  readonly letter?: DeadLetter;
  /** Since when its time runs anew, after it had been given up; absent: it was not, and its time runs since its admission. */
  readonly redrivenAtMs?: number;
  /** What a sale must keep to; absent: of a task from before they were kept here. */
  readonly limits?: Pick<TaskLimits, "maxCostUsd" | "deadlineS" | "maxSteps"> &
    Partial<Pick<TaskLimits, "maxOutputTokens">>;
  /** Null or absent: it was not asked for as a quote. */
  readonly quote?: MarketQuote | null;
  /** From its award to its end; null or absent: there is nobody else to sell it to. */
  readonly escalation?: MarketEscalation | null;
  /** Awarded, and since then its trace waits for a place; null or absent: it does not. */
  readonly heldBackSinceMs?: number | null;
  readonly admittedAtMs: number;
  readonly end: TaskEnd | null;
  readonly endedAtMs: number | null;
  readonly rowVersion: number;
}

/** Without its clearing, which is most of it: a room may hold thousands. */
export type LeanTask = Omit<MarketTask, "escalation" | "quote"> & {
  readonly quote?: Omit<MarketQuote, "open"> | null;
};

/** Since when the task's time runs. */
export function beganAtMs({ redrivenAtMs, admittedAtMs }: LeanTask): number {
  return redrivenAtMs ?? admittedAtMs;
}

const FINAL = `(${FINAL_STATES.map((state) => `'${state}'`).join(", ")})`;
const OPEN = `state NOT IN ${FINAL}`;

/** A task as this object last read or wrote it: its next transition comes soon, and need not read it again. */
interface HeldTask {
  readonly task: MarketTask;
  readonly terms: OwnTerms | null;
  /** Null: a task from before grounds were shared. */
  readonly ground: number | null;
  /** Number of its newest row for the history; null: it has none. */
  readonly lastRow: number | null;
}

/** So many tasks are remembered. */
const MAX_HELD = 256;

export class TaskStore {
  readonly #sql: SqlStorage;
  readonly #history: HistoryStore;
  readonly #grounds: GroundStore;
  readonly #held = new Map<TaskId, HeldTask>();
  /** Number of the latest admission; undefined: to be read. */
  #sequence: number | undefined = undefined;
  /** Where the open ones stand. */
  readonly open: OpenTasks;

  constructor(storage: DurableObjectStorage, history: HistoryStore) {
    this.#sql = storage.sql;
    this.#history = history;
    this.#grounds = new GroundStore(storage);
    this.open = new OpenTasks(storage.sql);
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#held.clear();
    this.#sequence = undefined;
    this.open.forget();
    this.#grounds.forget();
  }

  /** Number of the next admission, from 1. Stored with its task, and where that task leaves the room, beside it. */
  nextSequence(): number {
    this.#sequence ??= this.#sql
      .exec<{ latest: number }>(
        `SELECT max(coalesce((SELECT value FROM counters WHERE name = 'sequence'), 0),
         coalesce((SELECT max(sequence) FROM tasks), 0)) AS latest`,
      )
      .one().latest;
    this.#sequence += 1;
    return this.#sequence;
  }

  find(taskId: TaskId): MarketTask | null {
    return this.#read(taskId)?.task ?? null;
  }

  #read(taskId: TaskId): HeldTask | null {
    const held = this.#held.get(taskId);
    if (held !== undefined) return held;
    const row = this.#sql
      .exec<{ body: string; terms: string | null; ground: number | null; last_row: number | null }>(
        "SELECT body, terms, ground, last_row FROM tasks WHERE task_id = ?",
        taskId,
      )
      .toArray()[0];
    if (row === undefined) return null;
    return this.#hold({
      task: JSON.parse(row.body) as MarketTask,
      terms: row.terms === null ? null : (JSON.parse(row.terms) as OwnTerms),
      ground: row.ground,
      lastRow: row.last_row,
    });
  }

  #hold(held: HeldTask): HeldTask {
    const { taskId } = held.task;
    // Last in the order of the map: the one that was not touched for longest is the first to go.
    this.#held.delete(taskId);
    this.#held.set(taskId, held);
    const [oldest] = this.#held.keys();
    if (this.#held.size > MAX_HELD && oldest !== undefined) this.#held.delete(oldest);
    this.open.note(held.task);
    return held;
  }

  terms(taskId: TaskId): TaskTerms {
    const terms = this.findTerms(taskId);
    if (terms === null) throw new Error(`no terms of ${taskId}`);
    return terms;
  }

  /** Null where the room does not hold the task. */
  findTerms(taskId: TaskId): TaskTerms | null {
    const held = this.#read(taskId);
    if (held === null) return null;
    if (held.terms !== null && held.ground !== null)
      return { ...held.terms, ...this.#grounds.read(held.ground) };
    // Of a task from before grounds were shared.
    return this.#one<TaskTerms>("SELECT body FROM terms WHERE task_id = ?", taskId);
  }

  /** A new task; the history is told of it. */
  add(task: MarketTask, { auctionId, seed, ...shared }: TaskTerms): void {
    const terms: OwnTerms = { auctionId, seed };
    const ground = this.#grounds.put(shared);
    const lastRow = this.#history.addTask(task.taskId, []);
    this.#sql.exec(
      "INSERT INTO tasks (task_id, sequence, state, body, ground, terms, last_row) VALUES (?, ?, ?, ?, ?, ?, ?)",
      task.taskId,
      task.sequence,
      task.state,
      JSON.stringify(task),
      ground,
      JSON.stringify(terms),
      lastRow,
    );
    this.#hold({ task, terms, ground, lastRow });
  }

  put(task: MarketTask): void {
    this.#update(task, this.#mustRead(task.taskId).lastRow);
  }

  /** A task's next state, of which the history is told, after others that belong to the transition. */
  record(task: MarketTask, others: readonly HistoryRow[]): void {
    this.#update(task, this.#history.addTask(task.taskId, others));
  }

  #update(task: MarketTask, lastRow: number | null): void {
    const held = this.#mustRead(task.taskId);
    const update = "UPDATE tasks SET state = ?, body = ?, last_row = ? WHERE task_id = ?";
    this.#sql.exec(update, task.state, JSON.stringify(task), lastRow, task.taskId);
    this.#hold({ ...held, task, lastRow });
  }

  #mustRead(taskId: TaskId): HeldTask {
    const held = this.#read(taskId);
    if (held === null) throw new Error(`${taskId} is not in this room`);
    return held;
  }

  /** Every task that the room still holds, newest first. */
  all(): LeanTask[] {
    return this.#sql
      .exec<{ body: string }>(
        `SELECT json_remove(body, '$.escalation', '$.quote.open') AS body FROM tasks ORDER BY sequence DESC`,
      )
      .toArray()
      .map((row) => JSON.parse(row.body) as LeanTask);
  }

  countOpen(): number {
    return this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM tasks WHERE ${OPEN}`).one().n;
  }

  hasOpen(): boolean {
    return this.#sql.exec(`SELECT 1 FROM tasks WHERE ${OPEN} LIMIT 1`).toArray().length > 0;
  }

  /**
   * Settled tasks whose every row the history has leave the room: rows go in the order of their numbers, and a task's
   * last one is its own. Their charges stay: they are the ledger. Those that were given up stay as long as they may be
   * redriven.
   */
  forgetSettled(): void {
    const forgotten = this.#sql
      .exec<{ task_id: string; sequence: number }>(
        `DELETE FROM tasks WHERE state IN ${FINAL}
         AND coalesce(last_row < ?, 1)
         AND task_id NOT IN (SELECT task_id FROM stuck WHERE state = 'open') RETURNING task_id, sequence`,
        this.#history.oldest() ?? Number.MAX_SAFE_INTEGER,
      )
      .toArray();
    for (const { task_id } of forgotten) {
      this.#sql.exec("DELETE FROM terms WHERE task_id = ?", task_id);
      this.#held.delete(task_id as TaskId);
    }
    if (forgotten.length > 0) this.#keepSequence(Math.max(...forgotten.map(({ sequence }) => sequence)));
  }

  #keepSequence(latest: number): void {
    this.#sql.exec(
      `INSERT INTO counters (name, value) VALUES ('sequence', ?)
       ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)`,
      latest,
    );
  }

  #one<T>(query: string, ...bindings: string[]): T | null {
    const row = this.#sql.exec<{ body: string }>(query, ...bindings).toArray()[0];
    return row === undefined ? null : (JSON.parse(row.body) as T);
  }
}
