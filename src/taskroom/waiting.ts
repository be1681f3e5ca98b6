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
  /** Of a checker: how it was asked; absent: nobody is asked. */
  readonly check?: AskedCheck;
}

/** How a checker was asked so far. */
export interface AskedCheck {
  readonly tries: number;
  /** SHA-256 of the tokens that went out with the tries: each may tell the outcome. */
  readonly tokenHashes: readonly string[];
  /** When it is asked again; null: it is being asked, or has taken the work on. */
  readonly nextTryAtMs: number | null;
  /** Whether anybody was told that the task waits. */
  readonly isTold: boolean;
  /** For people; absent: no try has failed. */
  readonly lastFailure?: string;
}

/** What goes out with a try. */
export interface CheckTerms {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What came of a try; `failed`: for people. */
export type CheckResult =
  | { readonly kind: "decided"; readonly outcome: VerdictOutcome; readonly evidence: string }
  | { readonly kind: "accepted" }
  | { readonly kind: "failed"; readonly reason: string };

/** From each failed try to the next: a restart of the checker is bridged, and an outage of a good half hour. */
export const RETRY_CHECK_AFTER_MS: readonly number[] = [5_000, 30_000, 120_000, 600_000, 1_800_000];
export const MAX_CHECK_TRIES = RETRY_CHECK_AFTER_MS.length + 1;

/** What ended a wait. */
export interface Told {
  readonly attempt: number;
  readonly outcome: VerdictOutcome;
  readonly evidence: string;
  /** The Idempotency-Key that it came with, as hashes of the key and the body; null: with none, or nobody told it. */
  readonly request: OutcomeRequest | null;
  /** As a checker was given them: told again with one, the answer is the same. Absent: nobody was asked. */
  readonly tokenHashes?: readonly string[];
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
  /** SHA-256 of the token that it comes with; null or absent: a key's holder tells it. */
  readonly tokenHash?: string | null;
}

export interface ToldOutcome extends Outcome {
  /** It had been told before, under the same Idempotency-Key. */
  readonly replayed: boolean;
}

type Outcome = Pick<Told, "attempt" | "outcome" | "evidence">;

export type OutcomeRefusal =
  /** The token opens nothing. */
  | { readonly reason: "unauthenticated" }
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
  const { request, tokenHash = null } = order;
  const opened = tokenHash === null ? null : attemptOpened(tokenHash, task, told);
  if (tokenHash !== null && opened === null) return fail({ reason: "unauthenticated" });
  if (opened !== null && order.attempt !== null && order.attempt !== opened)
    return fail({ reason: "not_waiting" });
  // A token is of one attempt, and so is the key of whoever comes with it: checkers may use one for all of a task.
  const heard = opened === null ? told : told.filter(({ attempt }) => attempt === opened);
  const same = heard.find((one) => request !== null && one.request?.keyHash === request.keyHash);
  if (same !== undefined) {
    if (same.request?.bodyHash !== request?.bodyHash) return fail({ reason: "idempotency_conflict" });
    return ok({ ...answerOf(same), replayed: true });
  }
  const waiting = task?.waiting ?? null;
  const attempt = opened ?? order.attempt ?? waiting?.attempt ?? told.at(-1)?.attempt ?? null;
  if (task !== null && waiting !== null && waiting.attempt === attempt) {
    return { settles: { ...task, waiting } };
  }
  const before = told.find((one) => one.attempt === attempt);
  if (before === undefined) return fail({ reason: "not_waiting" });
  if (before.outcome === order.outcome) return ok({ ...answerOf(before), replayed: false });
  return fail({ reason: "outcome_settled", attempt: before.attempt, outcome: before.outcome });
}

/** The attempt whose outcome the token tells; null: none. */
function attemptOpened(hash: string, task: TaskDoc | null, told: readonly Told[]): number | null {
  const { waiting = null } = task ?? {};
  if (waiting?.check?.tokenHashes.includes(hash) === true) return waiting.attempt;
  return told.find(({ tokenHashes = [] }) => tokenHashes.includes(hash))?.attempt ?? null;
}

export function answerOf({ attempt, outcome, evidence }: Told): Outcome {
  return { attempt, outcome, evidence };
}
