/** Figures as the demo writes them. */

/** Micro-USD as dollars, with all six places: the sums below are exact, and can be checked. */
export function usd(micros: number): string {
  return `$${(micros / 1_000_000).toFixed(6)}`;
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`;
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

const EMULATED = " (emulated)";
/** Pools write the label into names, too. */
const ALREADY_EMULATED = /\s*\(emulated\)$/i;

/**
 * An agent's name, with the label that every emulated one carries wherever it shows.
 *
 * @param columns most characters: the name gives way, never the label
 */
export function agentLabel(
  agent: { readonly name: string; readonly emulated: boolean },
  columns = Number.POSITIVE_INFINITY,
): string {
  if (!agent.emulated) return shortened(agent.name, columns);
  const name = agent.name.replace(ALREADY_EMULATED, "");
  return `${shortened(name, columns - EMULATED.length)}${EMULATED}`;
}

/** The text, or its beginning and an ellipsis. */
export function shortened(text: string, columns: number): string {
  return text.length > columns ? `${text.slice(0, Math.max(0, columns - 1))}…` : text;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
