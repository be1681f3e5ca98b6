/**
 * Sums over everything that the history was ever told, for the operator's metrics: counted in the batch that writes the
 * row, once for each row. They only grow: an erased tenant's rows go, its share of the sums stays, and nothing in them says
 * whose it was.
 *
 * Few rows, whatever the history holds: a row for each agent of the deployment's pool and kind of work (of a trace, for each
 * class of steps), and one for each end that a task can come to and class of its duration.
 */
import { integer, primaryKey, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { CallKind } from "../market/call.ts";
import type { AgentId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import type { FinalState } from "../market/task.ts";
import type { VerdictOutcome } from "../market/verifier-spec.ts";

/** An agent that is none of the deployment's pool: tenants may have pools of their own, and any number of names in them. */
export const OTHER_AGENT = "other";

/** A bid, a verdict, or a trace, by the kind of its model calls. */
export type AgentWork = Extract<CallKind, "bid" | "refine" | "jury" | "trace">;

const sum = (name: string) => integer(name).notNull();

export const agentSums = sqliteTable(
  "agent_sums",
  {
    agentId: text("agent_id").$type<AgentId | typeof OTHER_AGENT>().notNull(),
    kind: text("kind").$type<AgentWork>().notNull(),
    /** Of traces: the class of their steps, see `class-bounds.ts`; otherwise 0. */
    stepsUpTo: integer("steps_up_to").notNull(),
    /** Bids, verdicts or traces. */
    times: sum("times"),
    steps: sum("steps"),
    inputTokens: sum("input_tokens"),
    cachedInputTokens: sum("cached_input_tokens"),
    cacheWriteTokens: sum("cache_write_tokens"),
    outputTokens: sum("output_tokens"),
    reasoningTokens: sum("reasoning_tokens"),
    costMicros: sum("cost_micros").$type<Micros>(),
  },
  (table) => [primaryKey({ columns: [table.agentId, table.kind, table.stepsUpTo] })],
);

export const endSums = sqliteTable(
  "end_sums",
  {
    state: text("state").$type<FinalState>().notNull(),
    /** Empty: the task came to no verdict; so of the reason, which is why it failed or was not sold. */
    outcome: text("outcome").$type<VerdictOutcome | "">().notNull(),
    reason: text("reason").notNull(),
    /** The class of its time from admission to its end. */
    msUpTo: integer("ms_up_to").notNull(),
    /** Ends: a task that was redriven has two. */
    times: sum("times"),
    ms: sum("ms"),
  },
  (table) => [primaryKey({ columns: [table.state, table.outcome, table.reason, table.msUpTo] })],
);
