/** A task as a tenant submits it, and the states that it passes through (architecture, "Task life"). */
import { z } from "zod";
import { escalationSchema } from "./escalation.ts";
import { AGENT_ID_PATTERN, type AgentId } from "./ids.ts";
import { MAX_POLICY_NAME_CHARS } from "./policy-name.ts";
import { isToolName } from "./tools/tool-name.ts";
import { verdictOutcomeSchema, verifierSpecSchema } from "./verifier-spec.ts";

export const MAX_PROMPT_CHARS = 200_000;
const MAX_LABELS = 32;
const MAX_NAMED_TOOLS = 128;
/** A micro-dollar: what is less would count as nothing. */
const MIN_COST_USD = 0.000_001;
const MAX_COST_USD = 100_000;
/** Where neither the task nor its tenant's policy says anything. */
const DEFAULT_DEADLINE_S = 3_600;
export const MIN_DEADLINE_S = 5;
export const MAX_DEADLINE_S = 86_400;
/** What the house has for a task to name. */
export const TOOL_NAMES = ["run_javascript", "http", "fetch_page", "web_search", "files"] as const;
/** Of a task that names none: what reaches no further than the operator's own list of addresses. */
const DEFAULT_TOOLS: readonly (typeof TOOL_NAMES)[number][] = ["run_javascript", "http"];

const limitsSchema = z.strictObject({
  /**
   * Seconds from admission until its agents' work must have ended. What somebody outside takes to give the verdict has a
   * limit of its own, and is not counted; no further attempt begins after it.
   */
  deadlineS: z.int().min(MIN_DEADLINE_S).max(MAX_DEADLINE_S).default(DEFAULT_DEADLINE_S),
  /** Model calls of one trace. */
  maxSteps: z.int().min(1).max(500).default(200),
  /** Most that the task may cost, its auction included, in USD; null: what its tenant's and its key's budgets leave. */
  maxCostUsd: z.number().min(MIN_COST_USD).max(MAX_COST_USD).nullable().default(null),
  /** Output tokens of one model call, reasoning included. */
  maxOutputTokens: z.int().min(64).max(65_536).default(8_192),
});

export const taskSpecSchema = z.strictObject({
  prompt: z.string().min(1).max(MAX_PROMPT_CHARS),
  verifier: verifierSpecSchema.nullable().default(null),
  limits: limitsSchema.prefault({}),
  /** Tools that the winner may use: the house's, and the tenant's own, which its market room knows. */
  tools: z
    .array(z.string().refine(isToolName, "not the name of a tool"))
    .max(MAX_NAMED_TOOLS)
    .refine((names) => new Set(names).size === names.length, "a tool is named twice")
    .default([...DEFAULT_TOOLS]),
  /** Policy for this task alone, by name (`policy-name.ts`); null: the tenant's own. */
  policy: z.string().min(1).max(MAX_POLICY_NAME_CHARS).nullable().default(null),
  /** Whether another agent tries where a verifier said fail; null: as the tenant's policy has it. */
  escalation: escalationSchema.nullable().default(null),
  /** The tenant's own labels; returned as they came. */
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `at most ${MAX_LABELS} labels`)
    .default({}),
});

const requestSchema = taskSpecSchema.extend({
  limits: limitsSchema
    .extend({ deadlineS: limitsSchema.shape.deadlineS.unwrap().exactOptional() })
    .prefault({}),
});

function asked({ limits: { deadlineS, ...limits }, ...task }: z.output<typeof requestSchema>) {
  const spec: TaskSpec = { ...task, limits: { deadlineS: deadlineS ?? DEFAULT_DEADLINE_S, ...limits } };
  return { spec, namesDeadline: deadlineS !== undefined };
}

/** As `taskSpecSchema`, and with it whether the client named a deadline: its tenant's policy has a default, too. */
export const taskRequestSchema = requestSchema.transform(asked);

const MAX_EXPIRY_S = 86_400;

/** The same for a quote. */
export const quoteRequestSchema = requestSchema
  .extend({
    /** How long its bids stand, in seconds from the moment the auction cleared. */
    expiresInS: z.int().min(10).max(MAX_EXPIRY_S).default(600),
    /** Who accepts a bid has chosen it, and its price: nobody else is sold the task. */
    escalation: z.null({ error: "a quote has none: one bid of it is accepted" }).default(null),
  })
  .transform(({ expiresInS, ...task }) => ({ ...asked(task), quote: { expiresInS } }));

/** As a client writes it. */
export type TaskInput = z.input<typeof taskSpecSchema>;
/** With every default filled in. */
export type TaskSpec = z.output<typeof taskSpecSchema>;
export type TaskLimits = TaskSpec["limits"];

/**
 * `quoted`: the auction of a quote has cleared, and nobody has accepted a bid yet. `waiting`: there is a result, and
 * somebody outside is to say what it is worth.
 */
export const OPEN_STATES = [
  "admitted",
  "bidding",
  "judging",
  "quoted",
  "awarded",
  "running",
  "verifying",
  "waiting",
] as const;
export const FINAL_STATES = ["finished", "failed", "cancelled", "no_sale"] as const;
/** States that a list can be asked for: the finer ones are known to a task's own room only. */
export const LISTED_STATES = [
  "admitted",
  "bidding",
  "quoted",
  "awarded",
  "waiting",
  ...FINAL_STATES,
] as const;
export const taskStateSchema = z.enum([...OPEN_STATES, ...FINAL_STATES]);
export type TaskState = z.infer<typeof taskStateSchema>;
export type FinalState = (typeof FINAL_STATES)[number];

export function isFinal(state: TaskState): state is FinalState {
  return (FINAL_STATES as readonly string[]).includes(state);
}

/** Why a task failed: closed, so that clients can switch on it. */
export const failureReasonSchema = z.enum([
  /** No agent made a valid bid. */
  "no_bids",
  /** The auction was taken up several times and never cleared. */
  "auction_abandoned",
  /** The deadline passed. */
  "deadline",
  /** The trace used up its steps without a result. */
  "step_limit",
  /** It reached its own `limits.maxCostUsd`. */
  "cost_limit",
  /** Its tenant's or its key's budget is used up. */
  "budget",
  /** The conversation does not fit into the agent's window, with all of its tools' answers shortened. */
  "context_limit",
  /** The agent's provider failed after all retries. */
  "agent_failed",
  /** The trace was taken up several times without a committed step. */
  "trace_abandoned",
  /** Its work failed in the hands of whoever took it up: a fault of the house, which its operator sees. */
  "dead_lettered",
  /** Its steps are as much as a task's room keeps (`journal-limits.ts`), or one of them is more than a row takes. */
  "journal_limit",
]);
export type FailureReason = z.infer<typeof failureReasonSchema>;

/** Why a task was not sold: closed, so that clients can switch on it. Nothing was spent beyond its auction. */
export const noSaleReasonSchema = z.enum([
  /** The trace of no bid is likely to stay within `limits.maxCostUsd`. */
  "cost_limit",
  /** Nor to end before `limits.deadlineS`. */
  "deadline",
  /** Nor within `limits.maxSteps`. */
  "step_limit",
  /** Every bidder has the share of awards that the tenant's policy leaves it. */
  "share_cap",
  /** Several limits at once stand against every bid. */
  "limits",
  /** Nobody accepted a bid of the quote in time. */
  "quote_expired",
]);
export type NoSaleReason = z.infer<typeof noSaleReasonSchema>;

/** The least that would have to give: limits of one agent's bid, each at the value at which it would have been sold. */
export const relaxationSchema = z.strictObject({
  agentId: z
    .string()
    .regex(AGENT_ID_PATTERN)
    .transform((id) => id as AgentId),
  limits: z.strictObject({
    maxCostUsd: z.number().exactOptional(),
    deadlineS: z.number().exactOptional(),
    maxSteps: z.number().exactOptional(),
    /** Of the tenant's policy, not of the task. */
    maxShare: z.number().exactOptional(),
  }),
});
export type Relaxation = z.infer<typeof relaxationSchema>;

/** How a task ended. `outcome` is the verifier's word, and `unknown` without one. */
export const taskEndSchema = z.discriminatedUnion("state", [
  z.strictObject({ state: z.literal("finished"), outcome: verdictOutcomeSchema }),
  z.strictObject({ state: z.literal("failed"), reason: failureReasonSchema }),
  z.strictObject({ state: z.literal("cancelled") }),
  z.strictObject({
    state: z.literal("no_sale"),
    reason: noSaleReasonSchema,
    /** Null: of a quote that nobody accepted. */
    relaxation: relaxationSchema.nullable(),
  }),
]);
export type TaskEnd = z.infer<typeof taskEndSchema>;
