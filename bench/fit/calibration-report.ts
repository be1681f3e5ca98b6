/** A calibration as people read it: its quote, how far it is, what it came to. Pure. */
import { plural, usd } from "../../emulators/demo/format.ts";
import { textTable } from "../../emulators/demo/text-table.ts";
import type { SkipReason } from "../../src/market/calibration/calibration.ts";
import type { UnsuitableReason } from "../../src/market/calibration/suitable.ts";
import type { Calibration } from "./calibration-source.ts";

const UNSUITABLE: Readonly<Record<UnsuitableReason, string>> = {
  bids_missing: "not every agent of the pool made a valid bid",
  other_jury: "another jury than the pool",
  juror_lost: "a juror's score is missing",
  entropy_missing: "a bid has no entropy",
  all_known: "what every agent does on it is known, or about to be",
  task_erased: "the task's room is gone",
  agent_changed: "an agent has another model since",
};

const SKIPPED: Readonly<Record<SkipReason, string>> = {
  task_erased: "the task's room is gone",
  task_unreachable: "the task's room did not answer",
  agent_changed: "the agent has another model or price than was quoted",
  already_run: "another calibration runs it, or has",
  cancelled: "cancelled",
};

/** What would run, and what it would cost. */
export function quoteLines(quote: Calibration): string[] {
  const { id, asked, suitable, examined, runCount, runsAtOnce, boundMicros, expiresAt } = quote;
  const fewer = suitable < asked ? `: ${asked - suitable} fewer than asked for` : "";
  const lines = [
    `${plural(suitable, "past task")} to calibrate, of ${examined} looked at${fewer}`,
    ...reasonLines(quote.unsuitable, UNSUITABLE, "left out"),
  ];
  if (runCount === 0) return [...lines, "", "There is nothing to run."];
  const tools = [...new Set(quote.tasks.flatMap((task) => task.tools))].toSorted();
  return [
    ...lines,
    "",
    ...quoteTable(quote),
    "",
    `At most ${usd(boundMicros)}: every run to its task's last step, each with a full context and the longest answer.`,
    `The runs are tasks of the tenant and billed to it like any other, ${runsAtOnce} at a time.`,
    ...(tools.length > 0 ? [`They use tools anew: ${tools.join(", ")}.`] : []),
    `The quote ${id} holds until ${expiresAt}.`,
  ];
}

export function progressLine({ progress }: Pick<Calibration, "progress">): string {
  const { waiting, running, ended, skipped } = progress;
  const left = skipped > 0 ? `, ${skipped} skipped` : "";
  return `  ${ended} of ${waiting + running + ended + skipped} runs ended, ${running} under way${left}`;
}

/** What the runs did and cost, beside the quote. */
export function outcomeLines(calibration: Calibration): string[] {
  const { agents, runs, expectedMicros, costMicros } = calibration;
  const rows = agents
    .filter(({ runs: quoted }) => quoted > 0)
    .map(({ agentId, runs: quoted, expectedMicrosPerRun: each }) => {
      const own = runs.filter((run) => run.agentId === agentId);
      const ended = own.filter(({ status }) => status === "ended");
      const count = (outcome: string) => ended.filter((run) => run.outcome === outcome).length;
      const [pass, fail] = [count("pass"), count("fail")];
      const cost = own.reduce((sum, run) => sum + (run.costMicros ?? 0), 0);
      const figures = [pass, fail, ended.length - pass - fail, own.length - ended.length];
      return [agentId, ...figures.map(String), money(each === null ? null : each * quoted), usd(cost)];
    });
  const total = ["all", "", "", "", "", money(expectedMicros), usd(costMicros)];
  const titles = ["pass", "fail", "undecided", "not run", "expected", "cost"];
  const skipped = Object.groupBy(
    runs.filter(({ status }) => status === "skipped"),
    (run) => run.skipReason ?? "unknown",
  );
  const reasons = Object.fromEntries(
    Object.entries(skipped).map(([reason, of]) => [reason, of?.length ?? 0] as const),
  );
  return [
    ...textTable(
      [{ title: "calibrated" }, ...titles.map((title) => ({ title, align: "right" as const }))],
      [...rows, total],
    ),
    ...reasonLines(reasons, SKIPPED, "not run"),
  ];
}

function quoteTable({ agents, runCount, expectedMicros }: Calibration): string[] {
  const rows = agents
    .filter(({ runs }) => runs > 0)
    .map(({ agentId, runs, expectedMicrosPerRun: each, basis, traces }) => [
      agentId,
      String(runs),
      money(each),
      money(each === null ? null : each * runs),
      {
        own_mean: `mean of its ${plural(traces, "trace")}`,
        scaled_by_price: `${plural(traces, "trace")} of others, scaled by price`,
        unknown: "no trace to go by",
      }[basis],
    ]);
  const figures = ["runs", "each", "expected"].map((title) => ({ title, align: "right" as const }));
  return textTable(
    [{ title: "agent" }, ...figures, { title: "estimated from" }],
    [...rows, ["all", String(runCount), "", money(expectedMicros), ""]],
  );
}

function reasonLines(
  counts: Readonly<Record<string, number>>,
  texts: Readonly<Record<string, string>>,
  word: string,
): string[] {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `  ${String(count).padStart(6)}  ${word}: ${texts[reason] ?? reason}`);
}

function money(micros: number | null): string {
  return micros === null ? "unknown" : usd(micros);
}
