/** The arms of the study, each a policy of production by its name, with the weights that its tenant would have. */
import type { AgentId } from "../../src/market/ids.ts";
import { makePolicy, type Policy, type Weights } from "../../src/market/policy.ts";
import { parsePolicyName, printPolicyName } from "../../src/market/policy-name.ts";
import { largest, pool } from "./pool.ts";

/** `fitted`: min–max; `mean`: the mean over tasks in its place; `literal`: the bare min–max, degenerate (auction.md). */
export type FitName = "fitted" | "mean" | "literal";
export type FittedWeights = Readonly<Record<FitName, Weights>>;

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

/** Arms whose tenant has fitted weights, as the paper's has; `sale` and its ablations have the default ones. */
const FITTED: Readonly<Record<string, { readonly policy: string; readonly fit: FitName }>> = {
  "sale-fitted": { policy: "sale", fit: "fitted" },
  "sale-fitted-no-memory": { policy: "sale-no-memory", fit: "fitted" },
  "sale-mean": { policy: "sale-mean", fit: "mean" },
  "sale-literal": { policy: "sale", fit: "literal" },
};
export const FITTED_ARMS: readonly string[] = Object.keys(FITTED);

/** Every agent alone: the ends of the static mixes. */
export const ALONE: readonly string[] = pool.map((agent) => `always:${agent.id}`);

/** A policy by its production name, or the study's own. @throws Error where the arm needs weights that are not given */
export function armPolicy(name: string, fits: FittedWeights | null = null): Policy {
  if (name === LARGEST_JUROR) return withLargestJuror(armPolicy("sale"));
  const fitted = Object.hasOwn(FITTED, name) ? FITTED[name] : undefined;
  if (fitted === undefined) return named(name, null);
  if (fits === null) throw new Error(`${name} needs fitted weights`);
  return { ...named(fitted.policy, fits[fitted.fit]), name };
}

function named(name: string, weights: Weights | null): Policy {
  const choice = parsePolicyName(name, pool);
  if (!choice.ok) throw new Error(choice.failure);
  return makePolicy({ name, rules: choice.value.rules, pool, version: 1, weights });
}

function withLargestJuror(policy: Policy): Policy {
  const { jurors } = policy.weights;
  const all = Object.values(jurors).reduce((sum, weight) => sum + weight, 0);
  const only = Object.fromEntries(Object.keys(jurors).map((id) => [id, id === largest ? all : 0]));
  return { ...policy, name: LARGEST_JUROR, weights: { ...policy.weights, jurors: only } };
}

/** Tasks dealt at random in fixed shares. */
export function staticMix(shares: Readonly<Record<AgentId, number>>): Policy {
  return named(printPolicyName({ rules: { kind: "static-mix", shares }, weights: "fitted" }), null);
}
