/** Bodies that change a policy: what a tenant may set, and what its operator may set beside it. */
import { z } from "zod";
import { agentSchema, pricesFromUsd, PROVIDERS, regionSchema, usdPricesSchema } from "../market/agent.ts";
import { escalationSchema } from "../market/escalation.ts";
import { AGENT_ID_PATTERN, type AgentId } from "../market/ids.ts";
import { OPERATOR_FIELDS } from "../market/policy-document.ts";
import { MAX_POLICY_NAME_CHARS } from "../market/policy-name.ts";
import { MAX_DEADLINE_S, MIN_DEADLINE_S } from "../market/task.ts";

/** Names in one list; a pool may have changed since they were written. */
const MAX_NAMES = 256;
const MIN_ANSWER_MS = 100;
const MAX_ANSWER_MS = 600_000;
const DEFAULT_PRICE_SOURCE = "set by the operator for this tenant";

const agentId = z
  .string()
  .regex(AGENT_ID_PATTERN, "an agent id is agt_ and a slug of a-z, 0-9 and -")
  .transform((id) => id as AgentId);
/** A list in which neither order nor repetition means anything: two that say the same are the same. */
const setOf = <S extends z.ZodType<string>>(member: S) =>
  z
    .array(member)
    .max(MAX_NAMES)
    .transform((members) => [...new Set(members)].toSorted());
/** By agent, in the order of the ids. */
const byAgent = <S extends z.ZodType>(value: S) =>
  z.record(agentId, value).refine((record) => Object.keys(record).length <= MAX_NAMES, {
    error: `at most ${MAX_NAMES} agents`,
  });

const weight = z.number().min(0).max(1_000_000);
const weights = z
  .strictObject({ cost: weight, entropy: weight, jurors: z.record(agentId, weight) })
  .nullable()
  .exactOptional();
/** Figures of the fit that weights come from; kept beside them. */
const fit = z.record(z.string(), z.unknown()).nullable().exactOptional();
const answerMs = z.int().min(MIN_ANSWER_MS).max(MAX_ANSWER_MS).nullable().default(null);
const deadlineS = z.int().min(MIN_DEADLINE_S).max(MAX_DEADLINE_S).nullable().default(null);
const provider = z.enum(PROVIDERS);

/** What is absent stays as it is; null takes it away. */
const fields = {
  name: z.string().min(1).max(MAX_POLICY_NAME_CHARS).exactOptional(),
  weights,
  meanWeights: weights,
  disabled: setOf(agentId).exactOptional(),
  maxShares: byAgent(z.number().gt(0).max(1)).exactOptional(),
  allow: setOf(agentId).nullable().exactOptional(),
  deny: setOf(agentId).exactOptional(),
  providers: z
    .strictObject({ allow: setOf(provider).nullable().default(null), deny: setOf(provider).default([]) })
    .exactOptional(),
  regions: setOf(regionSchema).nullable().exactOptional(),
  deadlines: z
    .strictObject({ bidMs: answerMs, juryMs: answerMs, taskDefaultS: deadlineS, taskMaxS: deadlineS })
    .exactOptional(),
  escalation: escalationSchema.exactOptional(),
};

/** Named, so that the client is told why it may not, and not that there is no such field. */
const OPERATORS_ALONE = z.never({ error: "is the operator's alone to set" }).exactOptional();

export const tenantPolicySchema = z.strictObject({
  ...fields,
  ...(Object.fromEntries(OPERATOR_FIELDS.map((field) => [field, OPERATORS_ALONE])) as Record<
    (typeof OPERATOR_FIELDS)[number],
    typeof OPERATORS_ALONE
  >),
});

export const operatorPolicySchema = z.strictObject({
  ...fields,
  fit,
  meanFit: fit,
  /** The whole list; each as a pool's file has it. */
  agents: z
    .array(agentSchema)
    .refine((agents) => new Set(agents.map(({ id }) => id)).size === agents.length, {
      error: "two agents have the same id",
    })
    .exactOptional(),
  prices: byAgent(
    usdPricesSchema
      .extend({ source: z.string().min(1).max(300).default(DEFAULT_PRICE_SOURCE) })
      .transform(({ source, ...usd }) => ({ prices: pricesFromUsd(usd), priceSource: source })),
  ).exactOptional(),
});
