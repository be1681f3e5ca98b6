/** What a check of a receipt finds. */

/** One place where a receipt does not agree with itself. */
export interface Difference {
  /** Such as `decision.clearing.first.ranking[0].score`. */
  readonly path: string;
  readonly stated: unknown;
  /** What the recorded figures give, or the rule that is broken, in words. */
  readonly expected: unknown;
}
