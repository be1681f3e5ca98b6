/**
 * `npm run bench:budget [-- --runs N --clients N --usd X --seed S --json FILE]`: many clients against one tenant whose
 * budget fits only some of their tasks, through the real stack.
 *
 * Prints, per run, what was spent of the cap by the models' own log and by the books. Exits 1 where a cap was passed, the
 * books differ from the log, or less than 95 % of a cap was used though more was asked for. The agents are emulated.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { textTable } from "../../emulators/demo/text-table.ts";
import { startStack } from "../../emulators/stack/start-stack.ts";
import { runBudget, type BudgetRun } from "./run-budget.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "3" },
    clients: { type: "string", default: "64" },
    usd: { type: "string", default: "0.6" },
    seed: { type: "string", default: "1" },
    json: { type: "string" },
  },
});

/** Of a cap, where demand goes beyond it. */
const LEAST_USED = 0.95;

function faultsOf(run: BudgetRun): string[] {
  return [
    ...(run.spentUsd > run.capUsd ? ["cap passed"] : []),
    ...(run.heldUsd === 0 ? [] : ["still held"]),
    ...(run.chatUsd === run.loggedUsd ? [] : ["books differ from the log"]),
    ...(run.drifts === 0 ? [] : ["books drift"]),
    ...(run.spentUsd >= LEAST_USED * run.capUsd ? [] : [`less than ${100 * LEAST_USED} % used`]),
  ];
}

const usd = (value: number) => value.toFixed(6);

function report(runs: readonly BudgetRun[]): string[] {
  const titles = ["run", "cap", "spent", "of cap", "by the log", "booked", "tasks", "refused", "cut short"];
  const rows = runs.map((run, at) => [
    String(at + 1),
    usd(run.capUsd),
    usd(run.spentUsd),
    `${((100 * run.spentUsd) / run.capUsd).toFixed(1)} %`,
    usd(run.loggedUsd),
    usd(run.chatUsd),
    String(run.tasks),
    String(run.refused),
    String(run.cutShort),
    faultsOf(run).join(", ") || "ok",
  ]);
  return [
    `${values.clients} clients ask one tenant for tasks until its budget takes no more; emulated agents, USD.`,
    "",
    ...textTable([...titles.map((title) => ({ title, align: "right" as const })), { title: "" }], rows),
    "",
    "spent: by the tenant's books, embeddings included, which report no usage and count at their bounds;",
    "by the log: what the emulated models logged of their own usage, at the pool's prices; booked: the books without embeddings;",
    "refused: admissions; cut short: tasks that ended because the budget was used up.",
  ];
}

async function main(): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "saleroom-budget-"));
  const stack = await startStack({
    directory,
    port: 0,
    emulatorPort: 0,
    quiet: true,
    emulatorVars: { LATENCY_SCALE: "0.02" },
  });
  try {
    const runs: BudgetRun[] = [];
    for (let run = 0; run < Number(values.runs); run += 1) {
      const seed = Number(values.seed) + run;
      runs.push(
        await runBudget(stack, { seed, clients: Number(values.clients), capUsd: Number(values.usd) }),
      );
      process.stderr.write(`run ${run + 1} of ${values.runs}\n`);
    }
    process.stdout.write(`${report(runs).join("\n")}\n`);
    if (values.json !== undefined)
      writeFileSync(values.json, `${JSON.stringify({ emulated: true, runs }, null, 2)}\n`);
    return runs.every((run) => faultsOf(run).length === 0) ? 0 : 1;
  } finally {
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main();
