/**
 * Verified escalation (auction.md, "Ours", 3): a task whose verifier said fail is sold again, among the bids of its own
 * auction that were not tried yet, and the next agent is told what was found. Pure.
 *
 * Only a verifier's fail leads on. `unknown` is no verdict against a result, and what failed by itself says nothing of it.
 */
import { z } from "zod";
import type { Clearing } from "./clear.ts";
import type { AgentId } from "./ids.ts";
import type { EndReport, Verdict } from "./report.ts";
import { standingsOf, type Standing } from "./sale/sale.ts";

/** Ours: an attempt costs as much as a task; failures of capable models are correlated. */
const MAX_ATTEMPTS = 8;

/** Ours: of each earlier attempt the next agent is shown this much, for every step pays for it again. In UTF-16 units. */
export const MAX_SHOWN_EVIDENCE_CHARS = 1_000;
export const MAX_SHOWN_RESULT_CHARS = 2_000;
const FRAME_BYTES = 1_000;
const MAX_BYTES_PER_CHAR = 3;
/** Most that an earlier attempt adds to a prompt, in UTF-8. */
export const MAX_SHOWN_ATTEMPT_BYTES =
  MAX_BYTES_PER_CHAR * (MAX_SHOWN_EVIDENCE_CHARS + MAX_SHOWN_RESULT_CHARS) + FRAME_BYTES;

export const verifiedEscalationSchema = z.strictObject({
  mode: z.literal("verified"),
  /** Agents that a task is sold to at most, the first included. */
  maxAttempts: z.int().min(2).max(MAX_ATTEMPTS),
});
export type VerifiedEscalation = Readonly<z.output<typeof verifiedEscalationSchema>>;

export const escalationSchema = z.discriminatedUnion("mode", [
  z.strictObject({ mode: z.literal("none") }),
  verifiedEscalationSchema,
]);
export type Escalation = Readonly<z.output<typeof escalationSchema>>;

export const NO_ESCALATION: Escalation = { mode: "none" };

/** As policies hold it: nothing where there is none. */
export function frozenEscalation(escalation: Escalation): { readonly escalation?: VerifiedEscalation } {
  return escalation.mode === "none" ? {} : { escalation };
}

/** What a verifier found against the result of an attempt; null: nothing, and the task ends as the attempt did. */
export function failureOf({ attempt, end, verdict }: EndReport): Verdict | null {
  if (attempt < 1 || end.state !== "finished" || end.outcome !== "fail") return null;
  return verdict?.outcome === "fail" ? verdict : null;
}

/** Whether its evidence quotes the answer: an agent that is told it hands that in, and its pass says nothing of it. */
export function quotesAnswer({ verifier }: Pick<Verdict, "verifier">): boolean {
  return verifier === "equals";
}

/** The standing bids of agents that were not tried, best first. */
export function standingsLeft(clearing: Clearing, tried: readonly AgentId[]): Standing[] {
  return standingsOf(clearing).filter(({ agentId }) => !tried.includes(agentId));
}
