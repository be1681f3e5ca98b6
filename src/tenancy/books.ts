/** Reading the tenant's books: its budgets and what is left, usage by day and by task, and every line for an audit. */
import type { CallBill, CallKind } from "../market/call.ts";
import type { AgentId, CallId, KeyId, TaskId } from "../market/ids.ts";
import type { Budget, Spending } from "../market/ledger/budget.ts";
import type { Payer } from "../market/ledger/charge.ts";
import type { BookSums, CallLine, TransferLine, UsageLine } from "../market/ledger/reconcile.ts";
import type { Account, TransferKind } from "../market/ledger/transfer.ts";
import { asMicros, type Prices, type TokenUsage } from "../market/money.ts";
import type { StoredKey } from "./key-store.ts";
import { ToolUsage, type ToolLine } from "./tool-usage.ts";
import { spendingOf, TENANT_SCOPE } from "./spending.ts";

/** A task's calls that were booked. */
export interface TaskLines {
  /** False: the books know no such task. */
  readonly known: boolean;
  readonly calls: readonly CallLine[];
}

/** What an account may spend, and has spent. */
export interface AccountBudget {
  readonly account: KeyId;
  readonly budget: Budget;
  readonly spending: Spending;
}

export type BooksQuery =
  /** `by`: hash of the key that asks; absent: the operator does. */
  | { readonly kind: "budget"; readonly by?: string }
  /** Days from and to, both included. */
  | { readonly kind: "usage"; readonly from: string; readonly to: string }
  | { readonly kind: "task"; readonly taskId: TaskId }
  | { readonly kind: "calls"; readonly after: string; readonly limit: number }
  | { readonly kind: "transfers"; readonly after: number; readonly limit: number }
  /** Accounts after this task's, so many at most; default: from the first one on. */
  | { readonly kind: "sums"; readonly after?: string; readonly limit?: number };

export interface BooksAnswers {
  readonly budget: {
    readonly budget: Budget;
    readonly spending: Spending;
    /** Of the account of the key that asks, where it has a budget of its own; null or absent: it has none. */
    readonly account?: AccountBudget | null;
  };
  readonly usage: readonly (UsageLine | ToolLine)[];
  readonly task: TaskLines;
  readonly calls: readonly CallLine[];
  readonly transfers: readonly TransferLine[];
  /** A page of the accounts, and all other sums; `version` is another after every entry. */
  readonly sums: BookSums & { readonly version: string };
}

/** A task has an account for good: all of them would not fit an answer. */
const MOST_ACCOUNTS = 10_000;

type Row = Record<string, SqlStorageValue>;

export class Books {
  readonly #sql: SqlStorage;
  readonly #tools: ToolUsage;
  readonly #now: () => number;

  constructor(storage: DurableObjectStorage, now: () => number) {
    this.#sql = storage.sql;
    this.#tools = new ToolUsage(storage);
    this.#now = now;
  }

  /** @param key that asks, if it is one */
  read(
    query: BooksQuery,
    budget: Budget,
    key: Pick<StoredKey, "account" | "budget"> | null,
  ): BooksAnswers[BooksQuery["kind"]] {
    switch (query.kind) {
      case "budget":
        return { budget, spending: this.#spending(TENANT_SCOPE), account: this.#accountOf(key) };
      case "usage":
        return this.#usage(query.from, query.to);
      case "task":
        return this.#task(query.taskId);
      case "calls":
        return this.#calls("WHERE call_id > ? ORDER BY call_id LIMIT ?", query.after, query.limit);
      case "transfers":
        return this.#transfers(query.after, query.limit);
      case "sums":
        return this.#sums(query.after ?? "", query.limit ?? MOST_ACCOUNTS);
    }
  }

  #spending(scope: string): Spending {
    return spendingOf(this.#sql, scope, this.#now());
  }

  #accountOf(key: Pick<StoredKey, "account" | "budget"> | null): AccountBudget | null {
    if (key === null || key.budget === null) return null;
    const { account, budget } = key;
    return { account, budget, spending: this.#spending(account) };
  }

  /** Of the days from and to, both included. */
  #usage(from: string, to: string): (UsageLine | ToolLine)[] {
    const calls = this.#sql
      .exec<Row>(
        "SELECT * FROM usage WHERE day >= ? AND day <= ? ORDER BY day, key_id, agent_id, kind",
        from,
        to,
      )
      .toArray()
      .map(usageLine);
    return [...calls, ...this.#tools.lines(from, to)];
  }

  #task(taskId: TaskId): TaskLines {
    const known = this.#sql.exec("SELECT 1 FROM accounts WHERE task_id = ?", taskId).toArray().length > 0;
    return { known, calls: this.#calls("WHERE task_id = ? ORDER BY call_id", taskId) };
  }

  #calls(where: string, ...bindings: SqlStorageValue[]): CallLine[] {
    return this.#sql
      .exec<Row>(
        `SELECT calls.*, (SELECT body FROM prices WHERE id = price) AS prices FROM calls ${where}`,
        ...bindings,
      )
      .toArray()
      .map((row) => ({
        callId: row["call_id"] as CallId,
        taskId: row["task_id"] as TaskId,
        keyId: orNull<KeyId>(row["key_id"]),
        day: row["day"] as string,
        agentId: orNull<AgentId>(row["agent_id"]),
        kind: row["kind"] as CallKind,
        attempt: row["attempt"] as number,
        status: row["status"] as CallBill["status"],
        payer: row["payer"] as Payer,
        boundMicros: asMicros(row["bound_micros"] as number),
        chargedMicros: asMicros(row["charged"] as number),
        overrunMicros: asMicros(row["overrun"] as number),
        lostMicros: asMicros(row["lost"] as number),
        usage: parsed<TokenUsage>(row["usage"]),
        prices: parsed<Prices>(row["prices"]),
        endedAtMs: row["ended_at_ms"] as number,
      }));
  }

  #transfers(after: number, limit: number): TransferLine[] {
    return this.#sql
      .exec<Row>("SELECT * FROM transfers WHERE id > ? ORDER BY id LIMIT ?", after, limit)
      .toArray()
      .map((row) => ({
        id: row["id"] as number,
        atMs: row["at_ms"] as number,
        kind: row["kind"] as TransferKind,
        taskId: row["task_id"] as TaskId,
        callId: row["call_id"] as CallId | null,
        from: row["source"] as Account,
        to: row["target"] as Account,
        micros: asMicros(row["micros"] as number),
      }));
  }

  #sums(after: string, limit: number): BooksAnswers["sums"] {
    const accounts = this.#sql
      .exec<Row>(
        "SELECT task_id, key_id, held, charged FROM accounts WHERE task_id > ? ORDER BY task_id LIMIT ?",
        after,
        limit,
      )
      .toArray()
      .map((row) => ({
        taskId: row["task_id"] as TaskId,
        keyId: orNull<KeyId>(row["key_id"]),
        heldMicros: row["held"] as number,
        chargedMicros: row["charged"] as number,
      }));
    const spending = this.#sql
      .exec<{ scope: string; time: string; micros: number }>("SELECT scope, time, micros FROM spending")
      .toArray();
    const usage = this.#sql.exec<Row>("SELECT * FROM usage").toArray().map(usageLine);
    const version = this.#sql
      .exec<{ version: string }>(
        // By sums: there are many more calls than lines of usage.
        `SELECT (SELECT coalesce(max(id), 0) FROM transfers) || '/' ||
           (SELECT coalesce(sum(calls), 0) || '/' || coalesce(sum(unconfirmed), 0) FROM usage) AS version`,
      )
      .one().version;
    return { accounts, spending, usage, version };
  }
}

function usageLine(row: Row): UsageLine {
  return {
    day: row["day"] as string,
    keyId: orNull<KeyId>(row["key_id"]),
    agentId: orNull<AgentId>(row["agent_id"]),
    kind: row["kind"] as CallKind,
    calls: row["calls"] as number,
    unconfirmed: row["unconfirmed"] as number,
    inputTokens: row["input"] as number,
    cachedInputTokens: row["cached"] as number,
    outputTokens: row["output"] as number,
    chargedMicros: asMicros(row["charged"] as number),
    houseMicros: asMicros(row["house"] as number),
  };
}

function orNull<T extends string>(value: SqlStorageValue | undefined): T | null {
  return value === "" || value === undefined ? null : (value as T);
}

function parsed<T>(value: SqlStorageValue | undefined): T | null {
  return typeof value === "string" ? (JSON.parse(value) as T) : null;
}
