/** A run for people. Pure. */
import { ALLOWED, isAllowed } from "./allowed.ts";
import type { Violation } from "./judge/violation.ts";
import type { ChaosRun } from "./run-chaos.ts";

/** Violations that are shown one by one. */
const MOST_SHOWN = 40;

/** Failpoints that were killed at less often than asked, and calls that nobody made, where nothing excuses it. */
export function missingPlaces(
  { places, uncalled }: Pick<ChaosRun, "places" | "uncalled">,
  wanted: number,
  sampled: boolean,
): string[] {
  // A sample says nothing about calls that it did not come to.
  const never = sampled
    ? []
    : uncalled.filter((call) => !isAllowed(call)).map((call) => `${call}: never called`);
  const seldom = places
    .filter(({ name, kills, isOwed }) => isOwed && kills < wanted && !isAllowed(name))
    .map(({ name, kills, passed }) => `${name}: killed ${kills} times, passed ${passed} times`);
  return [...never, ...seldom];
}

export function reportLines(
  run: ChaosRun,
  found: {
    readonly violations: readonly Violation[];
    readonly missing: readonly string[];
    readonly seed: number;
  },
): string[] {
  const { evidence, places, quiet, randomKills, placeKills, seconds } = run;
  const states = counted(evidence.tasks.map(({ state }) => state));
  const steps = evidence.tasks.reduce((sum, task) => sum + task.steps.length, 0);
  const calls = evidence.tasks.reduce((sum, task) => sum + task.calls.length, 0);
  const faults = counted(
    evidence.log.flatMap(({ fault, status }) => [fault ?? "", status ?? "cut off by a kill"]).filter(Boolean),
  );
  const events = counted(evidence.tasks.flatMap((task) => task.events.map(({ type }) => type)));
  const told = [
    "task-redriven",
    "trace-handed-over",
    "task-escalated",
    "verification-waits",
    "ruling-received",
  ]
    .map((type) => `${type} ${events[type] ?? 0}`)
    .join(", ");
  const texts = evidence.heard.filter(({ shown }) => shown !== null).length;
  const kinds = counted(found.violations.map(({ kind }) => kind));
  return [
    `Seed ${found.seed}, emulated agents: ${evidence.tasks.length} tasks (${evidence.acknowledged.length} acknowledged), ${randomKills + placeKills} kills (${randomKills} at random moments, ${placeKills} while somebody stood exactly at ${run.placesStoodAt} failpoints in all), ${seconds.killing} s of killing, ${seconds.all} s in all.`,
    `Ends: ${listed(states)}. Steps ${steps}, calls ${calls}, events heard live ${evidence.heard.reduce((sum, { seqs }) => sum + seqs.length, 0)}, webhooks ${evidence.delivered.length}, refused ${listed(run.refusals) || "none"}.`,
    `On their way: ${told}. Listeners to text ${texts}, questions to checkers ${evidence.checked.length}, calls of tenants' tools ${evidence.toolHits.length}, tenants deleted ${evidence.gone.length}.`,
    `The models' log: ${evidence.log.length} calls; ${listed(faults)}.`,
    "",
    `${places.length} failpoints, each with how often it was passed and killed at:`,
    places.map(({ name, passed, kills }) => `${name} ${passed}/${kills}`).join(", "),
    "",
    `Read only, so that nothing can be lost there: ${[...new Set(quiet.map(({ name }) => name.slice(0, name.lastIndexOf("."))))].join(", ")}.`,
    `Never called: ${run.uncalled.join(", ") || "none"}.`,
    ...ALLOWED.map(({ place, why }) => `Allowed to be missing: ${place} (${why}).`),
    ...found.missing.map((line) => `MISSING ${line}`),
    "",
    found.violations.length === 0
      ? "No violation."
      : `${found.violations.length} VIOLATIONS: ${listed(kinds)}`,
    ...found.violations.slice(0, MOST_SHOWN).map(({ kind, at, detail }) => `  ${kind} ${at}: ${detail}`),
  ];
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

const listed = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
