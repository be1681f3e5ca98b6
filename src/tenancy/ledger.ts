/**
 * The tenant's books: what is held for open tasks, what was spent, and what of its budgets is left.
 *
 * Called inside the market room's transactions. Every movement is a transfer of the double-entry ledger
 * (`market/ledger`); beside it stand sums, so that nothing is added up anew to answer whether a hold fits.
 */
import { budgetRoom, type Budget, type BudgetLimit } from "../market/ledger/budget.ts";
import { bookSpent, sharesOf, type Shares } from "../market/ledger/charge.ts";
import type { Transfer } from "../market/ledger/transfer.ts";
import type { KeyId, TaskId } from "../market/ids.ts";
import { asMicros, type Micros } from "../market/money.ts";
import type { SpentCall } from "../market/report.ts";
import { fail, ok, type Result } from "../market/result.ts";
import { HELD, spendingOf, TENANT_SCOPE } from "./spending.ts";
import { dayOf } from "./utc.ts";

/** Ahead of need a task is given at most this part of what its budgets leave. */
const PLENTY = 4;

/** Whose limit a hold would have passed. */
export type BudgetScope = "tenant" | "key" | "task";

/** Nothing was held. */
export interface HoldRefusal {
  readonly scope: BudgetScope;
  /** `task`: its own `limits.maxCostUsd`. */
  readonly limit: BudgetLimit | "task";
  readonly askedMicros: Micros;
  /** What is left below that limit; 0 where it was lowered below what is spent. */
  readonly leftMicros: Micros;
}

/** The budgets that a hold must fit. */
export interface Budgets {
  readonly tenant: Budget;
  /** Null: the task has no key, or its key no budget. */
  readonly key: Budget | null;
}

interface AccountRow extends Record<string, SqlStorageValue> {
  key_id: string;
  cap: number | null;
  held: number;
  charged: number;
  /** 0: of a task from before there were holds. */
  holds: number;
}

/** An account to be opened. */
export interface NewAccount {
  readonly taskId: TaskId;
  /** Null: nobody's key asked for the task. */
  readonly keyId: KeyId | null;
  /** The task's own limit; null: it has none. */
  readonly capMicros: Micros | null;
  /** What is held for its auction. */
  readonly holdMicros: Micros;
}

/** What the books say of a task. */
export interface TaskAccount {
  readonly keyId: KeyId | null;
  /** The task's own limit; null: it has none. */
  readonly capMicros: Micros | null;
  readonly heldMicros: Micros;
  readonly chargedMicros: Micros;
}

export class Ledger {
  readonly #sql: SqlStorage;
  readonly #now: () => number;
  /** Ids of price rows. */
  readonly #prices = new Map<string, number>();

  constructor(storage: DurableObjectStorage, now: () => number) {
    this.#sql = storage.sql;
    this.#now = now;
  }

  /** Opens the task's account with what is held for its auction; nothing is opened where that does not fit. */
  open(account: NewAccount, budgets: Budgets): Result<null, HoldRefusal> {
    const { taskId, keyId, capMicros, holdMicros } = account;
    const empty: AccountRow = { key_id: keyId ?? "", cap: capMicros, held: 0, charged: 0, holds: 1 };
    const refusal = this.#refusal(empty, holdMicros, budgets);
    if (refusal !== null) return fail(refusal);
    this.#sql.exec(
      "INSERT INTO accounts (task_id, key_id, cap, held, charged, holds) VALUES (?, ?, ?, 0, 0, 1)",
      taskId,
      empty.key_id,
      capMicros,
    );
    this.#setAside(taskId, empty, holdMicros);
    return ok(null);
  }

  /** Null where the books know no such task. */
  account(taskId: TaskId): TaskAccount | null {
    const row = this.#account(taskId);
    if (row === null) return null;
    return {
      keyId: row.key_id === "" ? null : (row.key_id as KeyId),
      capMicros: row.cap === null ? null : asMicros(row.cap),
      heldMicros: asMicros(row.held),
      chargedMicros: asMicros(row.charged),
    };
  }

  charged(taskId: TaskId): Micros {
    return asMicros(this.#account(taskId)?.charged ?? 0);
  }

  /** Sets aside as much again, all or nothing. Null: it is done. */
  hold(taskId: TaskId, micros: Micros, budgets: Budgets): HoldRefusal | null {
    const account = this.#mustAccount(taskId);
    const refusal = this.#refusal(account, micros, budgets);
    if (refusal === null) this.#setAside(taskId, account, micros);
    return refusal;
  }

  /** As `hold`, for what nobody needs yet: only where other tasks will not lack it. True: it is done. */
  holdAhead(taskId: TaskId, micros: Micros, budgets: Budgets): boolean {
    // Its own limit is shared with nobody.
    const shared = { ...this.#mustAccount(taskId), cap: null };
    const isPlenty = this.#refusal(shared, asMicros(PLENTY * micros), budgets) === null;
    return isPlenty && this.hold(taskId, micros, budgets) === null;
  }

  /**
   * Holds exactly so much from here on, all or nothing, and lets the task never cost more than that beside what it has:
   * what is held beyond is free again. Null: it is done.
   */
  holdExactly(taskId: TaskId, micros: Micros, budgets: Budgets): HoldRefusal | null {
    const account = this.#mustAccount(taskId);
    const more = micros - account.held;
    const refusal = more > 0 ? this.hold(taskId, asMicros(more), budgets) : null;
    if (refusal !== null) return refusal;
    if (more < 0) {
      const back = asMicros(-more);
      this.#move(account, { kind: "release", taskId, callId: null, from: "held", to: "free", micros: back });
    }
    this.#sql.exec("UPDATE accounts SET cap = held + charged WHERE task_id = ?", taskId);
    return null;
  }

  #setAside(taskId: TaskId, account: AccountRow, micros: Micros): void {
    if (micros === 0) return;
    this.#move(account, { kind: "hold", taskId, callId: null, from: "free", to: "held", micros });
  }

  /** The end of a task: what it did not spend is free again. */
  release(taskId: TaskId): void {
    const account = this.#account(taskId);
    if (account === null || account.held === 0) return;
    const micros = asMicros(account.held);
    this.#move(account, { kind: "release", taskId, callId: null, from: "held", to: "free", micros });
  }

  /**
   * Books a call once, whatever is reported how often; only a bound may be replaced by the bill.
   *
   * @param budgets what comes back from a bound must fit them to stay held, where it was charged on another day
   * @returns false: it stands in the books already
   */
  spend(taskId: TaskId, call: SpentCall, budgets: Budgets): boolean {
    const known = this.#call(call.callId);
    if (known !== null && known.status !== "unconfirmed") return false;
    const account = this.#mustAccount(taskId);
    const { boundMicros = call.micros, payer = "tenant" } = call;
    const spent = { ...call, payer, boundMicros };
    const before = known?.shares ?? null;
    if (account.holds === 0) {
      // Admitted before there were holds: it has none to spend from but its award's.
      const more = sharesOf(spent, call.micros).charged - (before?.charged ?? 0);
      this.#setAside(taskId, account, asMicros(Math.max(0, more - account.held)));
    }
    const heldMicros = asMicros(this.#mustAccount(taskId).held);
    const booked = bookSpent(spent, { taskId, heldMicros, before });
    const day = known?.day ?? dayOf(call.endedAtMs);
    for (const transfer of booked.transfers) this.#move(account, transfer, day);
    const entry = { taskId, keyId: account.key_id, day, call, shares: booked.shares };
    this.#putCall(entry);
    this.#count(entry, known);
    const back = (before?.charged ?? 0) - booked.shares.charged;
    // No budget of today has taken it: what is held may be charged today.
    if (back > 0 && day !== dayOf(this.#now())) this.#holdAnew(taskId, asMicros(back), budgets);
    return true;
  }

  #holdAnew(taskId: TaskId, micros: Micros, budgets: Budgets): void {
    const account = this.#mustAccount(taskId);
    this.#move(account, { kind: "release", taskId, callId: null, from: "held", to: "free", micros });
    this.hold(taskId, micros, budgets);
  }

  #refusal(account: AccountRow, micros: Micros, budgets: Budgets): HoldRefusal | null {
    const rooms: HoldRefusal[] = [];
    if (account.cap !== null) {
      const leftMicros = asMicros(Math.max(0, account.cap - account.held - account.charged));
      rooms.push({ scope: "task", limit: "task", askedMicros: micros, leftMicros });
    }
    for (const [scope, id, budget] of [
      ["tenant", TENANT_SCOPE, budgets.tenant],
      ["key", account.key_id, budgets.key],
    ] as const) {
      const room = budget === null ? null : this.#room(id, budget);
      if (room !== null) rooms.push({ scope, askedMicros: micros, ...room });
    }
    const [least] = rooms.toSorted((a, b) => a.leftMicros - b.leftMicros);
    return least === undefined || micros <= least.leftMicros ? null : least;
  }

  #room(scope: string, budget: Budget): ReturnType<typeof budgetRoom> {
    if (budget.totalMicros === null && budget.dayMicros === null && budget.monthMicros === null) return null;
    return budgetRoom(budget, spendingOf(this.#sql, scope, this.#now()));
  }

  /** One transfer, and the sums that follow from it. `day`: when its call was, where it is a call's. */
  #move(account: AccountRow, transfer: Transfer, day: string | null = null): void {
    const { kind, taskId, callId, from, to, micros } = transfer;
    this.#sql.exec(
      "INSERT INTO transfers (at_ms, kind, task_id, call_id, source, target, micros) VALUES (?, ?, ?, ?, ?, ?, ?)",
      this.#now(),
      kind,
      taskId,
      callId,
      from,
      to,
      micros,
    );
    const held = (to === "held" ? micros : 0) - (from === "held" ? micros : 0);
    if (held === 0) return;
    const charged = from === "free" || to === "free" ? 0 : -held;
    this.#sql.exec(
      "UPDATE accounts SET held = held + ?, charged = charged + ? WHERE task_id = ?",
      held,
      charged,
      taskId,
    );
    const scopes = account.key_id === "" ? [TENANT_SCOPE] : [TENANT_SCOPE, account.key_id];
    for (const scope of scopes) {
      this.#addSpending(scope, HELD, held);
      if (charged !== 0 && day !== null) this.#addSpending(scope, day, charged);
    }
  }

  #addSpending(scope: string, time: string, micros: number): void {
    this.#sql.exec(
      `INSERT INTO spending (scope, time, micros) VALUES (?, ?, ?)
       ON CONFLICT (scope, time) DO UPDATE SET micros = micros + excluded.micros`,
      scope,
      time,
      micros,
    );
  }

  #account(taskId: TaskId): AccountRow | null {
    const query = "SELECT key_id, cap, held, charged, holds FROM accounts WHERE task_id = ?";
    return this.#sql.exec<AccountRow>(query, taskId).toArray()[0] ?? null;
  }

  #mustAccount(taskId: TaskId): AccountRow {
    const account = this.#account(taskId);
    if (account === null) throw new Error(`no account of ${taskId}`);
    return account;
  }

  #call(callId: string): KnownCall | null {
    const row = this.#sql
      .exec<{ status: string; day: string; charged: number; overrun: number; lost: number }>(
        "SELECT status, day, charged, overrun, lost FROM calls WHERE call_id = ?",
        callId,
      )
      .toArray()[0];
    if (row === undefined) return null;
    const [charged, overrun, lost] = [row.charged, row.overrun, row.lost].map(asMicros) as [
      Micros,
      Micros,
      Micros,
    ];
    return { status: row.status, day: row.day, shares: { charged, overrun, lost } };
  }

  #putCall({ taskId, keyId, day, call, shares }: BookedCall): void {
    const { usage, prices } = call;
    this.#sql.exec(
      `INSERT OR REPLACE INTO calls (call_id, task_id, key_id, day, agent_id, kind, attempt, status, payer, bound_micros,
         charged, overrun, lost, price, usage, ended_at_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      call.callId,
      taskId,
      keyId,
      day,
      call.agentId ?? "",
      call.kind,
      call.attempt,
      call.status,
      call.payer ?? "tenant",
      call.boundMicros ?? call.micros,
      shares.charged,
      shares.overrun,
      shares.lost,
      prices == null ? null : this.#priceId(JSON.stringify(prices)),
      usage === null ? null : JSON.stringify(usage),
      call.endedAtMs,
    );
  }

  /** Price rows are stored once, and calls name them. */
  #priceId(body: string): number {
    const known = this.#prices.get(body);
    if (known !== undefined) return known;
    this.#sql.exec("INSERT OR IGNORE INTO prices (body) VALUES (?)", body);
    const { id } = this.#sql.exec<{ id: number }>("SELECT id FROM prices WHERE body = ?", body).one();
    this.#prices.set(body, id);
    return id;
  }

  /** What was read or written in a transaction that did not stand is read again. */
  forget(): void {
    this.#prices.clear();
  }

  #count({ day, keyId, call, shares }: BookedCall, known: KnownCall | null): void {
    const usage = call.usage ?? null;
    const house =
      shares.overrun + shares.lost - (known === null ? 0 : known.shares.overrun + known.shares.lost);
    const unconfirmed = Number(call.status === "unconfirmed") - Number(known?.status === "unconfirmed");
    this.#sql.exec(
      `INSERT INTO usage (day, key_id, agent_id, kind, calls, unconfirmed, input, cached, output, charged, house)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (day, key_id, agent_id, kind) DO UPDATE SET
         calls = calls + excluded.calls, unconfirmed = unconfirmed + excluded.unconfirmed, input = input + excluded.input,
         cached = cached + excluded.cached, output = output + excluded.output, charged = charged + excluded.charged,
         house = house + excluded.house`,
      day,
      keyId,
      call.agentId ?? "",
      call.kind,
      known === null ? 1 : 0,
      unconfirmed,
      usage?.inputTokens ?? 0,
      usage?.cachedInputTokens ?? 0,
      usage?.outputTokens ?? 0,
      shares.charged - (known?.shares.charged ?? 0),
      house,
    );
  }
}

interface KnownCall {
  readonly status: string;
  readonly day: string;
  readonly shares: Shares;
}

interface BookedCall {
  readonly taskId: TaskId;
  readonly keyId: string;
  readonly day: string;
  readonly call: SpentCall;
  readonly shares: Shares;
}
