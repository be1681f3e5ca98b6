/** A fit as people read it, and as it is stored with the weights. Pure. */
import { textTable } from "../../emulators/demo/text-table.ts";
import { percent, usd } from "../../emulators/demo/format.ts";
import { FOLDS } from "../../src/market/fit/cross-validate.ts";
import { meanCostMicros, type Tally } from "../../src/market/fit/evaluate.ts";
import {
  LEAST_USABLE,
  UNUSABLE_REASONS,
  type UnusableReason,
  type UsableAuctions,
} from "../../src/market/fit/usable.ts";
import type { FitRun, FittedRun } from "./run-fit.ts";

const REASONS: Readonly<Record<UnusableReason, string>> = {
  no_known_pass: "no bidder is known to pass",
  no_known_fail: "no bidder is known to fail",
  trace_cost_unknown: "the cost of a passing trace is not known",
  juror_lost: "a juror's score is missing",
  entropy_missing: "a bid has no entropy",
  other_jury: "another jury than most have",
};

/** The lines that the command prints. */
export function reportLines(run: FitRun): string[] {
  const lines = usableLines(run.usable);
  if (run.fitted === null) {
    return [
      ...lines,
      "",
      `At least ${LEAST_USABLE} usable auctions are needed: ${run.missing} missing. Nothing was fitted, nothing changed.`,
      "Usable are auctions with a known pass and a known fail for one task: escalations and calibration runs make them.",
    ];
  }
  return [
    ...lines,
    "",
    ...solveLines(run.fitted),
    "",
    ...comparison(run.fitted),
    "",
    ...selectionCautions(run.usable),
    ...cautions(run.fitted),
  ];
}

/** The figures to keep with the stored weights. */
export function fitFigures({ usable }: Pick<FitRun, "usable">, fitted: FittedRun): object {
  const { fit, options, before, after } = fitted;
  return {
    ...options,
    usableAuctions: usable.auctions.length,
    leftOut: usable.leftOut,
    status: fit.status,
    objective: fit.objective,
    bound: fit.bound,
    gap: fit.gap,
    folds: FOLDS,
    unfittedFolds: after.unfitted,
    before: before.tally,
    after: after.tally,
  };
}

function usableLines({ auctions, leftOut, jury }: UsableAuctions): string[] {
  const left = UNUSABLE_REASONS.filter((reason) => leftOut[reason] > 0);
  const total = auctions.length + left.reduce((sum, reason) => sum + leftOut[reason], 0);
  return [
    `${auctions.length} of ${total} auctions usable${jury.length > 0 ? `, jury ${jury.join(", ")}` : ""}`,
    ...left.map((reason) => `  ${String(leftOut[reason]).padStart(6)}  left out: ${REASONS[reason]}`),
  ];
}

function solveLines({ fit, options }: FittedRun): string[] {
  const gap = fit.gap === null ? "unknown" : `${(100 * fit.gap).toFixed(2)} %`;
  const found = `objective ${fit.objective?.toFixed(4) ?? "–"}, bound ${fit.bound?.toFixed(4) ?? "–"}, gap ${gap}`;
  const solved = `${options.kind} fit, ${options.aggregation}: ${fit.status}, ${found}, ${fit.seconds.toFixed(1)} s`;
  if (fit.weights === null) return [`${solved}; no weights found`];
  const { cost, entropy, jurors } = fit.weights;
  const rows = [
    ["cost", figure(cost)],
    ["entropy", figure(entropy)],
    ...Object.entries(jurors).map(([jurorId, weight]) => [`juror ${jurorId}`, figure(weight)]),
  ];
  return [solved, "", ...textTable([{ title: "weight" }, { title: "value", align: "right" }], rows)];
}

function comparison({ before, after, inSample, dearest, cheapest }: FittedRun): string[] {
  const rows: [string, Tally][] = [
    [`before: weights ${before.source}`, before.tally],
    [`after: fitted, ${FOLDS}-fold cross-validated`, after.tally],
    ...(inSample === null ? [] : [["fitted, on its own auctions", inSample] satisfies [string, Tally]]),
    ["always the dearest bidder", dearest],
    ["always the cheapest bidder", cheapest],
  ];
  const titles = ["to a pass", "to a fail", "unknown", "pass of known", "mean trace cost", "costs known"];
  return textTable(
    [{ title: "" }, ...titles.map((title) => ({ title, align: "right" as const }))],
    rows.map(([name, tally]) => [name, ...cells(tally)]),
  );
}

function cells(tally: Tally): string[] {
  const mean = meanCostMicros(tally);
  return [
    String(tally.toPass),
    String(tally.toFail),
    String(tally.toUnknown),
    percent(tally.toPass, tally.toPass + tally.toFail),
    mean === null ? "–" : usd(mean),
    String(tally.knownCosts),
  ];
}

function cautions({ fit, options, before, after }: FittedRun): string[] {
  const lines: string[] = [];
  if (options.kind === "literal") {
    lines.push(
      "The literal fit is degenerate: it favours jurors that score everybody high. Not for deployment.",
    );
  }
  if (fit.status === "time_limit")
    lines.push("The time limit ended the search: these are the best weights found.");
  if (after.unfitted > 0) lines.push(`${after.unfitted} folds found no weights and kept those of before.`);
  if (after.tally.toPass < before.tally.toPass) {
    lines.push(
      "Cross-validated, the fitted weights send fewer tasks to a passing agent than those of before.",
    );
  }
  return lines;
}

/** What the figures are figures of: nobody should read them as the tenant's pass rate. */
function selectionCautions({ auctions }: UsableAuctions): string[] {
  const partly = auctions.filter(({ bids, outcomes }) =>
    bids.some(({ agentId }) => !outcomes[agentId]),
  ).length;
  return [
    "Only usable auctions are counted: tasks on which agents are known to differ, not all tasks.",
    ...(partly > 0
      ? [
          `In ${partly} of them not every bidder is known. An escalation is there because its first winner failed, so that`,
          "“before” looks worse, and dear agents better, than on all tasks. Calibration runs have no such bias.",
        ]
      : []),
  ];
}

function figure(weight: number): string {
  return weight === 0 ? "0" : weight.toPrecision(4);
}
