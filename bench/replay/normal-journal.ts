/**
 * A journal and its steps as they would be in any run of the same recording: without times, ids, and what says that a
 * holder died and another one went on. Texts leave as hashes: a recording's words are not ours to print. Pure.
 */
import { createHash } from "node:crypto";
import type { TaskEvent } from "../../src/market/event.ts";

/** Events that only a death leaves behind. */
const RECOVERY: ReadonlySet<string> = new Set([
  "auction-resumed",
  "trace-taken-up",
  "trace-lapsed",
  "call-failed",
]);
/** Of one run alone, wherever it stands. */
const OWN: ReadonlySet<string> = new Set(["seq", "atMs", "ms", "taskId", "auctionId", "sequence"]);

export interface NormalJournal {
  readonly events: readonly { readonly type: string; readonly hash: string }[];
  readonly steps: readonly { readonly name: string; readonly hash: string }[];
}

export interface ReplayStep {
  readonly attempt: number;
  readonly step: number;
}

export function normalJournal(events: readonly TaskEvent[], steps: readonly ReplayStep[]): NormalJournal {
  return {
    events: events
      .filter(({ type }) => !RECOVERY.has(type))
      .map((event) => ({ type: event.type, hash: hashOf(event) })),
    steps: steps.map((step) => ({ name: `${step.attempt}/${step.step}`, hash: hashOf(step) })),
  };
}

export function recoveries(events: readonly TaskEvent[]): number {
  // The first one takes the trace up as it was sold; what follows a slice's end does, too.
  return events.filter(({ type }) => RECOVERY.has(type)).length;
}

/** Where the two differ, by place and kind; empty: nowhere. */
export function differences(expected: NormalJournal, found: NormalJournal): string[] {
  return [
    ...compare("event", expected.events.map(named), found.events.map(named)),
    ...compare("step", expected.steps.map(named), found.steps.map(named)),
  ];
}

function named(one: { readonly hash: string; readonly type?: string; readonly name?: string }): string {
  return `${one.type ?? one.name ?? ""} ${one.hash}`;
}

function compare(what: string, expected: readonly string[], found: readonly string[]): string[] {
  const length = Math.max(expected.length, found.length);
  return Array.from({ length }, (_, at) => at)
    .filter((at) => expected[at] !== found[at])
    .map(
      (at) => `${what} ${at + 1}: ${expected[at] ?? "none"} without kills, ${found[at] ?? "none"} with them`,
    );
}

function hashOf(value: unknown): string {
  const text = JSON.stringify(value, (key, part: unknown) => (OWN.has(key) ? undefined : part));
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}
