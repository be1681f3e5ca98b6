/** Metrics as text of OpenMetrics 1.0, which Prometheus scrapes. */

export const OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/** Labels by name; one that is empty is left out, which means the same. */
export type Labels = Readonly<Record<string, string>>;

interface Described {
  /** Of the family, without `_total`; with a unit, its last word is the unit. */
  readonly name: string;
  readonly help: string;
  readonly unit?: string;
}

export interface Value {
  readonly labels: Labels;
  readonly value: number;
}

export interface Distribution {
  readonly labels: Labels;
  /** How many had at most so much, and more than the bound before: in ascending order, without `+Inf`. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[];
  /** How many there were, those beyond the last bound included, and how much together. */
  readonly count: number;
  readonly sum: number;
}

export type Family =
  | (Described & { readonly type: "counter" | "gauge"; readonly values: readonly Value[] })
  | (Described & { readonly type: "histogram"; readonly distributions: readonly Distribution[] });

/** @throws RangeError for a name that is none, or a family that comes twice: a bug of the caller's */
export function openMetricsText(families: readonly Family[]): string {
  const names = families.map(({ name }) => name);
  if (new Set(names).size < names.length) throw new RangeError("a family comes twice");
  return [...families.flatMap(familyLines), "# EOF", ""].join("\n");
}

function familyLines(family: Family): string[] {
  const { name, type, unit, help } = family;
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new RangeError(`not the name of a metric: ${name}`);
  if (unit !== undefined && !name.endsWith(`_${unit}`))
    throw new RangeError(`${name} does not end in ${unit}`);
  return [
    `# TYPE ${name} ${type}`,
    ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
    `# HELP ${name} ${escaped(help)}`,
    ...(family.type === "histogram"
      ? family.distributions.flatMap((one) => distributionLines(name, one))
      : family.values.map(({ labels, value }) =>
          line(family.type === "counter" ? `${name}_total` : name, labels, value),
        )),
  ];
}

function distributionLines(name: string, { labels, buckets, count, sum }: Distribution): string[] {
  let soFar = 0;
  const cumulated = buckets.map(({ upTo, count: more }) => {
    soFar += more;
    return line(`${name}_bucket`, { ...labels, le: canonical(upTo) }, soFar);
  });
  return [
    ...cumulated,
    line(`${name}_bucket`, { ...labels, le: "+Inf" }, count),
    line(`${name}_count`, labels, count),
    line(`${name}_sum`, labels, sum),
  ];
}

function line(name: string, labels: Labels, value: number): string {
  const shown = Object.entries(labels)
    .filter(([, text]) => text !== "")
    .map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}${shown.length === 0 ? "" : `{${shown.join(",")}}`} ${value}`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}

/** The standard wants one way to write a bound, with a decimal point. */
function canonical(bound: number): string {
  return Number.isInteger(bound) ? `${bound}.0` : String(bound);
}
