/**
 * `npm run bench:traces -- [--concurrency 200 --seconds 90 --latency 8000 --json FILE]`: what a step of a trace takes beside
 * its model, with many traces in flight in one Worker, and the memory of workerd.
 *
 * Models are emulated in a process of their own, slow as large ones are. Bare transactions of an object are measured in
 * between. Prints p50 and p99; exits 1 where nothing was measured.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { textTable } from "../../emulators/demo/text-table.ts";
import { spawnStack } from "../../emulators/stack/spawn-stack.ts";
import { MAIN_WORKER } from "../../emulators/stack/worker-options.ts";
import { quantile } from "../auction/statistics.ts";
import { openWorkQueue } from "../queue/work-queue.ts";
import { runTraces, type TracesRun } from "./run-traces.ts";
import type { StepTimes } from "./step-times.ts";

const { values } = parseArgs({
  options: {
    concurrency: { type: "string", default: "200" },
    seconds: { type: "string", default: "90" },
    latency: { type: "string", default: "8000" },
    json: { type: "string" },
  },
});

/** p50 of a step's overhead, ms. */
const GOAL_MS = 10;
const MIB = 1_024 * 1_024;

/** As in production: long slices and leases. No tenant waits for a place. */
const VARS = {
  LEASE_MS: "15000",
  PICKUP_MS: "30000",
  SLICE_MS: "25000",
  MODEL_CALL_MS: "120000",
  MAX_TRACES: "10000",
};
const TRACES_WORKER = {
  ...MAIN_WORKER,
  name: "saleroom-traces",
  entry: "bench/traces/trace-worker.ts",
  inputs: [...MAIN_WORKER.inputs, "bench/traces", "bench/queue"],
};

async function measure(): Promise<TracesRun> {
  const directory = mkdtempSync(join(tmpdir(), "saleroom-traces-"));
  let url = "";
  const queue = await openWorkQueue(() => `${url}/__bench/consume`);
  const common = { port: 0, emulatorPort: 0, quiet: true };
  const models = await spawnStack({ ...common, directory: join(directory, "models") });
  try {
    const stack = await spawnStack({
      ...common,
      directory: join(directory, "saleroom"),
      worker: TRACES_WORKER,
      vars: { ...VARS, BENCH_QUEUE_URL: queue.origin },
    });
    try {
      url = stack.url;
      return await runTraces(
        { stack, modelsUrl: models.emulatorUrl },
        {
          concurrency: Number(values.concurrency),
          seconds: Number(values.seconds),
          latencyMs: Number(values.latency),
        },
      );
    } finally {
      await stack.stop();
    }
  } finally {
    await models.stop();
    await queue.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

const ms = (value: number) => `${value.toFixed(1)} ms`;
const mib = (bytes: number | null) => (bytes === null ? "not known" : `${Math.round(bytes / MIB)} MiB`);
const beside = ({ overheadMs }: StepTimes) => overheadMs;

function report(run: TracesRun): string[] {
  const bare = quantile(run.bareMs, 0.5);
  const row = (name: string, steps: readonly StepTimes[], msOf = beside) => {
    if (steps.length === 0) return [name, "0", "", "", ""];
    const overhead = steps.map(msOf);
    const p50 = quantile(overhead, 0.5);
    return [name, String(steps.length), ms(p50), ms(quantile(overhead, 0.99)), (p50 / bare).toFixed(1)];
  };
  const titles = ["", "steps", "p50", "p99", "p50 as a multiple of a bare transaction"];
  const { steps } = run;
  return [
    `${run.tasks} traces, at most ${run.mostInFlight} in flight, ${(steps.length / run.seconds).toFixed(1)} steps a second; emulated models that take ${Number(values.latency) / 2} to ${Number(values.latency) * 1.5} ms.`,
    "",
    "Overhead of a step, beside its model:",
    ...textTable(
      titles.map((title, at) => ({ title, ...(at > 0 && { align: "right" as const }) })),
      [
        row("all", steps),
        row("all, beside their tools, too", steps, ({ overheadMs, toolMs }) => overheadMs - toolMs),
        row(
          "with tools",
          steps.filter(({ ranTools }) => ranTools),
        ),
        row(
          "without tools",
          steps.filter(({ ranTools }) => !ranTools),
        ),
        row(
          "first of a slice that goes on",
          steps.filter(({ handedOn }) => handedOn),
        ),
      ],
    ),
    "",
    `A bare transaction of an object, measured in between: p50 ${ms(bare)}, p99 ${ms(quantile(run.bareMs, 0.99))} (${run.bareMs.length}).`,
    `Memory of workerd: ${mib(run.idleBytes)} before, ${mib(run.peakBytes)} at the peak, all rooms and the emulators' Worker in it.`,
    ...(run.cpuMs === null
      ? []
      : [
          `Processor time of workerd: ${ms(run.cpuMs / steps.length)} a step, whatever it was for; ${((100 * run.cpuMs) / 1_000 / run.seconds).toFixed(0)} % of a core.`,
        ]),
    `Goal: p50 of at most ${GOAL_MS} ms: ${
      quantile(
        steps.map(({ overheadMs }) => overheadMs),
        0.5,
      ) <= GOAL_MS
        ? "met"
        : "missed"
    }.`,
  ];
}

const run = await measure();
if (run.steps.length > 0) process.stdout.write(`${report(run).join("\n")}\n`);
else process.stderr.write("no step was measured\n");
if (values.json !== undefined) {
  const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? null, node: process.version };
  writeFileSync(values.json, `${JSON.stringify({ emulated: true, machine, values, run }, null, 2)}\n`);
}
process.exitCode = run.steps.length > 0 ? 0 : 1;
