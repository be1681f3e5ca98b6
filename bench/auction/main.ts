/**
 * `npm run bench:auction`: what the house adds to an auction, and how many tasks a market room takes per second.
 *
 * Emulated models behind Miniflare's direct sockets on this machine: figures of this code and this machine, read as
 * ratios and differences within one run, and no evidence about the platform's own latency.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import type { WorkerSource } from "../../emulators/stack/bundle-worker.ts";
import { startStack } from "../../emulators/stack/start-stack.ts";
import { MAIN_WORKER } from "../../emulators/stack/worker-options.ts";
import { measureRates, type MarketRates } from "./market-rate.ts";
import { parseOptions, USAGE, type BenchOptions } from "./options.ts";
import { startRateStack } from "./rate-stack.ts";
import { armFigures, auctionLines, partLines, rateLines } from "./report.ts";
import { runAuctions, type ArmTimes } from "./run-auctions.ts";

/** Saleroom under the platform's limit on connections. */
const LIMITED: WorkerSource = {
  ...MAIN_WORKER,
  name: "saleroom-limited",
  entry: "bench/auction/limited-worker.ts",
  inputs: [...MAIN_WORKER.inputs, "bench/auction"],
};
/** Auctions stop after this long, however many rounds are left. */
const LONGEST_MS = 15 * 60 * 1_000;

const print = (lines: readonly string[]) => void process.stdout.write(`${lines.join("\n")}\n`);
const progress = (line: string) => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (!options.ok) {
    process.stderr.write(`${options.failure}\n\n${USAGE}`);
    return 1;
  }
  if (options.value.help) {
    print([USAGE]);
    return 0;
  }
  const directory = mkdtempSync(join(tmpdir(), "saleroom-bench-"));
  try {
    // One after the other: the second would take the first one's processor.
    const rates = await benchRates(options.value, join(directory, "rates"));
    const auctions = await benchAuctions(options.value, join(directory, "auctions"));
    report(options.value, auctions, rates);
    return 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function benchAuctions(options: BenchOptions, directory: string): Promise<readonly ArmTimes[]> {
  const common = { port: 0, emulatorPort: 0, quiet: true, emulatorVars: { LATENCY_SCALE: "0" } };
  const stack = await startStack({ ...common, directory: join(directory, "saleroom"), worker: LIMITED });
  const models = await startStack({ ...common, directory: join(directory, "models") });
  try {
    const { agents: sizes, rounds } = options;
    const deadlineAtMs = Date.now() + LONGEST_MS;
    const modelsUrl = models.emulatorUrl;
    return await runAuctions({ stack, modelsUrl, sizes, rounds, deadlineAtMs, progress });
  } finally {
    await models.stop();
    await stack.stop();
  }
}

async function benchRates(options: BenchOptions, directory: string): Promise<MarketRates> {
  const { rateRounds: rounds, rateMs: durationMs } = options;
  return measureRates((behind) => startRateStack({ directory: join(directory, behind), behind }), {
    rounds,
    durationMs,
    progress,
  });
}

function report(options: BenchOptions, auctions: readonly ArmTimes[], rates: MarketRates): void {
  const arms = auctions.map(armFigures);
  print([...auctionLines(arms), "", ...partLines(arms), "", ...rateLines(rates)]);
  if (options.json === null) return;
  const [cpu] = cpus();
  const machine = { cpus: cpus().length, model: cpu?.model ?? null, node: process.version };
  const body = { bench: "auction", emulated: true, at: new Date().toISOString(), machine, options };
  writeFileSync(options.json, `${JSON.stringify({ ...body, arms, auctions, rates }, null, 2)}\n`);
}

process.exitCode = await main();
