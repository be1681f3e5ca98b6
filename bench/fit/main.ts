/**
 * `npm run fit`: fits the score's weights to what a tenant's agents are known to have done (auction.md, "MIP").
 *
 * Exits 0, also where there is too little to learn from; 1 where it could not do what it was asked. It changes
 * nothing unless `--store` is given, and runs nothing unless `--calibrate` is given and its quote accepted.
 */
import { createInterface } from "node:readline/promises";
import { calibrate } from "./calibrate.ts";
import { FitError, type OperatorAccess } from "./operator-access.ts";
import { parseOptions, USAGE, type CommandOptions } from "./options.ts";
import { fitFigures, reportLines } from "./report.ts";
import { runFit, type FitRun } from "./run-fit.ts";
import { loadSolver } from "./solve.ts";
import { fetchTraining, readTrainingFile, storeWeights } from "./training-source.ts";

const print = (lines: readonly string[]) => void process.stdout.write(`${lines.join("\n")}\n`);
const refuse = (lines: readonly string[]): number => {
  process.stderr.write(`${lines.join("\n")}\n`);
  return 1;
};

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (!options.ok) return refuse([options.failure, "", USAGE]);
  if (options.value.help) {
    print([USAGE]);
    return 0;
  }
  try {
    return await fit(options.value);
  } catch (error) {
    if (error instanceof FitError) return refuse([error.message]);
    throw error;
  }
}

async function fit(options: CommandOptions): Promise<number> {
  const { calibrate: calibration } = options;
  // Asked for before the work, not after it.
  const access = options.store || calibration !== null ? operatorAccess(options) : null;
  if (access !== null && calibration !== null) {
    const confirm = process.stdin.isTTY && process.stdout.isTTY ? askAtTerminal : null;
    if (!(await calibrate(access, { ...calibration, confirm, print }))) return 0;
  }
  const training =
    options.file === null
      ? await fetchTraining(access ?? operatorAccess(options))
      : await readTrainingFile(options.file);
  const run = await runFit(await loadSolver(), {
    auctions: training.auctions,
    current: training.weights,
    options: options.fit,
    timeLimitS: options.timeLimitS,
  });
  print(reportLines(run));
  return access === null || !options.store ? 0 : store(access, run);
}

async function askAtTerminal(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return /^y(es)?$/i.test((await terminal.question("Run it at this price? [y/N] ")).trim());
  } finally {
    terminal.close();
  }
}

async function store(access: OperatorAccess, run: FitRun): Promise<number> {
  if (run.fitted === null) return 0;
  const { weights } = run.fitted.fit;
  const { aggregation } = run.fitted.options;
  if (weights === null) return refuse(["", "No weights to store."]);
  await storeWeights(access, { weights, aggregation, fit: fitFigures(run, run.fitted) });
  const use = aggregation === "mean" ? "; tasks use them with the policy sale-mean" : "";
  print(["", `Stored as a new policy version of ${access.tenantId}${use}.`]);
  return 0;
}

/** @throws FitError */
function operatorAccess({ url, tenantId }: CommandOptions): OperatorAccess {
  const secret: string | undefined = process.env["ADMIN_SECRET"];
  if (secret === undefined || secret === "") {
    throw new FitError("ADMIN_SECRET, the operator's secret, is not set");
  }
  if (tenantId === null) throw new FitError("name the tenant: --tenant ten_…");
  return { url, tenantId, secret };
}

process.exitCode = await main();
