/**
 * A panel of judges over a trace's result: who sits on it, and what its verdict is. Pure.
 *
 * Judges are agents of the task's pool, never one that worked on the result. Each says pass, fail or unknown by the
 * rubric; the majority of those who said pass or fail decides, if they are more than half of the panel that was asked for.
 */
import type { Agent } from "./agent.ts";
import type { CallFailureReason } from "./call.ts";
import { drawOrder } from "./draw.ts";
import type { AgentId } from "./ids.ts";
import type { Micros } from "./money.ts";
import type { VerdictOutcome } from "./verifier-spec.ts";

/** What one judge said, or why it said nothing. The first that is recorded stands. */
export type Ruling = {
  readonly agentId: AgentId;
  readonly costMicros: Micros;
  readonly ms: number;
} & (
  | { readonly status: "ruled"; readonly verdict: VerdictOutcome; readonly reason: string }
  | { readonly status: "left"; readonly reason: CallFailureReason }
);

/** More than half of the panel that was asked for: fewer decide nothing. */
export function quorumOf(panel: number): number {
  return Math.floor(panel / 2) + 1;
}

/** Whether a pool of so many may decide: one of them works on the result. */
export function hasQuorum(pool: readonly unknown[], panel: number): boolean {
  return pool.length - 1 >= quorumOf(panel);
}

type Candidate = Pick<Agent, "id" | "provider" | "model">;

/**
 * The judges, in an order drawn from (seed, attempt): one after the other, of those left, whose model and then whose
 * provider is rarest among the workers and the judges so far. Fewer than asked for where the pool has no more.
 *
 * @param workers agents that worked on the result: none of them judges, and who resembles them comes last
 */
export function drawPanel(
  pool: readonly Candidate[],
  terms: {
    readonly workers: readonly AgentId[];
    readonly panel: number;
    readonly seed: number;
    readonly attempt: number;
  },
): AgentId[] {
  const { workers, panel, seed, attempt } = terms;
  const canonical = pool.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  let left = drawOrder(
    canonical.filter(({ id }) => !workers.includes(id)),
    seed,
    `panel/${attempt}`,
  );
  const seen = canonical.filter(({ id }) => workers.includes(id));
  const judges: AgentId[] = [];
  while (judges.length < panel && left.length > 0) {
    // Stable: of those that are alike, the first in the drawn order.
    const [next] = left.toSorted((a, b) => likeness(a, seen) - likeness(b, seen));
    if (next === undefined) break;
    judges.push(next.id);
    seen.push(next);
    left = left.filter(({ id }) => id !== next.id);
  }
  return judges;
}

const MANY = 1_000;

function likeness({ model, provider }: Candidate, seen: readonly Candidate[]): number {
  const models = seen.filter((one) => one.model === model && one.provider === provider).length;
  return MANY * models + seen.filter((one) => one.provider === provider).length;
}

/** The panel's verdict, with what each of them said. */
export function panelVerdict(
  rulings: readonly Ruling[],
  panel: number,
): { readonly outcome: VerdictOutcome; readonly evidence: string } {
  const votes = (verdict: VerdictOutcome) =>
    rulings.filter((ruling) => ruling.status === "ruled" && ruling.verdict === verdict).length;
  const [passes, fails] = [votes("pass"), votes("fail")];
  const said = rulings.map(
    (ruling) =>
      `${ruling.agentId}: ${ruling.status === "ruled" ? `${ruling.verdict}: ${ruling.reason}` : `no answer: ${ruling.reason}`}`,
  );
  const told = (outcome: VerdictOutcome, why: string) => ({ outcome, evidence: [why, ...said].join("\n") });
  const count = `${passes} of ${panel} judges say pass, ${fails} say fail`;
  if (passes + fails < quorumOf(panel))
    return told("unknown", `${count}; fewer than ${quorumOf(panel)} decided`);
  if (passes === fails) return told("unknown", `${count}: a tie`);
  return told(passes > fails ? "pass" : "fail", count);
}
