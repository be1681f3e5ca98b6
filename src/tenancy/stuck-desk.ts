/**
 * Work that was given up, in the market room: recorded with its task's end, redriven or dismissed by the operator.
 *
 * A task that is redriven is the same task: it is held for under the budgets again, takes its place again, and goes on as
 * a further attempt from what was committed. Until then it stands as it ended. Called inside the room's transactions.
 */
import type { Redrive } from "../market/award.ts";
import { isGivenUp, type DeadLetter, type StuckState } from "../market/dead-letter.ts";
import type { HistoryRow } from "../market/history-row.ts";
import { newId, type StuckId } from "../market/ids.ts";
import { asMicros } from "../market/money.ts";
import type { EndReport } from "../market/report.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { isFinal } from "../market/task.ts";
import { restOf } from "../market/takeover.ts";
import { holdForAttempt } from "./hold-for-attempt.ts";
import type { HoldRefusal } from "./ledger.ts";
import type { MarketDesk } from "./market-desk.ts";
import type { Redriven, StuckRefusal } from "./stuck-api.ts";
import type { StuckWork } from "./stuck-store.ts";
import type { MarketTask } from "./task-store.ts";

/** How long, and how many of a tenant, are kept to be redriven. */
export const KEPT_STUCK_MS = 30 * 24 * 60 * 60 * 1_000;
export const KEPT_STUCK = 1_000;
/** Tasks from before limits were kept here. */
const DEFAULT_DEADLINE_S = 3_600;

export class StuckDesk {
  readonly #desk: MarketDesk;

  constructor(desk: MarketDesk) {
    this.#desk = desk;
  }

  /** What the history is told of a task that ends, where its work was given up. Call it before what is held is released. */
  givenUp(task: MarketTask, { letter = task.letter, end }: EndReport): HistoryRow[] {
    if (letter === undefined || !isGivenUp(end)) return [];
    const { tenantId } = this.#desk.mustTenant();
    const { taskId } = task;
    const row = {
      table: "stuck",
      stuckId: newId("stk", this.#desk.config.source),
      tenantId,
      taskId,
      ...figuresOf(letter),
      state: "open",
      version: 1,
    } as const;
    const heldMicros = this.#desk.ledger.account(taskId)?.heldMicros ?? asMicros(0);
    // A calibration's run is over for its calibration: it is told of, and nothing is kept to go on from.
    if (task.calibrates === null) this.#desk.store.stuck.put({ row, heldMicros });
    return [row];
  }

  /** Told again, it answers the same. */
  redrive(stuckId: StuckId): Result<Redriven, StuckRefusal> {
    const work = this.#desk.store.stuck.find(stuckId);
    if (work === null) return fail({ reason: "stuck_not_redrivable" });
    const { state, taskId } = work.row;
    if (state === "redriven") return ok({ taskId, replayed: true });
    const task = this.#desk.store.tasks.find(taskId);
    if (state !== "open" || task === null || !isFinal(task.state)) return fail({ reason: "stuck_settled" });
    if (this.#desk.mustTenant().suspendedAtMs !== null) return fail({ reason: "tenant_suspended" });
    const refusal = task.agentId === null ? this.#holdForAuction(work) : this.#holdForTrace(task);
    if (refusal !== null) return fail({ reason: "budget", refusal });
    this.#reopen(task, this.#settle(work, "redriven"));
    return ok({ taskId, replayed: false });
  }

  /** Told again, it answers the same. False: it was redriven, or is not kept any more. */
  dismiss(stuckId: StuckId): boolean {
    const work = this.#desk.store.stuck.find(stuckId);
    if (work === null) return false;
    if (work.row.state === "open") this.#desk.store.history.add([this.#settle(work, "dismissed")]);
    return work.row.state === "open" || work.row.state === "dismissed";
  }

  /** What nobody did anything about for so long is kept no more. */
  forgetOld(): void {
    const { stuck, history } = this.#desk.store;
    if (!stuck.hasAny()) return;
    const beforeMs = this.#desk.now() - KEPT_STUCK_MS;
    stuck.removeSettled(beforeMs);
    const surplus = stuck.surplus(beforeMs, KEPT_STUCK);
    history.add(surplus.map((work) => this.#settle(work, "forgotten")));
  }

  #settle({ row: before, ...work }: StuckWork, state: StuckState): HistoryRow {
    const row = { ...before, state, version: before.version + 1 };
    this.#desk.store.stuck.put({ ...work, row });
    return row;
  }

  #holdForAuction({ row, heldMicros }: StuckWork): HoldRefusal | null {
    const { ledger } = this.#desk;
    const { keyId = null } = ledger.account(row.taskId) ?? {};
    return ledger.hold(row.taskId, heldMicros, this.#desk.budgets(keyId));
  }

  #holdForTrace(task: MarketTask): HoldRefusal | null {
    const { pool } = this.#desk.store.tasks.terms(task.taskId);
    const agent = pool.find(({ id }) => id === task.agentId);
    if (agent === undefined) throw new Error("the task's agent is not of its pool");
    const forecast = this.#desk.forecast(agent);
    const refusal = holdForAttempt(this.#desk, task.taskId, forecast);
    // Its own limit is shared with nobody, and how much of the trace is left to do nobody knows: what is left of it may do.
    return refusal?.scope === "task" ? holdForAttempt(this.#desk, task.taskId, restOf(forecast)) : refusal;
  }

  #reopen(task: MarketTask, row: HistoryRow): void {
    const { turns, store } = this.#desk;
    const redrivenAtMs = this.#desk.now();
    const open = { ...task, lease: null, stopping: false, end: null, endedAtMs: null, redrivenAtMs };
    const waits = task.agentId !== null && turns.traceWaits(task);
    const redrive: Redrive = {
      attempt: task.agentId === null ? null : task.attempt + 1,
      redrivenAtMs,
      deadlineAtMs: redrivenDeadline(open) ?? redrivenAtMs,
      allowanceMicros: this.#desk.allowance(task.taskId),
      waits,
    };
    this.#desk.owe(task, { kind: "redrive", redrive });
    if (redrive.attempt === null) {
      this.#desk.record({ ...open, state: "admitted" }, [row]);
      turns.waits(store.tasks.open.accountOf(task.taskId));
    } else {
      const heldBackSinceMs = waits ? redrivenAtMs : null;
      this.#desk.record({ ...open, state: "awarded", attempt: redrive.attempt, heldBackSinceMs }, [row]);
    }
    this.#desk.tenantHasOpen();
    turns.grant();
  }
}

/** When a task that was redriven must have ended; null: it was not, and its time is as it was admitted. */
export function redrivenDeadline({ redrivenAtMs, limits }: MarketTask): number | null {
  if (redrivenAtMs === undefined) return null;
  return redrivenAtMs + (limits?.deadlineS ?? DEFAULT_DEADLINE_S) * 1_000;
}

function figuresOf({ sinceMs: sinceAtMs, ...letter }: DeadLetter) {
  return { ...letter, sinceAtMs };
}
