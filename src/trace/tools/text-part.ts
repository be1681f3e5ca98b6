/** A long text part by part: so much of it as a tool shows at a time. */

/** UTF-8 bytes: with what a tool says beside it, within `MAX_OUTPUT_BYTES`. */
const MAX_PART_BYTES = 60 * 1024;

export interface TextPart {
  readonly text: string;
  /** Characters of the whole: this part's beginning and end, and all there are. */
  readonly from: number;
  readonly until: number;
  readonly of: number;
}

/** Null: the text ends before `from`. */
export function textPart(whole: string, from: number): TextPart | null {
  if (from > 0 && from >= whole.length) return null;
  const { read } = new TextEncoder().encodeInto(whole.slice(from), new Uint8Array(MAX_PART_BYTES));
  const until = from + read;
  return { text: whole.slice(from, until).toWellFormed(), from, until, of: whole.length };
}

/** What is said before it; null where it is the whole. */
export function partHead({ from, until, of }: TextPart): string | null {
  return from > 0 || until < of ? `characters ${from} to ${until} of ${of}` : null;
}

/** What is said after it. */
export function partTail({ until, of }: TextPart): string {
  return until < of ? `\n[there is more: from ${until}]` : "";
}
