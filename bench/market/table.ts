/** The study as text. */
import {
  FIT_NODE_LIMIT,
  HARD_BINS,
  MODERATE_GAIN,
  MODERATE_INFORMATIVENESS,
  MODERATE_RECURRENCE,
  REAL_LENGTH_FACTOR,
  TRAINING_SEED,
  TRAINING_TASKS,
} from "./constants.ts";
import { type Findings, points } from "./findings.ts";
import type { Plan } from "./plan.ts";
import { largest, pool, smallest } from "./pool.ts";
import type { Study, Summary } from "./summarise.ts";

/** Stands over every output. */
export const LABEL =
  "A study of the mechanism with emulated agents. It is no evidence about any real model: how informative plans are (b) is assumed, not measured.";

type Column = readonly [title: string, cell: (summary: Summary) => string];

const percent = (value: number) => (100 * value).toFixed(1);

const COLUMNS: readonly Column[] = [
  ["arm", ({ arm }) => arm],
  ["b", ({ informativeness }) => String(informativeness)],
  ["gain", ({ refinementGain }) => String(refinementGain)],
  ["pass@1 %", ({ pass }) => points(pass)],
  ["hard tail %", ({ hardPass }) => percent(hardPass.mean)],
  ["vs largest, points", ({ passVsLargest }) => points(passVsLargest)],
  ["USD/1000 tasks", ({ real }) => real.cost.mean.toFixed(1)],
  ["of largest's %", ({ real }) => percent(real.costRatio.mean)],
  ["vs static mix, points", ({ real }) => `${points(real.mix.difference)}${real.mix.matched ? "" : " *"}`],
  ["largest %", ({ largestShare }) => percent(largestShare)],
  [
    "smaller, first to last quarter %",
    (one) => `${percent(one.smallerFirst)} to ${percent(one.smallerLast)}`,
  ],
  ["refined wins %", ({ refinedShare }) => percent(refinedShare)],
  [
    "auction tokens %",
    ({ real, house }) => `${percent(real.auctionTokenShare.mean)} (${percent(house.auctionTokenShare.mean)})`,
  ],
  ["vs mix, short traces", ({ house }) => `${points(house.mix.difference)}${house.mix.matched ? "" : " *"}`],
];

function markdown(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => (row[i] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`;
  return [line(titles), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

const settingsTable = (summaries: readonly Summary[]) =>
  markdown(
    COLUMNS.map(([title]) => title),
    summaries.map((summary) => COLUMNS.map(([, cell]) => cell(summary))),
  );

function memoryText({ memory }: Findings): string[] {
  return [
    `## What memory changes against the same auction without it, b = ${MODERATE_INFORMATIVENESS}`,
    "",
    "At gain 0 a refined bid is a second draft with nothing learned: what remains there is a second chance before noisy jurors.",
    "",
    markdown(
      [
        "arm",
        "recurrence",
        "gain",
        "smaller agents' share, points",
        "its growth, points",
        "pass@1, points",
        "cost ratio",
      ],
      memory.map((one) => [
        one.arm,
        String(one.recurrence),
        String(one.refinementGain),
        points(one.smallerShare),
        points(one.smallerGrowth),
        points(one.pass),
        one.costRatio.toFixed(3),
      ]),
    ),
    "",
  ];
}

function findingsText(findings: Findings): string[] {
  const { directions, paysFrom, ablations } = findings;
  return [
    `## The paper's directions at b = ${MODERATE_INFORMATIVENESS}, gain ${MODERATE_GAIN}, recurrence ${MODERATE_RECURRENCE}`,
    "",
    "`sale` has the pool's default weights, `sale-fitted` weights fitted to a training set, as the paper's. A direction appears where the whole interval says so.",
    "",
    ...directions.flatMap((of) => [
      markdown(
        [`direction, ${of.arm}`, "measured", "appears"],
        of.directions.map(({ claim, measured, appears }) => [claim, measured, appears]),
      ),
      "",
    ]),
    ...memoryText(findings),
    "## From which b on the auction beats the best static mix at equal cost (whole interval above 0)",
    "",
    markdown(
      ["setting", "from b ="],
      paysFrom.map(({ what, informativeness, matched }) => [
        what,
        `${informativeness ?? "nowhere on the grid"}${matched ? "" : " *"}`,
      ]),
    ),
    "",
    "## Ablations at the moderate setting",
    "",
    `Each arm against the one that it differs from in one part. At equal cost: the difference of what each has over the best static mix at its own cost. Hard tail: bins ${HARD_BINS.join(" and ")}.`,
    "",
    markdown(
      [
        "arm",
        "against",
        "pass@1, points",
        "hard tail, points",
        "cost ratio",
        "vs static mix at own cost",
        "at equal cost, points",
      ],
      ablations.map((one) => [
        one.arm,
        one.against,
        points(one.pass),
        points(one.hardPass),
        one.costRatio.toFixed(3),
        points(one.vsMix),
        points(one.atEqualCost),
      ]),
    ),
  ];
}

const figure = (value: number) => value.toPrecision(3);

function fitsText({ fits }: Pick<Plan, "fits">): string[] {
  return [
    "## Fitted weights",
    "",
    `Fitted once for each b, on ${TRAINING_TASKS} auctions of an order that is reported nowhere (seed ${TRAINING_SEED}), with every agent's outcome known; usable are those where agents differ. fitted: min–max, mean: the mean over tasks, literal: the bare min–max, which is degenerate. A solve ends after ${FIT_NODE_LIMIT} nodes at the latest.`,
    "",
    markdown(
      ["b", "usable", "fit", "status", "gap %", "w_c", "w_h", ...pool.map(({ id }) => `juror ${id}`)],
      fits.flatMap(({ informativeness, usableAuctions, figures, weights }) =>
        (["fitted", "mean", "literal"] as const).map((name) => [
          String(informativeness),
          String(usableAuctions),
          name,
          figures[name].status,
          figures[name].gap === null ? "–" : percent(figures[name].gap),
          figure(weights[name].cost),
          figure(weights[name].entropy),
          ...pool.map(({ id }) => figure(weights[name].jurors[id] ?? 0)),
        ]),
      ),
    ),
    "",
  ];
}

/** Markdown: the label, what was found, and every setting. */
export function studyText(study: Study, findings: Findings, plan: Plan): string {
  const recurrences = [...new Set(study.summaries.map((summary) => summary.recurrence))];
  return [
    "# The market's study",
    "",
    LABEL,
    "",
    `${plan.tasks} tasks an order, seeds ${plan.seeds.join(", ")}. Intervals: 95 %, Student's over seeds, arms paired within a seed. Costs include the auction, with traces ${REAL_LENGTH_FACTOR} times as long as the house's (real length); short traces and auction tokens in brackets: the house's own. * : no mix costs as much or as little; compared with the nearest.`,
    "",
    `\`always:${smallest}\` is the smallest agent alone, \`always:${largest}\` the largest. \`static-mix\` deals tasks in the shares that \`sale\` came to; the best static mix at equal cost is worked out from the agents alone.`,
    "",
    ...findingsText(findings),
    "",
    ...fitsText(plan),
    "## Measured AUC of the jury (same agent, same bin)",
    "",
    markdown(
      ["b", "AUC"],
      study.auc.map(({ informativeness, auc }) => [String(informativeness), auc.toFixed(3)]),
    ),
    ...recurrences.flatMap((recurrence) => [
      "",
      `## All settings at recurrence ${recurrence}`,
      "",
      settingsTable(study.summaries.filter((summary) => summary.recurrence === recurrence)),
    ]),
    "",
  ].join("\n");
}
