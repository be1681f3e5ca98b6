/**
 * Whether a changed policy makes sense for its tenant: every thing that is wrong, with its place and what is accepted.
 *
 * Only what a change brings in is held against it: an agent that the document named before, and that a deployment has
 * taken away since, is no reason to refuse what has nothing to do with it.
 */
import { MAX_POOL, type Pool } from "./agent.ts";
import type { AgentId } from "./ids.ts";
import type { PolicyDocument } from "./policy-document.ts";
import { agentsNamedBy, effectivePool, wholePool, type NamingRule } from "./tenant-market.ts";

/** In UTF-16 units of its JSON: a version is one row. */
export const MAX_DOCUMENT_CHARS = 256 * 1_024;

export interface DocumentIssue {
  /** Such as `maxShares.agt_a`; empty for the document as a whole. */
  readonly path: string;
  readonly message: string;
}

export interface CheckedChange {
  readonly before: PolicyDocument;
  readonly after: PolicyDocument;
  /** The environment's pool, or the one that the tenant was set up with. */
  readonly base: Pool;
  /** The environment's, in milliseconds. */
  readonly most: { readonly bidMs: number; readonly juryMs: number };
}

export function documentIssues(change: CheckedChange): DocumentIssue[] {
  return [...ownAgents(change), ...strangers(change), ...deadlines(change), ...caps(change), ...size(change)];
}

function ownAgents({ before, after, base }: CheckedChange): DocumentIssue[] {
  const taken = new Set(base.map(({ id }) => id));
  const had = new Set(before.agents.map(({ id }) => id));
  const issues = after.agents.flatMap(({ id }, at) =>
    taken.has(id) && !had.has(id)
      ? [{ path: `agents[${at}].id`, message: `${id} is in the pool already; take another id` }]
      : [],
  );
  const count = wholePool(base, after).length;
  if (count > MAX_POOL && after.agents.length > before.agents.length) {
    issues.push({ path: "agents", message: `a pool of ${count} agents; at most ${MAX_POOL} are taken` });
  }
  return issues;
}

function strangers({ before, after, base }: CheckedChange): DocumentIssue[] {
  const known = new Set(wholePool(base, after).map(({ id }) => id));
  const message = `is no agent of the pool; its agents are ${[...known].join(", ")}`;
  const named = agentsNamedBy(after);
  const namedBefore = agentsNamedBy(before);
  const rules = (Object.keys(named) as NamingRule[]).flatMap((rule) =>
    named[rule].flatMap((id, at) => {
      if (known.has(id) || namedBefore[rule].includes(id)) return [];
      const isList = rule === "disabled" || rule === "allow" || rule === "deny";
      return [{ path: isList ? `${rule}[${at}]` : `${rule}.${id}`, message: `${id} ${message}` }];
    }),
  );
  return [...rules, ...jurors({ before, after, known, message })];
}

/** Weights from a fit may name agents that the history knows and the pool does not any more; those set by hand may not. */
function jurors(of: {
  readonly before: PolicyDocument;
  readonly after: PolicyDocument;
  readonly known: ReadonlySet<AgentId>;
  readonly message: string;
}): DocumentIssue[] {
  const fits = { weights: "fit", meanWeights: "meanFit" } as const;
  return (["weights", "meanWeights"] as const).flatMap((field) => {
    if (of.after[fits[field]] !== null) return [];
    const before = of.before[field]?.jurors ?? {};
    return (Object.keys(of.after[field]?.jurors ?? {}) as AgentId[])
      .filter((id) => !of.known.has(id) && before[id] === undefined)
      .map((id) => ({ path: `${field}.jurors.${id}`, message: `${id} ${of.message}` }));
  });
}

function deadlines({ before, after, most }: CheckedChange): DocumentIssue[] {
  const { taskDefaultS, taskMaxS } = after.deadlines;
  const tooLong = (["bidMs", "juryMs"] as const).flatMap((name) => {
    const wanted = after.deadlines[name];
    if (wanted === null || wanted <= most[name] || wanted === before.deadlines[name]) return [];
    return [{ path: `deadlines.${name}`, message: `at most ${most[name]}, as this deployment has it` }];
  });
  if (taskDefaultS === null || taskMaxS === null || taskDefaultS <= taskMaxS) return tooLong;
  return [...tooLong, { path: "deadlines.taskDefaultS", message: `at most taskMaxS, ${taskMaxS}` }];
}

/** Agents that may not have all awards between them leave some that nobody may have. */
function caps({ before, after, base }: CheckedChange): DocumentIssue[] {
  const sumOf = (document: PolicyDocument) =>
    effectivePool(base, document).pool.reduce((sum, { id }) => sum + (document.maxShares[id] ?? 1), 0);
  const sum = sumOf(after);
  // Shares as people write them need not sum to 1 to the last bit. A pool that is left empty is refused as such.
  if (sum === 0 || sum >= 1 - 1e-9 || sum === sumOf(before)) return [];
  const message = `the shares of the agents that take part sum to ${Number(sum.toFixed(6))}: nobody may be awarded the rest; let them sum to 1 or more`;
  return [{ path: "maxShares", message }];
}

function size({ after }: CheckedChange): DocumentIssue[] {
  const chars = JSON.stringify(after).length;
  if (chars <= MAX_DOCUMENT_CHARS) return [];
  return [{ path: "", message: `a document of ${chars} characters; at most ${MAX_DOCUMENT_CHARS} are kept` }];
}
