/**
 * What a listener shows of a trace's text, event by event: committed steps, and the one that is being written.
 *
 * For whoever asked for text (`?text=true`). Pure: the state before, an event, the state after.
 */
import type { TaskEvent } from "./event.ts";
import type { TextEvent } from "./live-text.ts";

interface StepText {
  readonly attempt: number;
  readonly step: number;
  readonly text: string;
}

export interface VisibleText {
  readonly committed: readonly StepText[];
  /** Not committed: it may be withdrawn. */
  readonly open: StepText | null;
}

export const NOTHING_VISIBLE: VisibleText = { committed: [], open: null };

/** The state after an event; the same object where the event changes nothing. */
export function showEvent(shown: VisibleText, event: TaskEvent | TextEvent): VisibleText {
  const { committed, open } = shown;
  if (event.type === "text-delta") {
    const { attempt, step, offset, text } = event;
    const before = textOf(open, event);
    // Does not fit, so that something was missed: the text comes whole before its step is committed.
    return offset === before.length
      ? { committed, open: { attempt, step, text: `${before}${text}` } }
      : shown;
  }
  if (event.type === "text-withdrawn") return open === null ? shown : { committed, open: null };
  if (event.type !== "step-committed") return shown;
  const { attempt, step } = event;
  return { committed: [...committed, { attempt, step, text: textOf(open, event) }], open: null };
}

function textOf(open: StepText | null, of: { readonly attempt: number; readonly step: number }): string {
  return open !== null && open.attempt === of.attempt && open.step === of.step ? open.text : "";
}
