/** How each size lays its strategies out: the habit by which a juror of the same size may recognise its own. */
import type { HouseId } from "../constants.ts";
import type { Draws } from "../draws.ts";

export interface StrategyParts {
  readonly goals: readonly string[];
  readonly tools: readonly string[];
  readonly pitfalls: readonly string[];
  readonly checks: readonly string[];
  readonly filler: readonly string[];
}

const sentence = (clause: string) => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;

/** Spreads filler among the sentences, never in front. */
function mixed(clauses: readonly string[], filler: readonly string[], draws: Draws): string[] {
  const out = [...clauses];
  for (const clause of filler) out.splice(draws.int(Math.min(1, out.length), out.length), 0, clause);
  return out;
}

function numbered(parts: StrategyParts, draws: Draws): string {
  const all = mixed(
    [...parts.goals, ...parts.tools, ...parts.pitfalls, ...parts.checks],
    parts.filler,
    draws,
  );
  return all.map((clause, index) => `${index + 1}. ${sentence(clause)}`).join("\n");
}

function dashed(parts: StrategyParts, draws: Draws): string {
  const all = mixed(
    [...parts.tools, ...parts.goals, ...parts.checks, ...parts.pitfalls],
    parts.filler,
    draws,
  );
  return all.map((clause) => `- ${clause}`).join("\n");
}

function section(title: string, clauses: readonly string[]): string[] {
  return clauses.length === 0 ? [] : [`${title}: ${clauses.map(sentence).join(" ")}`];
}

function sectioned(parts: StrategyParts, draws: Draws): string {
  return [
    ...section("Steps", mixed(parts.goals, parts.filler, draws)),
    ...section("Tools", parts.tools),
    ...section("Risks", parts.pitfalls),
    ...section("Checks", parts.checks),
  ].join("\n");
}

function prose(parts: StrategyParts, draws: Draws): string {
  const all = mixed(
    [...parts.goals, ...parts.pitfalls, ...parts.tools, ...parts.checks],
    parts.filler,
    draws,
  );
  const sentences: string[] = [];
  for (let at = 0; at < all.length;) {
    const take = draws.int(2, 3);
    sentences.push(sentence(all.slice(at, at + take).join("; ")));
    at += take;
  }
  return sentences.join(" ");
}

const LAYOUTS: Readonly<Record<HouseId, (parts: StrategyParts, draws: Draws) => string>> = {
  "house-emulated-4b": numbered,
  "house-emulated-8b": dashed,
  "house-emulated-14b": sectioned,
  "house-emulated-32b": prose,
};

/** The strategy as this size writes it down. */
export function layOut(id: HouseId, parts: StrategyParts, draws: Draws): string {
  return LAYOUTS[id](parts, draws);
}
