/**
 * `npm run demo`: starts the local stack on a fresh state, runs tasks through real auctions and real traces, and
 * shows it. Exits 0, or 1 when a task did not go as it must (a verifier's "fail" is a result, not that).
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pc from "picocolors";
import { exitCodeOf, type EndSignal } from "../stack/signals.ts";
import { startStack, type Stack } from "../stack/start-stack.ts";
import { StackError } from "../stack/stack-error.ts";
import { EMULATED_NOTICE } from "./figures.ts";
import { seconds } from "./format.ts";
import { parseOptions, USAGE, type DemoOptions } from "./options.ts";
import { makePlan, type Plan } from "./plan.ts";
import { replayReport } from "./replay/replay-report.ts";
import { runPlan, type PlanResult } from "./run-plan.ts";
import { runReport } from "./run-report.ts";

const out = process.stdout;
const isTerminal = out.isTTY && process.env["TERM"] !== "dumb";
// Without a terminal no control codes are written, whatever the environment says of colours.
const colours = pc.createColors(isTerminal && pc.isColorSupported);
const print = (lines: readonly string[]) => void out.write(`${lines.join("\n")}\n`);
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
  const plan = makePlan(options.value);
  if (!plan.ok) return refuse(plan.failure);
  print([colours.bold(`Saleroom demo: ${plan.value.source}`), colours.yellow(EMULATED_NOTICE), ""]);
  try {
    return await runOnStack(plan.value, options.value);
  } catch (error) {
    return refuse([
      error instanceof StackError ? error.message : String(error instanceof Error ? error.stack : error),
    ]);
  }
}

async function runOnStack(plan: Plan, options: DemoOptions): Promise<number> {
  const startedAt = performance.now();
  const directory = mkdtempSync(join(tmpdir(), "saleroom-demo-"));
  const signal = Promise.withResolvers<EndSignal>();
  let stack: Stack | null = null;
  let keepState = options.keep;
  try {
    stack = await startStack({ directory, port: 0, emulatorPort: 0, quiet: true, onSignal: signal.resolve });
    print([`stack up in ${seconds(performance.now() - startedAt)}: ${stack.url}`, ""]);
    const running = runPlan(plan, {
      stack,
      concurrency: options.concurrency,
      out,
      live: isTerminal,
      colours,
    });
    const result = await Promise.race([running, signal.promise]);
    if (typeof result === "string") return exitCodeOf(result);
    const passed = report(result, plan, options);
    if (!passed) {
      keepState = true;
      print(["", `State and the Workers' log stay in ${directory}`]);
    }
    if (options.keep) {
      print(keptStack(stack, result));
      await signal.promise;
    }
    return passed ? 0 : 1;
  } finally {
    await stack?.stop();
    if (!keepState) rmSync(directory, { recursive: true, force: true });
  }
}

/** Prints the end of the run. True when every task went as it must. */
function report({ figures, replay }: PlanResult, plan: Plan, options: DemoOptions): boolean {
  print(runReport(figures, colours));
  if (plan.recordings.length > 0) print(replayReport(replay, colours));
  if (options.json !== null) {
    const file = { ...figures, ...(plan.recordings.length > 0 && { replay }), seed: options.seed };
    writeFileSync(options.json, `${JSON.stringify(file, null, 2)}\n`);
    print(["", `figures written to ${options.json}`]);
  }
  return figures.totals.failing.length === 0 && replay.every(({ agrees }) => agrees);
}

function keptStack(stack: Stack, { access }: PlanResult): string[] {
  return [
    "",
    colours.bold("The stack stays up until Ctrl-C; its state stays after that."),
    `  Saleroom    ${stack.url}`,
    `  emulators   ${stack.emulatorUrl}`,
    `  key         ${access.key}   (tenant ${access.tenantId})`,
    `  state       ${stack.directory}`,
    `  log         ${stack.logFile ?? "stderr"}`,
  ];
}

process.exit(await main());
