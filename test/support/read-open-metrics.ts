/** Reads OpenMetrics text as strictly as the standard has it, where the house's metrics are concerned. */

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Family {
  readonly name: string;
  readonly type: string;
  readonly samples: Sample[];
}

const NUMBER = /^-?\d+(\.\d*)?(e[+-]?\d+)?$/;
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ["_total"],
  gauge: [""],
  histogram: ["_bucket", "_count", "_sum"],
};

/** @throws Error that names the line, for text that a strict reader refuses */
export function readOpenMetrics(text: string): Sample[] {
  if (!text.endsWith("\n# EOF\n")) throw new Error("does not end with # EOF and a line feed");
  const families: Family[] = [];
  const series = new Set<string>();
  for (const line of text.slice(0, -"# EOF\n".length).split("\n").slice(0, -1)) {
    const family = families.at(-1);
    const meta = /^# (TYPE|UNIT|HELP) (\S+) (.+)$/.exec(line);
    if (meta !== null) {
      const [, keyword = "", name = "", value = ""] = meta;
      if (keyword === "TYPE") {
        if (families.some((one) => one.name === name)) throw new Error(`comes twice: ${line}`);
        if (SUFFIXES[value] === undefined) throw new Error(`no such type: ${line}`);
        families.push({ name, type: value, samples: [] });
      } else if (family?.name !== name || family.samples.length > 0) throw new Error(`out of place: ${line}`);
      else if (keyword === "UNIT" && !name.endsWith(`_${value}`)) throw new Error(`not its unit: ${line}`);
      else unescaped(value);
      continue;
    }
    const sample = readSample(line);
    if (
      family === undefined ||
      !SUFFIXES[family.type]?.some((suffix) => family.name + suffix === sample.name)
    )
      throw new Error(`a sample of no family, or of another: ${line}`);
    const key = seriesOf(sample);
    if (series.has(key)) throw new Error(`comes twice: ${line}`);
    series.add(key);
    if (family.type !== "gauge" && sample.value < 0) throw new Error(`below 0: ${line}`);
    family.samples.push(sample);
  }
  for (const family of families) if (family.type === "histogram") checkHistogram(family);
  return families.flatMap(({ samples }) => samples);
}

function readSample(line: string): Sample {
  const [, name = "", , inner = "", value = ""] = /^([a-z_][a-z0-9_]*)(\{(.+)\})? (\S+)$/.exec(line) ?? [];
  if (name === "" || !NUMBER.test(value)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  let rest = inner;
  while (rest !== "") {
    const label = /^([a-z_][a-z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,(?=.)|$)/.exec(rest);
    if (label?.[1] === undefined || label[1] in labels) throw new Error(`bad labels: ${line}`);
    labels[label[1]] = unescaped(label[2] ?? "");
    rest = rest.slice(label[0].length);
  }
  return { name, labels, value: Number(value) };
}

function unescaped(text: string): string {
  if (/\\(?!["\\n])/.test(text.replaceAll("\\\\", ""))) throw new Error(`no such escape: ${text}`);
  return text.replaceAll(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

function seriesOf({ name, labels }: Pick<Sample, "name" | "labels">): string {
  return JSON.stringify([name, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Bounds ascend up to +Inf, counts do not fall, and the last one is the count. */
function checkHistogram({ name, samples }: Family): void {
  const last = new Map<string, { bound: number; count: number }>();
  const of = ({ labels }: Sample) => seriesOf({ name, labels: { ...labels, le: "" } });
  for (const sample of samples) {
    const before = last.get(of(sample)) ?? { bound: -Infinity, count: 0 };
    const { le = "" } = sample.labels;
    if (sample.name === `${name}_bucket`) {
      if (le !== "+Inf" && !/^\d+\.\d+$/.test(le)) throw new Error(`not how a bound is written: ${le}`);
      const bound = le === "+Inf" ? Infinity : Number(le);
      if (bound <= before.bound || sample.value < before.count) throw new Error(`falls: ${seriesOf(sample)}`);
      last.set(of(sample), { bound, count: sample.value });
    } else if (before.bound !== Infinity) throw new Error(`no +Inf before ${seriesOf(sample)}`);
    else if (sample.name === `${name}_count` && sample.value !== before.count)
      throw new Error(`not the count: ${seriesOf(sample)}`);
  }
}
