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
}

export const FIRST_LEASE: Lease = { generation: 1, heldUntilMs: null, lapses: 0 };

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
  return { generation: lease.generation + 1, heldUntilMs: null, lapses: 0 };
}

/** The work under the next generation if its holder is overdue, else null. */
export function lapseLease(lease: Lease, nowMs: number): Lease | null {
  if (lease.heldUntilMs === null || lease.heldUntilMs > nowMs) return null;
  return { generation: lease.generation + 1, heldUntilMs: null, lapses: lease.lapses + 1 };
}
