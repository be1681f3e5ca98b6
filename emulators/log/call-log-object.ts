/**
 * The call log: one row per model call, on either wire, and the fault switches beside it.
 *
 * It outlives the Worker under test, so a bench can compare what Saleroom billed with what was called.
 * An arrival is a row before the model answers; its completion, with usage, is committed before the answer leaves.
 * May not know models or wires, and keeps no prompt.
 */
import { DurableObject } from "cloudflare:workers";
import type { EmulatorEnv } from "../admin/config.ts";
import { faultRuleSchema } from "../faults/fault-rule.ts";
import type { FaultRule } from "../faults/fault-rule.ts";
import type {
  CallArrival,
  CallCompletion,
  CallRow,
  CallStatus,
  CallTicket,
  ModelSummary,
  Wire,
} from "./call-row.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL, wire TEXT NOT NULL, model TEXT NOT NULL, bare_model TEXT NOT NULL,
  fingerprint TEXT NOT NULL, request_bytes INTEGER NOT NULL, seed INTEGER,
  process TEXT NOT NULL, in_flight INTEGER NOT NULL,
  left_at INTEGER, status TEXT, ms INTEGER, fault TEXT,
  prompt INTEGER, cached INTEGER, completion INTEGER, reasoning INTEGER
);
CREATE INDEX IF NOT EXISTS calls_open ON calls (process) WHERE left_at IS NULL;
CREATE TABLE IF NOT EXISTS model_counts (bare_model TEXT PRIMARY KEY, calls INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS faults (bare_model TEXT PRIMARY KEY, rule TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fault_since (bare_model TEXT PRIMARY KEY, calls INTEGER NOT NULL);
`;

/** Switches under this name hold for every model that has none of its own. */
export const ANY_MODEL = "*";

/** Calls of a process that died are not in flight; made on first use, as global scope has no randomness. */
let processId: string | null = null;

type StoredRow = Record<"id" | "at" | "request_bytes" | "in_flight", number> & {
  wire: Wire;
  model: string;
  bare_model: string;
  fingerprint: string;
  seed: number | null;
  status: CallStatus | null;
  ms: number | null;
  fault: string | null;
  prompt: number | null;
  cached: number | null;
  completion: number | null;
  reasoning: number | null;
};

export class CallLogObject extends DurableObject<EmulatorEnv> {
  readonly #sql: SqlStorage;
  readonly #process: string;

  constructor(ctx: DurableObjectState, env: EmulatorEnv) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(SCHEMA);
    processId ??= crypto.randomUUID();
    this.#process = processId;
  }

  /** Records that a call has arrived. Its row stays open until {@link complete}. */
  arrive(call: CallArrival): CallTicket {
    return this.ctx.storage.transactionSync(() => {
      const open = this.#sql
        .exec<{ n: number }>(
          "SELECT COUNT(*) AS n FROM calls WHERE left_at IS NULL AND process = ?",
          this.#process,
        )
        .one().n;
      const { calls } = this.#sql
        .exec<{ calls: number }>(
          `INSERT INTO model_counts VALUES (?, 1)
           ON CONFLICT (bare_model) DO UPDATE SET calls = calls + 1 RETURNING calls`,
          call.bareModel,
        )
        .one();
      const { id } = this.#sql
        .exec<{ id: number }>(
          `INSERT INTO calls (at, wire, model, bare_model, fingerprint, request_bytes, seed, process, in_flight)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
          Date.now(),
          call.wire,
          call.model,
          call.bareModel,
          call.fingerprint,
          call.requestBytes,
          call.seed,
          this.#process,
          open + 1,
        )
        .one();
      return {
        id,
        inFlight: open + 1,
        faults: this.#rule(call.bareModel),
        callNumber: calls - this.#since(call.bareModel),
      };
    });
  }

  /** Records how a call ended. A row that was erased meanwhile stays erased. */
  complete(id: number, end: CallCompletion): void {
    const usage = end.usage;
    this.#sql.exec(
      `UPDATE calls SET left_at = ?, status = ?, ms = ?, fault = ?, prompt = ?, cached = ?, completion = ?, reasoning = ? WHERE id = ?`,
      Date.now(),
      end.status,
      Math.round(end.ms),
      end.fault,
      usage?.promptTokens ?? null,
      usage?.cachedPromptTokens ?? null,
      usage?.completionTokens ?? null,
      usage?.reasoningTokens ?? null,
      id,
    );
  }

  /** Rows in the order of arrival. */
  list(query: { readonly after: number; readonly limit: number; readonly model: string | null }): CallRow[] {
    return this.#sql
      .exec<StoredRow>(
        "SELECT * FROM calls WHERE id > ? AND (? IS NULL OR bare_model = ?) ORDER BY id LIMIT ?",
        query.after,
        query.model,
        query.model,
        query.limit,
      )
      .toArray()
      .map(callRow);
  }

  summary(): ModelSummary[] {
    return this.#sql
      .exec<ModelSummary & Record<string, SqlStorageValue>>(
        `SELECT bare_model AS model, COUNT(*) AS calls, ${counted("ok")} AS ok, ${counted("error")} AS errors,
           ${counted("cut")} AS cut, ${counted("hung")} AS hung, COUNT(*) FILTER (WHERE status IS NULL) AS open,
           ${summed("prompt")} AS promptTokens, ${summed("cached")} AS cachedPromptTokens,
           ${summed("completion")} AS completionTokens, ${summed("reasoning")} AS reasoningTokens,
           MAX(in_flight) AS maxInFlight
         FROM calls GROUP BY bare_model ORDER BY bare_model`,
      )
      .toArray();
  }

  /** Erases all rows; ids go on counting, switches stay. */
  clear(): void {
    this.#sql.exec("DELETE FROM calls");
  }

  /** Sets a model's switches; its calls are counted from here. */
  putFaults(bareModel: string, rule: FaultRule): void {
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec("INSERT OR REPLACE INTO faults VALUES (?, ?)", bareModel, JSON.stringify(rule));
      if (bareModel === ANY_MODEL) {
        this.#sql.exec(
          "INSERT OR REPLACE INTO fault_since SELECT bare_model, calls FROM model_counts WHERE bare_model NOT IN (SELECT bare_model FROM faults)",
        );
      } else {
        this.#sql.exec(
          "INSERT OR REPLACE INTO fault_since SELECT bare_model, calls FROM model_counts WHERE bare_model = ?",
          bareModel,
        );
      }
    });
  }

  allFaults(): Record<string, FaultRule> {
    const rows = this.#sql
      .exec<{ bare_model: string; rule: string }>("SELECT * FROM faults ORDER BY bare_model")
      .toArray();
    return Object.fromEntries(
      rows.map((row) => [row.bare_model, faultRuleSchema.parse(JSON.parse(row.rule))]),
    );
  }

  /** @param bareModel null: of all models */
  deleteFaults(bareModel: string | null): void {
    this.#sql.exec("DELETE FROM faults WHERE ? IS NULL OR bare_model = ?", bareModel, bareModel);
  }

  #rule(bareModel: string): FaultRule | null {
    const rows = this.#sql
      .exec<{ rule: string }>(
        "SELECT rule FROM faults WHERE bare_model IN (?, ?) ORDER BY bare_model = ? DESC LIMIT 1",
        bareModel,
        ANY_MODEL,
        bareModel,
      )
      .toArray();
    return rows[0] === undefined ? null : faultRuleSchema.parse(JSON.parse(rows[0].rule));
  }

  #since(bareModel: string): number {
    const rows = this.#sql
      .exec<{ calls: number }>("SELECT calls FROM fault_since WHERE bare_model = ?", bareModel)
      .toArray();
    return rows[0]?.calls ?? 0;
  }
}

function callRow(row: StoredRow): CallRow {
  return {
    id: row.id,
    at: new Date(row.at).toISOString(),
    wire: row.wire,
    model: row.model,
    bareModel: row.bare_model,
    fingerprint: row.fingerprint,
    purpose: null,
    requestBytes: row.request_bytes,
    seed: row.seed,
    inFlight: row.in_flight,
    status: row.status,
    usage:
      row.prompt === null || row.cached === null || row.completion === null || row.reasoning === null
        ? null
        : {
            promptTokens: row.prompt,
            cachedPromptTokens: row.cached,
            completionTokens: row.completion,
            reasoningTokens: row.reasoning,
          },
    ms: row.ms,
    fault: row.fault,
  };
}

function counted(status: CallStatus): string {
  return `COUNT(*) FILTER (WHERE status = '${status}')`;
}

function summed(column: "prompt" | "cached" | "completion" | "reasoning"): string {
  return `COALESCE(SUM(${column}), 0)`;
}
