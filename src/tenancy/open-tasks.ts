/**
 * Where the market room's open tasks stand, counted: who waits in which order, and how much runs, of the tenant and of each
 * of its keys. Kept in memory beside the tasks' table, and read from it anew where it is not known.
 */
import type { KeyId, TaskId } from "../market/ids.ts";
import type { MarketTask } from "./task-store.ts";

/**
 * `waiting`: admitted, for its auction; `held-back`: awarded, for a place for its trace; `leaving`: awarded, and it ends
 * without a trace.
 */
type Phase = "waiting" | "bidding" | "tracing" | "held-back" | "leaving";

const NO_TASKS = (): Record<Phase, Map<TaskId, KeyId | null>> => ({
  waiting: new Map(),
  bidding: new Map(),
  tracing: new Map(),
  "held-back": new Map(),
  leaving: new Map(),
});

/** Null: neither waits for its turn nor runs; so does what waits for a verdict from outside. */
function phaseOf({ state, lease, stopping, heldBackSinceMs }: MarketTask): Phase | null {
  if (state === "bidding") return "bidding";
  if (state === "admitted") return lease === null && !stopping ? "waiting" : null;
  if (state !== "awarded") return null;
  if (heldBackSinceMs == null) return "tracing";
  return stopping ? "leaving" : "held-back";
}

export class OpenTasks {
  readonly #sql: SqlStorage;
  /** By phase, in the order in which they came to it; undefined: to be read. */
  #phases: Record<Phase, Map<TaskId, KeyId | null>> | undefined = undefined;
  readonly #phaseOf = new Map<TaskId, Phase>();
  readonly #runningOf = new Map<KeyId, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** What was noted in a transaction that did not stand is read again. */
  forget(): void {
    this.#phases = undefined;
    this.#phaseOf.clear();
    this.#runningOf.clear();
  }

  /** The task as it stands now. */
  note(task: MarketTask): void {
    if (this.#phases === undefined) return;
    const { taskId } = task;
    const phase = phaseOf(task);
    const before = this.#phaseOf.get(taskId);
    if (phase === (before ?? null)) return;
    const known = before === undefined ? undefined : this.#phases[before].get(taskId);
    const keyId = known === undefined ? this.accountOf(taskId) : known;
    if (before !== undefined) this.#leave(taskId, before);
    if (phase !== null) this.#enter(taskId, phase, keyId);
  }

  count(phase: Phase): number {
    return this.#read()[phase].size;
  }

  /** Tasks whose auction or trace is under way. One that waits with its award keeps its turn. */
  running(): number {
    const { bidding, tracing, leaving, "held-back": heldBack } = this.#read();
    return bidding.size + tracing.size + leaving.size + heldBack.size;
  }

  runningOf(keyId: KeyId): number {
    this.#read();
    return this.#runningOf.get(keyId) ?? 0;
  }

  countOf(phase: Phase, keyId: KeyId): number {
    return Array.from(this.#read()[phase].values()).filter((one) => one === keyId).length;
  }

  /** With whose key each was asked for, null for nobody's; the one whose turn comes first is first. */
  inOrder(phase: "waiting" | "held-back"): Iterable<readonly [TaskId, KeyId | null]> {
    return this.#read()[phase].entries();
  }

  #enter(taskId: TaskId, phase: Phase, keyId: KeyId | null): void {
    this.#phases?.[phase].set(taskId, keyId);
    this.#phaseOf.set(taskId, phase);
    if (keyId !== null && phase !== "waiting") this.#addRunning(keyId, 1);
  }

  #leave(taskId: TaskId, phase: Phase): void {
    const keyId = this.#phases?.[phase].get(taskId) ?? null;
    this.#phases?.[phase].delete(taskId);
    this.#phaseOf.delete(taskId);
    if (keyId !== null && phase !== "waiting") this.#addRunning(keyId, -1);
  }

  #addRunning(keyId: KeyId, more: 1 | -1): void {
    const running = (this.#runningOf.get(keyId) ?? 0) + more;
    if (running === 0) this.#runningOf.delete(keyId);
    else this.#runningOf.set(keyId, running);
  }

  /** With whose key the task was asked for; null: nobody's. */
  accountOf(taskId: TaskId): KeyId | null {
    const query = "SELECT key_id FROM accounts WHERE task_id = ?";
    return asKey(this.#sql.exec<{ key_id: string }>(query, taskId).toArray()[0]?.key_id ?? null);
  }

  #read(): Record<Phase, Map<TaskId, KeyId | null>> {
    if (this.#phases !== undefined) return this.#phases;
    this.#phases = NO_TASKS();
    const rows = this.#sql
      .exec<{ body: string; key_id: string | null }>(
        `SELECT tasks.body, accounts.key_id FROM tasks LEFT JOIN accounts USING (task_id)
         WHERE state IN ('admitted', 'bidding', 'awarded') ORDER BY sequence`,
      )
      .toArray()
      .map((row) => ({ task: JSON.parse(row.body) as MarketTask, keyId: asKey(row.key_id) }))
      .toSorted((a, b) => (a.task.heldBackSinceMs ?? 0) - (b.task.heldBackSinceMs ?? 0));
    for (const { task, keyId } of rows) {
      const phase = phaseOf(task);
      if (phase !== null) this.#enter(task.taskId, phase, keyId);
    }
    return this.#phases;
  }
}

/** As the accounts store it: nobody's key is empty. */
function asKey(stored: string | null): KeyId | null {
  return stored === null || stored === "" ? null : (stored as KeyId);
}
