/**
 * A lease on a piece of work, with its fencing number (architecture, decisions 1 and 2).
 *
 * Work waits for a holder, is held, and waits again under the next generation. Messages carry the generation that
 * they were sent for: whoever comes with an older one is told so and does nothing. A lease is taken once per generation.
 */
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

/** Takes a waiting lease. `stale`: the work moved on; `busy`: somebody holds this generation. */
export function acquireLease(
  lease: Lease,
  generation: number,
  untilMs: number,
): Result<Lease, { readonly reason: "stale" | "busy" }> {
  if (generation !== lease.generation) return fail({ reason: "stale" });
  if (lease.heldUntilMs !== null) return fail({ reason: "busy" });
  return ok({ ...lease, heldUntilMs: untilMs });
}

/** True while `generation` still holds the lease: late, but not yet replaced, is still the holder. */
export function holdsLease(lease: Lease, generation: number): boolean {
  return lease.generation === generation && lease.heldUntilMs !== null;
}

/** Extends a held lease; `progress` forgets earlier lapses. */
export function renewLease(lease: Lease, untilMs: number, progress: boolean): Lease {
  return { ...lease, heldUntilMs: untilMs, lapses: progress ? 0 : lease.lapses };
}

/** The holder gives the work back: it waits under the next generation. */
export function handOverLease(lease: Lease): Lease {
  return { ...FIRST_LEASE, generation: lease.generation + 1 };
}

/** The work under the next generation if its holder is overdue, else null. */
export function lapseLease(lease: Lease, nowMs: number): Lease | null {
  if (lease.heldUntilMs === null || lease.heldUntilMs > nowMs) return null;
  return { ...FIRST_LEASE, generation: lease.generation + 1, lapses: lease.lapses + 1 };
}
