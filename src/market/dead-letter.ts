/**
 * Work that is given up, because it fails in everybody's hands: what is kept of it for the operator. Pure.
 *
 * A message that came to nothing as often as the queue brings it ends among the dead letters. That alone is no proof
 * against the work: its rooms may not have been reached. Only where they knew of failures that do not pass by themselves,
 * in a row and without progress between them, the work is poison, and its task is failed.
 */
import type { Lease } from "./lease.ts";
import type { FailureReason, TaskEnd } from "./task.ts";

/** Ours: as often work must have failed in a row before a dead letter ends its task. */
export const MAX_FAILURES = 3;

const MAX_CLASS_CHARS = 60;
const MAX_MESSAGE_CHARS = 200;

/** Ends of work that was given up: nobody did it, and it may be gone on with. */
const GIVEN_UP: ReadonlySet<string> = new Set<FailureReason>([
  "dead_lettered",
  "trace_abandoned",
  "auction_abandoned",
]);

export function isGivenUp(end: TaskEnd): boolean {
  return end.state === "failed" && GIVEN_UP.has(end.reason);
}

/** An error, without anything that it quotes. */
export interface WorkFailure {
  readonly errorClass: string;
  readonly message: string;
  /** The platform marks it as one that passes: an object that restarts, or is overloaded. */
  readonly passing: boolean;
}

export type Work = "auction" | "trace";

/** What is kept of work that was given up. Ids, counts and an error's own words: nothing of a task's content. */
export interface DeadLetter {
  readonly work: Work;
  /** `dead_letter`: it failed in the hands of whoever took it up; `abandoned`: whoever took it up was not heard of again. */
  readonly kind: "dead_letter" | "abandoned";
  /** 0: an auction's. */
  readonly attempt: number;
  readonly generation: number;
  /** Failures in a row that were told. */
  readonly tries: number;
  /** Holders in a row that were not heard of again. */
  readonly lapses: number;
  /** Null: nobody told of an error. */
  readonly errorClass: string | null;
  readonly error: string | null;
  /** When the first of the failures was told, or the work was given up. */
  readonly sinceMs: number;
}

/** What became of it. `forgotten`: nobody did anything about it for so long that its task is kept no more. */
export const STUCK_STATES = ["open", "redriven", "dismissed", "forgotten"] as const;
export type StuckState = (typeof STUCK_STATES)[number];

/** What may be told of an error: what it quotes may be a task's content or a model's answer. */
export function failureOfError(error: unknown): WorkFailure {
  const isError = error instanceof Error;
  const { retryable, overloaded } = (isError ? error : {}) as { retryable?: unknown; overloaded?: unknown };
  const text = isError ? error.message : "thrown without an error";
  return {
    errorClass: (isError ? error.name : typeof error).slice(0, MAX_CLASS_CHARS),
    message: wordsAlone(text).slice(0, MAX_MESSAGE_CHARS),
    passing: retryable === true || overloaded === true || PASSING.test(text),
  };
}

/** What the runtime says of an object that it restarts, where the marks were lost on the way. */
const PASSING =
  /network connection lost|durable object reset|object is overloaded|cannot resolve durable object|internal error in durable object storage/i;

/**
 * Up to the first quotation mark: what comes after it is somebody else's text, or cannot be told from it. Of addresses, the
 * host.
 */
export function wordsAlone(text: string): string {
  return text
    .replace(/["'`\u2018\u201c].*$/s, "…")
    .replaceAll(/\b(https?:\/\/)(?:[^\s/?#@]*@)?([^\s/?#@]*)\S*/g, "$1$2/…");
}

/** The letter of work that waits under this lease. */
export function letterOf(
  lease: Lease,
  of: Pick<DeadLetter, "work" | "kind" | "attempt"> & { readonly nowMs: number },
): DeadLetter {
  const { work, kind, attempt, nowMs } = of;
  const { generation, lapses, failed } = lease;
  return {
    work,
    kind,
    attempt,
    generation,
    tries: failed?.times ?? 0,
    lapses,
    errorClass: failed?.latest.errorClass ?? null,
    error: failed?.latest.message ?? null,
    sinceMs: failed?.sinceMs ?? nowMs,
  };
}

/** What a dead letter does to the work that it is about. `stale`: nothing, it moved on, or somebody is at it. */
export type Burial = "stale" | "again" | "given_up";

/** @param isCurrent whether the letter is about the work as it stands */
export function burialOf(lease: Lease, isCurrent: boolean): Burial {
  if (!isCurrent || lease.heldUntilMs !== null) return "stale";
  return (lease.failed?.times ?? 0) >= MAX_FAILURES ? "given_up" : "again";
}
