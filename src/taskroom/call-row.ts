/** A call as the journal's table has it. */
import type { CallKind } from "../market/call.ts";
import type { AgentId, CallId } from "../market/ids.ts";
import type { Payer } from "../market/ledger/charge.ts";
import { asMicros, type Prices, type TokenUsage } from "../market/money.ts";
import type { CallView } from "./task-room-api.ts";

export interface CallRow extends Record<string, SqlStorageValue> {
  call_id: string;
  kind: string;
  agent_id: string | null;
  attempt: number;
  status: string;
  bound_micros: number;
  cost_micros: number;
  usage: string | null;
  ms: number | null;
  payer: string;
  prices: string | null;
}

export function callView(row: CallRow): CallView {
  return {
    callId: row.call_id as CallId,
    kind: row.kind as CallKind,
    agentId: row.agent_id as AgentId | null,
    attempt: row.attempt,
    status: row.status as CallView["status"],
    boundMicros: asMicros(row.bound_micros),
    costMicros: asMicros(row.cost_micros),
    usage: row.usage === null ? null : (JSON.parse(row.usage) as TokenUsage),
    ms: row.ms,
    payer: row.payer as Payer,
    prices: row.prices === null ? null : (JSON.parse(row.prices) as Prices),
  };
}
