/**
 * How often tools ran for the tenant, by day, key and agent. They cost nothing, so the ledger does not know of them; what
 * the models paid for reading their answers stands with the trace's calls.
 */
import type { AgentId, KeyId } from "../market/ids.ts";
import type { UsageLine } from "../market/ledger/reconcile.ts";
import { ZERO_MICROS } from "../market/money.ts";

export const TOOL_USAGE_SCHEMA = `
CREATE TABLE tool_usage (
  day TEXT NOT NULL, key_id TEXT NOT NULL, agent_id TEXT NOT NULL, calls INTEGER NOT NULL,
  PRIMARY KEY (day, key_id, agent_id)
) WITHOUT ROWID;
`;

/** A line of the usage beside those of calls to models. */
export type ToolLine = Omit<UsageLine, "kind"> & { readonly kind: "tool" };

interface ToolRow extends Record<string, SqlStorageValue> {
  day: string;
  key_id: string;
  agent_id: string;
  calls: number;
}

export class ToolUsage {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** @param ran.day UTC, when the attempt ended */
  add(ran: {
    readonly day: string;
    readonly keyId: KeyId | null;
    readonly agentId: AgentId;
    readonly calls: number;
  }): void {
    if (ran.calls === 0) return;
    this.#sql.exec(
      `INSERT INTO tool_usage (day, key_id, agent_id, calls) VALUES (?, ?, ?, ?)
       ON CONFLICT (day, key_id, agent_id) DO UPDATE SET calls = calls + excluded.calls`,
      ran.day,
      ran.keyId ?? "",
      ran.agentId,
      ran.calls,
    );
  }

  /** Of the days from and to, both included. */
  lines(from: string, to: string): ToolLine[] {
    const query = "SELECT * FROM tool_usage WHERE day >= ? AND day <= ? ORDER BY day, key_id, agent_id";
    return this.#sql.exec<ToolRow>(query, from, to).toArray().map(toolLine);
  }
}

function toolLine({ day, key_id, agent_id, calls }: ToolRow): ToolLine {
  return {
    day,
    keyId: key_id === "" ? null : (key_id as KeyId),
    agentId: agent_id as AgentId,
    kind: "tool",
    calls,
    unconfirmed: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    outputTokens: 0,
    chargedMicros: ZERO_MICROS,
    houseMicros: ZERO_MICROS,
  };
}
