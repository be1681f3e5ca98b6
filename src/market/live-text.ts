/**
 * The text of a step while its model writes it: told to listeners who asked for it, and kept nowhere. What lasts is the
 * committed step.
 *
 * Offsets and lengths count UTF-16 code units, as JavaScript's strings do.
 */

/** What a listener hears beside the journal's events. It has no number: nothing resumes after it. */
export type TextEvent =
  | {
      readonly type: "text-delta";
      readonly attempt: number;
      readonly step: number;
      /** Where the text belongs: what was heard of this step before is as long. */
      readonly offset: number;
      readonly text: string;
    }
  /** All text that is not committed is void: its step is written anew, or never. */
  | { readonly type: "text-withdrawn"; readonly attempt: number; readonly step: number };

/** A piece of a step's text, from the trace's holder. Offset 0: whatever came before of this step is void. */
export interface TextPiece {
  readonly step: number;
  readonly offset: number;
  readonly text: string;
}

/**
 * - `heard`: go on.
 * - `unheard`: nobody listens, or the step is not the one that is due: send no more until told otherwise.
 * - `again`: the room does not know what came before: send the step's text from its beginning.
 * - `lost`: somebody else holds the trace.
 */
export type TellAnswer = "heard" | "unheard" | "again" | "lost";
