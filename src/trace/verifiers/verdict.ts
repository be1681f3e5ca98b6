/** What a verifier says, and what it needs to say it. */
import type { VerdictOutcome, VerifierType } from "../../market/verifier-spec.ts";
import type { Sandbox } from "../sandbox/index.ts";
import { boundText } from "../tools/bound-text.ts";

const MAX_EVIDENCE_BYTES = 4_096;

/** A verifier's finding. `unknown`: it could not decide, through no fault of the result. */
export interface Verdict {
  readonly outcome: VerdictOutcome;
  readonly verifier: VerifierType;
  /** What was expected, what differed, which test failed; at most 4 KiB. Holds text of the result: show it as data. */
  readonly evidence: string;
}

export interface VerifierDeps {
  readonly sandbox: Sandbox;
  /** Seeds `Math.random` inside; the same seed gives the same verdict (the attempt's id will do). */
  readonly seed: string;
  /** What `Date` says inside, ms since the epoch. */
  readonly nowMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A verdict whose evidence is cut to its bound. */
export function verdict(verifier: VerifierType, outcome: VerdictOutcome, evidence: string): Verdict {
  return { outcome, verifier, evidence: boundText(evidence, MAX_EVIDENCE_BYTES, "\n[cut at 4 KiB]") };
}
