/** The study as text. */
import {
  MODERATE_GAIN,
  MODERATE_INFORMATIVENESS,
  MODERATE_RECURRENCE,
  REAL_LENGTH_FACTOR,
} from "./constants.ts";
import { type Findings, points } from "./findings.ts";
import type { Plan } from "./plan.ts";
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
  ["vs largest, points", ({ passVsLargest }) => points(passVsLargest)],
  ["USD/1000 tasks", ({ real }) => real.cost.mean.toFixed(1)],
  ["of largest's %", ({ real }) => percent(real.costRatio)],
  ["vs static mix, points", ({ real }) => `${points(real.mix.difference)}${real.mix.matched ? "" : " *"}`],
  ["largest %", ({ largestShare }) => percent(largestShare)],
  [
    "smaller, first to last quarter %",
    (one) => `${percent(one.smallerFirst)} to ${percent(one.smallerLast)}`,
  ],
  ["refined wins %", ({ refinedShare }) => percent(refinedShare)],
  [
    "auction tokens %",
    ({ real, house }) => `${percent(real.auctionTokenShare)} (${percent(house.auctionTokenShare)})`,
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
        "recurrence",
        "gain",
        "smaller agents' share, points",
        "its growth, points",
        "pass@1, points",
        "cost ratio",
      ],
      memory.map((one) => [
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
    markdown(
      ["direction", "measured", "appears"],
      directions.map(({ claim, measured, appears }) => [claim, measured, appears]),
    ),
    "",
    ...memoryText(findings),
    "## From which b on the auction beats the best static mix at equal cost (whole interval above 0)",
    "",
    markdown(
      ["setting", "from b ="],
      paysFrom.map(({ what, informativeness }) => [what, String(informativeness ?? "nowhere on the grid")]),
    ),
    "",
    "## Ablations at the moderate setting",
    "",
    markdown(
      [
        "arm",
        "pass@1 against sale, points",
        "cost over sale's",
        "vs static mix at own cost",
        "sale's vs static mix",
      ],
      ablations.map((one) => [
        one.arm,
        points(one.passVsSale),
        one.costRatioVsSale.toFixed(3),
        points(one.vsMix),
        points(one.saleVsMix),
      ]),
    ),
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
    ...findingsText(findings),
    "",
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
