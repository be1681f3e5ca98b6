/**
 * A circuit breaker: whether a model that has failed again and again is asked at all. Pure.
 *
 * Closed, it counts failures in a row; open, nothing is sent; after a pause one call tries, and what comes of it decides.
 * Libraries were looked at (cockatiel, opossum): they know success and failure only, while a call that its own caller ended
 * says nothing of the model; while one call tries, cockatiel lets the others wait for it, past their own deadlines.
 */
import { FIRST_PAUSE_MS } from "../../market/call.ts";

export type Circuit =
  | { readonly kind: "closed"; readonly failures: number; readonly latestAtMs: number }
  | { readonly kind: "open"; readonly untilMs: number; readonly pauses: number }
  /** One call tries. It may never come back, with the invocation that made it: then another one may. */
  | { readonly kind: "trying"; readonly untilMs: number; readonly pauses: number };

/** What a call says of its model: that it answers, whatever it does; that it fails; nothing. */
export type Heard = "answer" | "failure" | "nothing";

/** Ours: failures in a row, none longer than a window after the one before, that open a circuit. */
export const FAILURES_TO_OPEN = 5;
const WINDOW_MS = 60_000;
/** Each pause is twice the one before, up to the longest. */
const LONGEST_PAUSE_MS = 60_000;
const TRY_MS = 30_000;

export const NEW_CIRCUIT: Circuit = { kind: "closed", failures: 0, latestAtMs: 0 };

/** How long nothing is sent yet, in milliseconds; null: a call may be made, with the circuit as it is then. */
export function admit(
  circuit: Circuit,
  nowMs: number,
): { readonly circuit: Circuit; readonly waitMs: number | null } {
  if (circuit.kind === "closed") return { circuit, waitMs: null };
  const { untilMs, pauses } = circuit;
  if (nowMs < untilMs) return { circuit, waitMs: untilMs - nowMs };
  return { circuit: { kind: "trying", untilMs: nowMs + TRY_MS, pauses }, waitMs: null };
}

export function hear(circuit: Circuit, heard: Heard, nowMs: number): Circuit {
  switch (heard) {
    case "answer":
      return NEW_CIRCUIT;
    case "failure":
      return failed(circuit, nowMs);
    case "nothing":
      // Whoever comes next tries.
      return circuit.kind === "trying" ? { ...circuit, kind: "open", untilMs: nowMs } : circuit;
  }
}

function failed(circuit: Circuit, nowMs: number): Circuit {
  switch (circuit.kind) {
    case "closed": {
      const before = nowMs - circuit.latestAtMs > WINDOW_MS ? 0 : circuit.failures;
      const failures = before + 1;
      return failures < FAILURES_TO_OPEN ? { kind: "closed", failures, latestAtMs: nowMs } : opened(1, nowMs);
    }
    // A call from before it opened.
    case "open":
      return circuit;
    case "trying":
      return opened(circuit.pauses + 1, nowMs);
  }
}

function opened(pauses: number, nowMs: number): Circuit {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (pauses - 1));
  return { kind: "open", untilMs: nowMs + pauseMs, pauses };
}
