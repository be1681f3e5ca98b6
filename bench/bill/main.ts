/**
 * `npm run bench:bill [-- --tasks N --json FILE]`: what the platform itself bills per task, for short tasks with an
 * auction of the house's pool and for a trace of 145 steps, through the real stack with every billed operation counted.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { textTable } from "../../emulators/demo/text-table.ts";
import { MAIN_WORKER } from "../../emulators/stack/worker-options.ts";
import { startStack } from "../../emulators/stack/start-stack.ts";
import { longTask, shortTasks, type TaskBill } from "./measure-bill.ts";
import { billLines } from "./prices.ts";

const { values } = parseArgs({
  options: { tasks: { type: "string", default: "10" }, json: { type: "string" } },
});

const COUNTING = {
  ...MAIN_WORKER,
  name: "saleroom-counting",
  entry: "bench/bill/counting-worker.ts",
  inputs: [...MAIN_WORKER.inputs, "bench/bill"],
};

function report(bills: readonly TaskBill[]): string[] {
  const priced = bills.map(({ counts }) => billLines(counts));
  const rows = (priced[0] ?? []).map(({ what }, at) => [
    what,
    ...priced.flatMap((lines) => {
      const line = lines[at];
      return line === undefined ? [] : [line.count.toFixed(1), (1_000_000 * line.usd).toFixed(1)];
    }),
  ]);
  const total = [
    "in all",
    ...priced.flatMap((lines) => ["", (1_000_000 * lines.reduce((sum, { usd }) => sum + usd, 0)).toFixed(1)]),
  ];
  const columns = [
    { title: "per task" },
    ...bills.flatMap(({ name }) => [
      { title: name, align: "right" as const },
      { title: "micro-USD", align: "right" as const },
    ]),
  ];
  return [
    "What Cloudflare bills per task beyond what the plan includes (bench/bill/prices.ts); CPU time and stored bytes are left out.",
    "Objects are awake for as long as the emulated models take, at the latencies of models of their sizes.",
    "",
    ...textTable(columns, [...rows, total]),
  ];
}

const directory = mkdtempSync(join(tmpdir(), "saleroom-bill-"));
const stack = await startStack({ directory, port: 0, emulatorPort: 0, quiet: true, worker: COUNTING });
try {
  const bills = [await shortTasks(stack, Number(values.tasks)), await longTask(stack)];
  process.stdout.write(`${report(bills).join("\n")}\n`);
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ emulated: true, bills }, null, 2)}\n`);
} finally {
  await stack.stop();
  rmSync(directory, { recursive: true, force: true });
}
