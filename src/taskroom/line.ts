/** Attempts in a row whose steps are one trace: where the agent of one could not go on, the next one's did. */
import type { AwardDoc } from "./journal.ts";

/** `from` began the trace, `to` goes on with it. */
export interface Line {
  readonly from: number;
  readonly to: number;
}

/** Of the award's attempt. */
export function lineOf({
  attempt,
  continuesFrom = attempt,
}: Pick<AwardDoc, "attempt" | "continuesFrom">): Line {
  return { from: continuesFrom, to: attempt };
}

/** Whether its agent went on with another one's steps; one that was redriven went on with its own. */
export function tookOver({
  attempt,
  soldAttempt = attempt,
  continuesFrom = soldAttempt,
}: Pick<AwardDoc, "attempt" | "soldAttempt" | "continuesFrom">): boolean {
  return continuesFrom < soldAttempt;
}

export function asLine(of: number | Line): Line {
  return typeof of === "number" ? { from: of, to: of } : of;
}
