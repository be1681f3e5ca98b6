/** The market room's tasks and history rows beside a model of them: see the test of the same name. */
import { assert } from "vitest";
import type { HistoryRow, TaskRow } from "../../../src/market/history-row.ts";
import type { AuctionId, TaskId } from "../../../src/market/ids.ts";
import { makePolicy } from "../../../src/market/policy.ts";
import { MarketStore } from "../../../src/tenancy/market-store.ts";
import type { MarketTask, TaskTerms } from "../../../src/tenancy/task-store.ts";
import { POOL } from "./market-day.ts";

export type Change = { readonly do: "admit" | "award" | "settle" | "renew"; readonly pick: number };
export type Step =
  | { readonly do: "transact"; readonly changes: readonly Change[]; readonly fails: boolean }
  | { readonly do: "carry"; readonly limit: number }
  | { readonly do: "report"; readonly pick: number; readonly refused: boolean }
  | { readonly do: "die" };

const FAILURE = "no room left";

function termsOf(sequence: number): TaskTerms {
  const rules = { kind: "cheapest" } as const;
  const policy = makePolicy({ name: `p${sequence % 3}`, rules, pool: POOL, version: 1, weights: null });
  return { auctionId: `auc_${sequence}` as AuctionId, seed: sequence, pool: POOL, policy };
}

const other = (taskId: TaskId, n: number) => ({ table: "outcomes", taskId, attempt: n }) as HistoryRow;

export class StoreWalk {
  readonly #storage: DurableObjectStorage;
  #store: MarketStore;
  /** Every task that was admitted, as it stands. */
  #tasks: readonly MarketTask[] = [];
  #others = 0;
  /** Batches that a consumer has in hand; one that was reported may be reported again. */
  readonly #carried: ReturnType<StoreWalk["batch"]>[] = [];
  /** What arrived outside: newest version of each task, and which other rows. */
  readonly #versions = new Map<TaskId, number>();
  readonly #otherRows = new Set<number>();
  /** What the row of a number was. */
  readonly #given = new Map<number, string>();

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#store = new MarketStore(storage);
  }

  take(taken: Step): void {
    if (taken.do === "transact") this.#transact(taken.changes, taken.fails);
    if (taken.do === "carry") this.#carried.push(this.batch(taken.limit));
    if (taken.do === "report" && this.#carried.length > 0) {
      this.#report(this.#carried[taken.pick % this.#carried.length] ?? [], taken.refused);
    }
    if (taken.do === "die") this.#store = new MarketStore(this.#storage);
    this.#check();
  }

  #transact(changes: readonly Change[], fails: boolean): void {
    const before = { tasks: this.#tasks, others: this.#others };
    const work = () => {
      for (const wanted of changes) this.#change(wanted);
      if (fails) throw new Error(FAILURE);
    };
    try {
      this.#storage.transactionSync(work);
    } catch (error) {
      if (!(error instanceof Error && error.message === FAILURE)) throw error;
      this.#store.forget();
      this.#tasks = before.tasks;
      this.#others = before.others;
    }
  }

  #change({ do: what, pick }: Change): void {
    const { tasks } = this.#store;
    if (what === "admit") {
      const sequence = tasks.nextSequence();
      const taskId = `tsk_${sequence}` as TaskId;
      const task = { taskId, sequence, state: "bidding", attempt: 0, rowVersion: 1 } as MarketTask;
      assert.strictEqual(sequence, this.#tasks.length + 1);
      tasks.add(task, termsOf(sequence));
      this.#tasks = [...this.#tasks, task];
      return;
    }
    const task = this.#tasks[pick % Math.max(1, this.#tasks.length)];
    if (task === undefined || task.state === "finished") return;
    const state = what === "settle" ? "finished" : what === "award" ? "awarded" : task.state;
    const isTold = what !== "renew";
    const next: MarketTask = { ...task, state, attempt: task.attempt + 1 };
    const stored = isTold ? { ...next, rowVersion: task.rowVersion + 1 } : next;
    const rows = what === "settle" ? [other(task.taskId, ++this.#others)] : [];
    if (isTold) tasks.record(stored, rows);
    else tasks.put(stored);
    this.#tasks = this.#tasks.map((one) => (one.taskId === task.taskId ? stored : one));
  }

  readonly #tell = (taskId: TaskId): TaskRow | null => {
    const task = this.#store.tasks.find(taskId);
    return task === null ? null : ({ table: "tasks", taskId, version: task.rowVersion } as TaskRow);
  };

  batch(limit: number) {
    const batch = this.#store.history.batch(limit, this.#tell);
    for (const { id, row } of batch) {
      const what = row.table === "tasks" ? row.taskId : JSON.stringify(row);
      // A number is one row's for ever.
      assert.strictEqual(this.#given.get(id) ?? what, what);
      this.#given.set(id, what);
    }
    return batch;
  }

  #report(batch: ReturnType<StoreWalk["batch"]>, refused: boolean): void {
    const { history, tasks } = this.#store;
    for (const { row } of batch) this.#arrive(row);
    const ids = batch.map(({ id }) => id);
    this.#storage.transactionSync(() => {
      history.remove(refused ? ids.slice(1) : ids);
      if (refused && ids[0] !== undefined) history.park(ids[0], "too large", this.#tell);
      history.removeOutdated(Math.max(0, ...ids));
      tasks.forgetSettled();
    });
  }

  #arrive(row: HistoryRow): void {
    if (row.table === "outcomes") this.#otherRows.add(row.attempt);
    if (row.table !== "tasks") return;
    this.#versions.set(row.taskId, Math.max(row.version, this.#versions.get(row.taskId) ?? 0));
  }

  #check(): void {
    const { tasks } = this.#store;
    for (const task of this.#tasks) {
      const held = tasks.find(task.taskId);
      if (held === null) {
        // It left, settled, and its last state had arrived.
        assert.strictEqual(task.state, "finished");
        assert.strictEqual(this.#versions.get(task.taskId), task.rowVersion);
      } else {
        assert.deepEqual(held, task);
        assert.deepEqual(tasks.terms(task.taskId), termsOf(task.sequence));
      }
    }
    assert.strictEqual(
      tasks.open.count("bidding"),
      this.#tasks.filter(({ state }) => state === "bidding").length,
    );
    assert.strictEqual(this.#store.history.dueAtMs() === null, this.batch(1).length === 0);
  }

  /** A consumer takes all that is left. */
  finish(): void {
    for (let rows = this.batch(7); rows.length > 0; rows = this.batch(7)) this.#report(rows, false);
    this.#check();
    const others = Array.from({ length: this.#others }, (_, at) => at + 1);
    assert.deepEqual(
      [...this.#otherRows].toSorted((a, b) => a - b),
      others,
    );
    for (const task of this.#tasks) assert.strictEqual(this.#versions.get(task.taskId), task.rowVersion);
    const open = this.#tasks.filter(({ state }) => state !== "finished").map(({ taskId }) => taskId);
    assert.deepEqual(
      this.#store.tasks.all().map(({ taskId }) => taskId),
      open.toReversed(),
    );
    const left = this.#storage.sql.exec("SELECT id FROM history WHERE parked IS NULL").toArray();
    assert.deepEqual(left, []);
  }
}
