/** The arms of the study, each a policy of production. */
import type { AgentId } from "../../src/market/ids.ts";
import { makePolicy, type Policy, type PolicyRules } from "../../src/market/policy.ts";
import { parsePolicyName } from "../../src/market/policy-name.ts";
import { largest, pool } from "./pool.ts";

/**
 * The jury of production's `sale` with all of its weight on the largest agent: a single large juror. The others are asked,
 * and paid, all the same.
 */
const LARGEST_JUROR = "sale-largest-juror";

export const ABLATIONS: readonly string[] = [
  "sale-no-entropy",
  "sale-no-self",
  "sale-single-juror",
  LARGEST_JUROR,
  "sale-no-jury",
];

/** Every agent alone: the ends of the static mixes. */
export const ALONE: readonly string[] = pool.map((agent) => `always:${agent.id}`);

function policyOf(name: string, rules: PolicyRules): Policy {
  return makePolicy({ name, rules, pool, version: 1 });
}

/** A policy by its production name, or the study's own. */
export function armPolicy(name: string): Policy {
  if (name === LARGEST_JUROR) return withLargestJuror(armPolicy("sale"));
  const choice = parsePolicyName(name, pool);
  if (!choice.ok) throw new Error(choice.failure);
  return policyOf(name, choice.value.rules);
}

function withLargestJuror(policy: Policy): Policy {
  const { jurors } = policy.weights;
  const all = Object.values(jurors).reduce((sum, weight) => sum + weight, 0);
  const only = Object.fromEntries(Object.keys(jurors).map((id) => [id, id === largest ? all : 0]));
  return { ...policy, name: LARGEST_JUROR, weights: { ...policy.weights, jurors: only } };
}

/** Tasks dealt at random in fixed shares. */
export function staticMix(shares: Readonly<Record<AgentId, number>>): Policy {
  return policyOf("static-mix", { kind: "static-mix", shares });
}
