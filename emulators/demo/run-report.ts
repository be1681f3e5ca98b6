/** The end of a run as text: a row per task, the totals, and what failed. Pure. */
import type { Colors } from "picocolors/types.js";
import type { RunFigures, RunTotals, TaskFigures } from "./figures.ts";
import { agentLabel, percent, plural, seconds, usd } from "./format.ts";
import { textTable } from "./text-table.ts";

export function runReport(
  { totals, tasks, notice, largestAgentCostMethod }: RunFigures,
  colours: Colors,
): string[] {
  return [
    "",
    ...taskTable(tasks),
    "",
    ...summary(totals, largestAgentCostMethod),
    "",
    ...winsTable(totals),
    ...binTable(tasks),
    "",
    colours.dim(notice),
    ...failing(totals, colours),
  ];
}

/** What did not go as it must, by name. A verifier's "fail" is a result and not in here. */
export function failing({ failing: tasks }: Pick<RunTotals, "failing">, colours: Colors): string[] {
  if (tasks.length === 0) return [];
  return [
    "",
    colours.red(`${plural(tasks.length, "task")} did not go as it must:`),
    ...tasks.flatMap(({ label, problems }) => problems.map((problem) => `  ${label}: ${problem}`)),
  ];
}

function taskTable(tasks: readonly TaskFigures[]): string[] {
  return textTable(
    [
      { title: "task" },
      { title: "bin", align: "right" },
      { title: "winner" },
      { title: "steps", align: "right" },
      { title: "verdict" },
      { title: "cost", align: "right" },
      { title: "largest", align: "right" },
    ],
    tasks.map((task) => [
      task.label,
      task.bin === null ? "–" : String(task.bin),
      task.winner === null ? "–" : agentLabel(task.winner),
      String(task.steps),
      task.outcome ?? task.state ?? "lost",
      usd(task.costMicros),
      usd(task.largestAgentCostMicros),
    ]),
  );
}

function summary(totals: RunTotals, method: string): string[] {
  const { tasks, passed, failed, unknown, costMicros, auctionCostMicros, largestAgent, tokens } = totals;
  const all = tokens.auction + tokens.trace;
  const largest = largestAgent === null ? "the largest agent" : agentLabel(largestAgent);
  return [
    `tasks                      ${tasks} in ${seconds(totals.ms)}`,
    `passed                     ${passed} (${percent(passed, tasks)}); ${failed} failed, ${unknown} unknown`,
    `cost                       ${usd(costMicros)}, of which auctions ${usd(auctionCostMicros)}`,
    `had the largest done all   ${usd(totals.largestAgentCostMicros)}: ${method}; here ${largest}`,
    `auction tokens             ${tokens.auction} of ${all} (${percent(tokens.auction, all)})`,
  ];
}

function winsTable({ wins }: RunTotals): string[] {
  return textTable(
    [{ title: "agent" }, { title: "wins", align: "right" }, { title: "passed", align: "right" }],
    wins.map(({ agent, wins: won, passed }) => [agentLabel(agent), String(won), String(passed)]),
  );
}

function binTable(tasks: readonly TaskFigures[]): string[] {
  const bins = [...new Set(tasks.flatMap(({ bin }) => (bin === null ? [] : [bin])))].toSorted(
    (a, b) => a - b,
  );
  if (bins.length === 0) return [];
  return [
    "",
    ...textTable(
      [{ title: "bin" }, { title: "tasks", align: "right" }, { title: "passed", align: "right" }],
      bins.map((bin) => {
        const inBin = tasks.filter((task) => task.bin === bin);
        return [
          String(bin),
          String(inBin.length),
          String(inBin.filter((task) => task.outcome === "pass").length),
        ];
      }),
    ),
  ];
}
