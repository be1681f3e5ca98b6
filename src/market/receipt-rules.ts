/**
 * What must hold of a receipt beside its sums: who bid, who judged what, who was asked to refine.
 *
 * Which jurors a sparse jury drew is the auction's business and checked where ballots are drawn; here, that every
 * verdict covers a ballot that can have been drawn.
 */
import { eligibleToRefine, type Clearing } from "./clear.ts";
import type { AgentId } from "./ids.ts";
import { parsePolicyName, printPolicyName } from "./policy-name.ts";
import type { Difference } from "./receipt-difference.ts";
import type { Receipt } from "./receipt-schema.ts";

type Bid = Receipt["bids"][number];
type Verdict = Receipt["verdicts"][number];
type JuryRules = NonNullable<Extract<Receipt["policy"]["rules"], { readonly kind: "auction" }>["jury"]>;

/** Every broken rule, in words. `clearing` is the one that the figures give. */
export function breachesOf(receipt: Receipt, clearing: Clearing | null): Difference[] {
  return [
    ...named(receipt),
    ...eachOnce(receipt),
    ...bidders(receipt),
    ...([1, 2] as const).flatMap((round) => jurors(receipt, round, clearing)),
    ...refiners(receipt, clearing),
  ];
}

function breach(path: string, stated: unknown, expected: string): Difference {
  return { path, stated, expected };
}

/** The policy's name is canonical and stands for its rules. Which weights it took only the tenant's room knows. */
function named({ policy, pool }: Receipt): Difference[] {
  if (policy.rules.kind === "calibration") {
    return policy.name === policy.rules.kind ? [] : [breach("policy.name", policy.name, policy.rules.kind)];
  }
  const choice = parsePolicyName(policy.name, pool);
  const stands = choice.ok ? printPolicyName({ ...choice.value, rules: policy.rules }) : null;
  return stands === policy.name
    ? []
    : [breach("policy.name", policy.name, stands ?? "a policy of this pool")];
}

function eachOnce({ pool, bids, verdicts }: Receipt): Difference[] {
  const known = new Set<string>(pool.map((agent) => agent.id));
  const groups = {
    pool: pool.map(({ id }) => ({ id, key: id })),
    bids: bids.map(({ agentId, round }) => ({ id: agentId, key: `${round}/${agentId}` })),
    verdicts: verdicts.map(({ jurorId, round }) => ({ id: jurorId, key: `${round}/${jurorId}` })),
  };
  return Object.entries(groups).flatMap(([name, entries]) =>
    entries.flatMap(({ id, key }, at) => {
      if (!known.has(id)) return [breach(`${name}[${at}]`, id, "an agent of the pool")];
      const first = entries.findIndex((other) => other.key === key);
      return first === at ? [] : [breach(`${name}[${at}]`, id, `once: it is in ${name}[${first}] already`)];
    }),
  );
}

/** All agents are asked in the first round; none where the policy holds no auction. */
function bidders({ pool, bids, policy }: Receipt): Difference[] {
  const asked: ReadonlySet<AgentId> = new Set(
    policy.rules.kind === "auction" ? pool.map(({ id }) => id) : [],
  );
  const answered = new Set(bids.filter((bid) => bid.round === 1).map((bid) => bid.agentId));
  const missing = [...asked].filter((id) => !answered.has(id));
  return [
    ...missing.map((id) => breach("bids", id, "a first bid or an abstention of every agent")),
    ...(asked.size === 0 && bids.length > 0 ? [breach("bids", bids.length, "none: no auction is held")] : []),
    ...(asked.size === 0 ? [] : tooLong(bids, policy.maxStrategyTokens)),
  ];
}

function tooLong(bids: readonly Bid[], most: number): Difference[] {
  return bids.flatMap((bid, at) =>
    bid.status === "valid" && bid.visibleTokens > most
      ? [breach(`bids[${at}].visibleTokens`, bid.visibleTokens, `at most ${most}`)]
      : [],
  );
}

/** Bids that a round's jury has before it: in the second, the provisional winner's first bid beside the refined ones. */
function judgedIn({ bids }: Receipt, round: 1 | 2, clearing: Clearing | null): AgentId[] {
  const valid = bids.filter((bid) => bid.status === "valid" && bid.round === round).map((bid) => bid.agentId);
  return round === 1 || clearing === null ? valid : [clearing.provisionalWinner, ...valid];
}

function jurors(receipt: Receipt, round: 1 | 2, clearing: Clearing | null): Difference[] {
  const { policy, pool, verdicts } = receipt;
  const given = verdicts.flatMap((verdict, at) => (verdict.round === round ? [{ verdict, at }] : []));
  const judged = judgedIn(receipt, round, clearing);
  const rules = policy.rules.kind === "auction" ? policy.rules.jury : null;
  // With fewer than two bids there is nothing to decide, and nobody is asked.
  if (rules === null || judged.length < 2) {
    return given.map(({ verdict, at }) =>
      breach(`verdicts[${at}]`, verdict.jurorId, "no jury in this round"),
    );
  }
  const whole = rules.size === null ? pool.map((agent) => agent.id) : [];
  const silent = whole.filter((id) => !given.some(({ verdict }) => verdict.jurorId === id));
  const drawn = given.filter(({ verdict }) => verdict.status === "scored" && !isOwn(verdict));
  return [
    ...silent.map((id) =>
      breach("verdicts", id, `a verdict of every juror in round ${round}, or why it left`),
    ),
    ...given.flatMap(({ verdict, at }) => ballot(verdict, { at, judged, rules })),
    ...(rules.size !== null && drawn.length > rules.size
      ? [breach("verdicts", drawn.length, `at most ${rules.size} jurors in round ${round}`)]
      : []),
  ];
}

function isOwn(verdict: Verdict): boolean {
  return verdict.status === "scored" && Object.keys(verdict.scores).every((id) => id === verdict.jurorId);
}

/** A verdict covers all bids of its round, its juror's own only under self-assessment, or, in a sparse jury, that one alone. */
function ballot(
  verdict: Verdict,
  of: { readonly at: number; readonly judged: readonly AgentId[]; readonly rules: JuryRules },
): Difference[] {
  if (verdict.status !== "scored") return [];
  const { jurorId } = verdict;
  const { judged, rules } = of;
  const all = judged.filter((id) => rules.self || id !== jurorId);
  const own = rules.size !== null && rules.self && judged.includes(jurorId) ? [jurorId] : null;
  const scored = Object.keys(verdict.scores).toSorted().join(" ");
  if (scored === all.toSorted().join(" ") || scored === own?.join(" ")) return failedOn(verdict, of.at);
  return [breach(`verdicts[${of.at}].scores`, scored, `scores of ${all.toSorted().join(" ")}`)];
}

/** A bid that the juror failed on has 0 from it. */
function failedOn(verdict: Extract<Verdict, { readonly status: "scored" }>, at: number): Difference[] {
  return (Object.keys(verdict.failedOn) as AgentId[]).flatMap((id) =>
    verdict.scores[id] === 0 ? [] : [breach(`verdicts[${at}].scores.${id}`, verdict.scores[id] ?? null, "0")],
  );
}

/** Asked are agents strictly cheaper than the provisional winner, with pairs of which one half is their own. */
function refiners({ policy, bids, refinements }: Receipt, clearing: Clearing | null): Difference[] {
  const first = clearing?.first ?? null;
  const allowed = policy.rules.kind === "auction" && policy.rules.memory && first !== null;
  const eligible = new Set(allowed ? eligibleToRefine(first) : []);
  const asked = refinements ?? [];
  const refined = bids.flatMap((bid, at) => (bid.round === 2 ? [{ bid, at }] : []));
  return [
    ...asked.flatMap(({ agentId, pairs }, at) => {
      const path = `refinements[${at}]`;
      const own = (pair: (typeof pairs)[number]) =>
        pair.losing.agentId === agentId || pair.winning.agentId === agentId;
      return [
        ...(eligible.has(agentId) ? [] : [breach(path, agentId, "an agent that may refine")]),
        ...(pairs.length > 0 && pairs.every(own)
          ? []
          : [breach(`${path}.pairs`, agentId, "pairs of its own")]),
        ...(asked.findIndex((other) => other.agentId === agentId) === at
          ? []
          : [breach(path, agentId, "once")]),
        ...(refined.some(({ bid }) => bid.agentId === agentId)
          ? []
          : [breach(path, agentId, "a refined bid or an abstention")]),
      ];
    }),
    ...refined.flatMap(({ bid, at }) =>
      asked.some((one) => one.agentId === bid.agentId)
        ? []
        : [breach(`bids[${at}]`, bid.agentId, "a refined bid only of an agent that was asked")],
    ),
  ];
}
