/** Which fault a call meets. Pure: the same rule and call number give the same fault. */
import type { FaultCondition, FaultRule } from "./fault-rule.ts";

export type Fault =
  | { readonly kind: "hang" }
  | { readonly kind: "status429"; readonly retryAfterS: number }
  | { readonly kind: "status500" }
  | { readonly kind: "cutStreamAfterTokens"; readonly tokens: number }
  | { readonly kind: "stallStreamAfterTokens"; readonly tokens: number }
  | { readonly kind: "malformedJson" }
  | { readonly kind: "emptyAnswer" };

/** What a rule may look at. */
export interface FaultContext {
  /** Part of every draw, so that models under one rule do not fail in step. */
  readonly model: string;
  readonly callNumber: number;
  /** All text of the messages, for `match`. */
  readonly prompt: string;
  readonly streams: boolean;
}

/** The first fault, in the rule's order, whose conditions hold; null: none. */
export function decideFault(rule: FaultRule, context: FaultContext): Fault | null {
  const acts = (kind: Fault["kind"], condition: FaultCondition | undefined): condition is FaultCondition =>
    condition !== undefined &&
    holds(condition, { ...context, salt: `${rule.seed ?? 0}:${context.model}:${kind}` });
  if (acts("hang", rule.hang)) return { kind: "hang" };
  if (acts("status429", rule.status429))
    return { kind: "status429", retryAfterS: rule.status429?.retryAfterS ?? 1 };
  if (acts("status500", rule.status500)) return { kind: "status500" };
  if (context.streams && acts("cutStreamAfterTokens", rule.cutStreamAfterTokens)) {
    return { kind: "cutStreamAfterTokens", tokens: rule.cutStreamAfterTokens?.tokens ?? 0 };
  }
  if (context.streams && acts("stallStreamAfterTokens", rule.stallStreamAfterTokens)) {
    return { kind: "stallStreamAfterTokens", tokens: rule.stallStreamAfterTokens?.tokens ?? 0 };
  }
  if (acts("malformedJson", rule.malformedJson)) return { kind: "malformedJson" };
  if (acts("emptyAnswer", rule.emptyAnswer)) return { kind: "emptyAnswer" };
  return null;
}

/** Latency that the rule sets for this call, in ms; null: the model's own. */
export function ruledLatencyMs(rule: FaultRule, context: FaultContext): number | null {
  const latency = rule.latencyMs;
  if (latency === undefined || typeof latency === "number") return latency ?? null;
  const salt = `${rule.seed ?? 0}:${context.model}:latencyMs`;
  if (!holds(latency, { ...context, salt })) return null;
  return latency.min + (latency.max - latency.min) * draw(`${salt}:value:${context.callNumber}`);
}

function holds(condition: FaultCondition, context: FaultContext & { readonly salt: string }): boolean {
  const { probability, first, only, match } = condition;
  if (first !== undefined && context.callNumber > first) return false;
  if (only !== undefined && !only.includes(context.callNumber)) return false;
  if (match !== undefined && ![match].flat().some((text) => context.prompt.includes(text))) return false;
  return probability === undefined || draw(`${context.salt}:${context.callNumber}`) < probability;
}

/** Uniform in [0, 1) from a text: FNV-1a with a final mix, so that neighbouring call numbers differ in all bits. */
function draw(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
