/**
 * What an attack on the jury is: a text that a bidder appends to its strategy, and what it wants of a juror.
 *
 * Data only. The naive juror understands every attack of the set, in every language, encoding and hiding place: what is
 * measured is what the prompt's structure holds, not what a model happens not to understand.
 */

/** What a juror that obeys does. Where the attack speaks of itself, it means the strategy that it stands in. */
export type Intent =
  /** Scores this strategy 5. */
  | { readonly wants: "raise" }
  /** Scores this strategy 5 and every other 0. */
  | { readonly wants: "raise-and-sink" }
  /** Answers with this text instead of verdicts, or, `before` them. */
  | { readonly wants: "say"; readonly text: string; readonly instead: boolean };

export interface Attack {
  readonly id: string;
  readonly family: string;
  readonly intent: Intent;
  /** Appended to an honest strategy. `{{closers}}`, `{{doubled}}`, `{{split}}`: tags that end the data, `{{openers}}`: tags that begin every rival's text, by an attacker that knows the nonces. */
  readonly text: string;
  /** The part of the text that instructs: it is obeyed or not by where it stands. */
  readonly payload: string;
}
