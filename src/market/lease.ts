/**
 * A lease on a piece of work, with its fencing number (architecture, decisions 1 and 2).
 *
 * Work waits for a holder, is held, and waits again under the next generation. Messages carry the generation that
 * they were sent for: whoever comes with an older one is told so and does nothing. A lease is taken once per generation.
 */
import type { WorkFailure } from "./dead-letter.ts";
import { fail, ok, type Result } from "./result.ts";

export interface Lease {
  /** Fencing number, from 1: grows with every hand-over and every lapse. */
  readonly generation: number;
  /** Null: nobody holds it; it waits to be picked up. */
  readonly heldUntilMs: number | null;
  /** Lapses since the last progress. */
  readonly lapses: number;
  /** How often this generation was announced again, because nobody came. */
  readonly reminders: number;
  /** What holders told of work that failed in their hands since the last progress; absent: nothing. */
  readonly failed?: LeaseFailures;
}

/** Failures in a row: the work could be taken up, and whoever did could not carry it out. */
export interface LeaseFailures {
  readonly times: number;
  readonly sinceMs: number;
  readonly latest: WorkFailure;
  /**
   * The generation of the message that the latest one was working on: the queue brings it once more, and it may take the
   * work up again, under the lease's own generation. Null: it may not, another holder has come in between.
   */
  readonly again: number | null;
}

export const FIRST_LEASE: Lease = { generation: 1, heldUntilMs: null, lapses: 0, reminders: 0 };

/** Reminders double their distance up to this many times. */
const MAX_DOUBLINGS = 6;

/** When to announce waiting work again, where the first reminder comes after `pickupMs`. */
export function nextReminderMs(lease: Lease, pickupMs: number): number {
  return pickupMs * 2 ** Math.min(lease.reminders, MAX_DOUBLINGS);
}

/** Waiting work that is announced again. */
export function remindLease(lease: Lease): Lease {
  return { ...lease, reminders: lease.reminders + 1 };
}

/** Whether a message that was sent for this generation is about the work as it stands. */
export function isAbout(lease: Lease, announced: number): boolean {
  return lease.generation === announced || lease.failed?.again === announced;
}

/**
 * Takes a waiting lease; its generation is the holder's from here on. `stale`: the work moved on; `busy`: somebody holds it.
 *
 * @param announced the generation that the message names
 */
export function acquireLease(
  lease: Lease,
  announced: number,
  untilMs: number,
): Result<Lease, { readonly reason: "stale" | "busy" }> {
  if (!isAbout(lease, announced)) return fail({ reason: "stale" });
  if (lease.heldUntilMs !== null) return fail({ reason: "busy" });
  return ok({ ...lease, heldUntilMs: untilMs });
}

/** True while `generation` still holds the lease: late, but not yet replaced, is still the holder. */
export function holdsLease(lease: Lease, generation: number): boolean {
  return lease.generation === generation && lease.heldUntilMs !== null;
}

/** Extends a held lease; `progress` forgets earlier lapses and failures. */
export function renewLease({ failed, ...lease }: Lease, untilMs: number, progress: boolean): Lease {
  const held = { ...lease, heldUntilMs: untilMs };
  if (progress) return { ...held, lapses: 0 };
  return failed === undefined ? held : { ...held, failed };
}

/** The holder gives the work back: it waits under the next generation. */
export function handOverLease(lease: Lease): Lease {
  return { ...FIRST_LEASE, generation: lease.generation + 1 };
}

/** The work under the next generation if its holder is overdue, else null. */
export function lapseLease(lease: Lease, nowMs: number): Lease | null {
  if (lease.heldUntilMs === null || lease.heldUntilMs > nowMs) return null;
  return moveOn(lease);
}

/** The work waits under the next generation, and it counts that this one came to nothing. */
export function moveOn(lease: Lease): Lease {
  const { generation, lapses, failed } = lease;
  const next = { ...FIRST_LEASE, generation: generation + 1, lapses: lapses + 1 };
  return failed === undefined ? next : { ...next, failed: { ...failed, again: null } };
}

/**
 * The holder could not carry the work out: it waits for the message to come again. Under the next generation, so that
 * nothing that is still on its way from this holder passes for the next one's.
 *
 * @param announced the generation that the holder's message names
 */
export function failLease(
  lease: Lease,
  { announced, failure, nowMs }: { announced: number; failure: WorkFailure; nowMs: number },
): Lease {
  const { generation, lapses, failed } = lease;
  // What passes by itself says nothing about the work.
  const times = (failed?.times ?? 0) + (failure.passing ? 0 : 1);
  const sinceMs = failed?.sinceMs ?? nowMs;
  return {
    ...FIRST_LEASE,
    generation: generation + 1,
    lapses,
    failed: { times, sinceMs, latest: failure, again: announced },
  };
}
