/**
 * The way of one memory entry's vector into the index: what is written, by whom, and when to look again (architecture,
 * decision 8).
 *
 * The index is outside. It orders writes by their arrival, shows them late, and knows no condition. So one consumer at a
 * time may write an id, under a claim: nobody else is handed the id before the holder has reported or can no longer be
 * alive. A version that changes meanwhile is written after that; the newest state wins. Pure.
 */

/**
 * Holders are queue consumers: the platform ends an invocation, and with it every write that it has under way, after 15
 * minutes (developers.cloudflare.com/queues/platform/limits). A holder that died delays its entries by this long, and
 * loses nothing: they stay in the window.
 */
export const CLAIM_MS = 15 * 60_000;
/** A write that was answered with an error may still be on its way behind the connection that broke. */
export const BROKEN_WRITE_MS = 60_000;
/** The index takes some seconds to show what it was given; it is looked at ever more rarely. */
const FIRST_LOOK_MS = 5_000;
const MAX_DOUBLINGS = 7;
/** What is not shown this long after it was accepted is lost (the index was made anew, say) and written again. */
export const REWRITE_MS = 10 * 60_000;

export interface Passage {
  /** The entry's newest version. */
  readonly version: number;
  /** Newest version that the index has accepted; 0: none. */
  readonly written: number;
  readonly writtenAtMs: number;
  /** Number of the latest claim; a later one is higher, also where the entry came back. */
  readonly claim: number;
  /** Until then nobody else may write this id. */
  readonly heldUntilMs: number;
  /** When there is something to do for it. */
  readonly dueAtMs: number;
  /** Looks and failures since it last came further. */
  readonly tries: number;
  /** When the index was first seen to show the newest version; null: not yet. */
  readonly shownAtMs: number | null;
}

/** What a holder found or did: the index shows the version; accepted it; does not show it yet; or a write broke. */
export interface PassageReport {
  readonly claim: number;
  /** The version that the holder was handed. */
  readonly version: number;
  readonly state: "shown" | "written" | "missing" | "broken";
}

/** An entry's new version, whether or not an earlier one is under way; `before` null: it is not in the window. */
export function openPassage(before: Passage | null, version: number, nowMs: number): Passage {
  const held =
    before === null
      ? { written: 0, writtenAtMs: 0, claim: 0, heldUntilMs: 0 }
      : {
          written: before.written,
          writtenAtMs: before.writtenAtMs,
          claim: before.claim,
          heldUntilMs: before.heldUntilMs,
        };
  return { ...held, version, dueAtMs: nowMs, tries: 0, shownAtMs: null };
}

/** When it may next be handed out; null: the index shows it. */
export function dueAt({ shownAtMs, dueAtMs, heldUntilMs }: Passage): number | null {
  return shownAtMs === null ? Math.max(dueAtMs, heldUntilMs) : null;
}

/** Hands the id out to one holder; the caller has seen that it is due. */
export function claimPassage(passage: Passage, nowMs: number): Passage {
  return { ...passage, claim: Math.max(passage.claim + 1, nowMs), heldUntilMs: nowMs + CLAIM_MS };
}

/** What its holder is to do: write the newest version; look whether it is shown; or look, and write again if it is not. */
export function passageStep({ version, written, writtenAtMs }: Passage, nowMs: number): PassageStep {
  if (written < version) return "write";
  return nowMs - writtenAtMs < REWRITE_MS ? "look" : "rewrite";
}
export type PassageStep = "write" | "look" | "rewrite";

/** The passage after its holder's report. What anybody but the latest holder says changes nothing. */
export function endClaim(passage: Passage, report: PassageReport, nowMs: number): Passage {
  if (report.claim !== passage.claim) return passage;
  const newer = report.version < passage.version;
  const free = { ...passage, heldUntilMs: nowMs };
  const again = (tries: number) => ({ tries, dueAtMs: newer ? nowMs : nowMs + lookMs(tries) });
  const written = Math.max(passage.written, report.version);
  switch (report.state) {
    case "shown":
      return newer ? { ...free, written, dueAtMs: nowMs } : { ...free, written, shownAtMs: nowMs };
    case "written":
      return { ...free, written, writtenAtMs: nowMs, ...again(0) };
    case "missing":
      return { ...free, ...again(passage.tries + 1) };
    case "broken":
      return { ...free, heldUntilMs: nowMs + BROKEN_WRITE_MS, ...again(passage.tries + 1) };
  }
}

function lookMs(tries: number): number {
  return FIRST_LOOK_MS * 2 ** Math.min(tries, MAX_DOUBLINGS);
}
