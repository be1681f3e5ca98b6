/** Verdicts that are somebody else's to give: what is kept while a task waits for one, and of what it was told. */
import { fail, ok, type Result } from "../market/result.ts";
import type { Awaited, VerdictOutcome } from "../market/verifier-spec.ts";
import type { TaskDoc } from "./journal.ts";

/** Of an attempt that has its result. */
export interface Waiting {
  readonly attempt: number;
  readonly for: Awaited;
  /** When its work was done. */
  readonly sinceMs: number;
  /** From then on the verdict is `unknown`. */
  readonly untilMs: number;
}

/** What ended a wait. */
export interface Told {
  readonly attempt: number;
  readonly outcome: VerdictOutcome;
  readonly evidence: string;
  /** The Idempotency-Key that it came with, as hashes of the key and the body; null: with none, or nobody told it. */
  readonly request: OutcomeRequest | null;
}

export interface OutcomeRequest {
  readonly keyHash: string;
  readonly bodyHash: string;
}

/** An outcome that somebody tells. */
export interface OutcomeOrder {
  readonly outcome: VerdictOutcome;
  /** Null: nothing was said. */
  readonly evidence: string | null;
  /** Null: of the attempt that waits, or that was told last. */
  readonly attempt: number | null;
  readonly request: OutcomeRequest | null;
}

export interface ToldOutcome extends Omit<Told, "request"> {
  /** It had been told before, under the same Idempotency-Key. */
  readonly replayed: boolean;
}

export type OutcomeRefusal =
  | { readonly reason: "task_not_found" | "not_waiting" | "idempotency_conflict" }
  | { readonly reason: "outcome_settled"; readonly attempt: number; readonly outcome: VerdictOutcome };

/** What is known of an order before it changes anything. */
type Standing = Result<ToldOutcome, OutcomeRefusal> | { readonly settles: TaskDoc & { waiting: Waiting } };

/**
 * What comes of an order: told again it is the same answer, told otherwise it is refused, and where the task waits for it,
 * it is to be settled. Pure.
 *
 * @param task null: settled, or never opened
 * @param told what was told so far, oldest first
 */
export function standingOf(order: OutcomeOrder, task: TaskDoc | null, told: readonly Told[]): Standing {
  const { request } = order;
  const same = told.find((one) => request !== null && one.request?.keyHash === request.keyHash);
  if (same !== undefined) {
    if (same.request?.bodyHash !== request?.bodyHash) return fail({ reason: "idempotency_conflict" });
    return ok({ ...answerOf(same), replayed: true });
  }
  const waiting = task?.waiting ?? null;
  const attempt = order.attempt ?? waiting?.attempt ?? told.at(-1)?.attempt ?? null;
  if (task !== null && waiting !== null && waiting.attempt === attempt) {
    return { settles: { ...task, waiting } };
  }
  const before = told.find((one) => one.attempt === attempt);
  if (before === undefined) return fail({ reason: "not_waiting" });
  if (before.outcome === order.outcome) return ok({ ...answerOf(before), replayed: false });
  return fail({ reason: "outcome_settled", attempt: before.attempt, outcome: before.outcome });
}

export function answerOf({ request: _request, ...told }: Told): Omit<Told, "request"> {
  return told;
}
