/**
 * The study of house-agents.md: `npm run bench:market -- [--seeds 20] [--tasks 300] [--json FILE] [--workers 2] [--quick]`.
 *
 * `--quick` runs a part of the grid on seeds that are reported nowhere, to see that everything works.
 * A study of the mechanism with emulated agents: no evidence about any real model.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chartsOf } from "./charts.ts";
import * as constants from "./constants.ts";
import { findingsOf } from "./findings.ts";
import type { Plan } from "./plan.ts";
import { fitStudy, type RunOptions, runStudy } from "./run-study.ts";
import { summariseStudy } from "./summarise.ts";
import { LABEL, studyText } from "./table.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: String(constants.SEEDS) },
    tasks: { type: "string", default: String(constants.TASKS) },
    workers: { type: "string", default: "2" },
    json: { type: "string" },
    out: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});

function wholeNumber(name: "seeds" | "tasks" | "workers"): number {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--${name} must be a whole number above 0`);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

const reported = Array.from({ length: wholeNumber("seeds") }, (_, i) => constants.FIRST_REPORTED_SEED + i);
const options: RunOptions = {
  workers: wholeNumber("workers"),
  progress: (line) => void process.stderr.write(`${line}\n`),
};
const started = performance.now();
const plan: Plan = {
  seeds: values.quick ? constants.BUILDING_SEEDS : reported,
  tasks: wholeNumber("tasks"),
  quick: values.quick,
  fits: await fitStudy(values, options),
};
const out = resolve(
  values.out ?? (plan.quick ? ".saleroom/bench-market-quick" : join(import.meta.dirname, "results")),
);

const results = await runStudy(plan, options);
const study = summariseStudy(results);
const findings = findingsOf(study);
const text = studyText(study, findings, plan);
const whole = { label: LABEL, plan, constants, findings, ...study };

write(join(out, "study.md"), text);
write(
  join(out, "study.json"),
  jsonText(whole, (key) => !key.endsWith("BySeed")),
);
if (values.json !== undefined) write(resolve(values.json), jsonText(whole));
for (const [name, svg] of Object.entries(chartsOf(study))) write(join(out, name), svg);
process.stdout.write(
  `${text}\nWritten to ${out} in ${((performance.now() - started) / 1000).toFixed(0)} s.\n`,
);

/** One line per setting. Six digits are more than twenty seeds can tell. */
function jsonText({ summaries, ...rest }: typeof whole, keep: (key: string) => boolean = () => true): string {
  const replace = (key: string, value: unknown): unknown => {
    if (!keep(key)) return undefined;
    return typeof value === "number" ? Number(value.toPrecision(6)) : value;
  };
  const lines = summaries.map((summary) => JSON.stringify(summary, replace));
  return `${JSON.stringify(rest, replace).slice(0, -1)},"summaries":[\n${lines.join(",\n")}\n]}\n`;
}
