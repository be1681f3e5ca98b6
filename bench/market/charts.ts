/** The study's charts, by file name. */
import { ABLATIONS, ALONE, FITTED_ARMS } from "./arms.ts";
import { MODERATE_GAIN, MODERATE_INFORMATIVENESS, MODERATE_RECURRENCE } from "./constants.ts";
import type { Study, Summary } from "./summarise.ts";
import type { Estimate } from "./statistics.ts";
import { frontier } from "./static-mix.ts";
import { type Chart, type Point, type Series, svgOf } from "./svg.ts";

const NOTE =
  "Emulated agents: a study of the mechanism, no evidence about real models. 95 % intervals over seeds.";

const inPoints = (x: number, { mean, low, high }: Estimate): Point => ({
  x,
  y: 100 * mean,
  low: 100 * low,
  high: 100 * high,
});

interface Line {
  readonly name: string;
  readonly keep: (summary: Summary) => boolean;
}

const at = (arm: string, refinementGain = MODERATE_GAIN, recurrence = MODERATE_RECURRENCE) => {
  return (summary: Summary) =>
    summary.arm === arm && summary.refinementGain === refinementGain && summary.recurrence === recurrence;
};

const MEMORY_LINES: readonly Line[] = [
  { name: "no memory", keep: at("sale-no-memory") },
  { name: "memory, gain 0", keep: at("sale", 0) },
  { name: "memory, gain 0.06", keep: at("sale", 0.06) },
  { name: "memory, gain 0.12", keep: at("sale", 0.12) },
];

function seriesOf(
  { summaries }: Study,
  lines: readonly Line[],
  toPoint: (summary: Summary) => Point,
): Series[] {
  return lines
    .map(({ name, keep }) => ({ name, line: true, points: summaries.filter(keep).map(toPoint) }))
    .filter((series) => series.points.length > 0);
}

const difference = (x: (summary: Summary) => number) => (summary: Summary) =>
  inPoints(x(summary), summary.real.mix.difference);

function againstMix(study: Study): Record<string, Chart> {
  const aucAt = new Map(study.auc.map(({ informativeness, auc }) => [informativeness, auc]));
  const common = {
    note: NOTE,
    yTitle: "pass@1 minus best static mix at equal cost, points",
    zero: true,
  };
  return {
    "against-mix": {
      ...common,
      title: "What the auction adds to a coin, over informativeness",
      xTitle: "b: logits of success per standard deviation of plan quality",
      series: seriesOf(
        study,
        MEMORY_LINES,
        difference((summary) => summary.informativeness),
      ),
    },
    "against-mix-by-auc": {
      ...common,
      title: "What the auction adds to a coin, over the jury's measured AUC",
      xTitle: "area under the jury's curve, same agent and bin",
      series: seriesOf(
        study,
        MEMORY_LINES,
        difference((summary) => aucAt.get(summary.informativeness) ?? 0.5),
      ),
    },
    ablations: {
      ...common,
      title: "Ablations against a coin at their own cost",
      xTitle: "b: logits of success per standard deviation of plan quality",
      series: seriesOf(
        study,
        ["sale", "sale-no-memory", ...ABLATIONS].map((arm) => ({ name: arm, keep: at(arm) })),
        difference((summary) => summary.informativeness),
      ),
    },
    "fitted-weights": {
      ...common,
      title: "Default and fitted weights against a coin at their own cost",
      xTitle: "b: logits of success per standard deviation of plan quality",
      series: seriesOf(
        study,
        FITTED_LINES,
        difference((summary) => summary.informativeness),
      ),
    },
  };
}

const FITTED_LINES: readonly Line[] = ["sale", "sale-no-memory", ...FITTED_ARMS].map((arm) => ({
  name: arm,
  keep: at(arm),
}));

function recurrenceLines(study: Study): Line[] {
  const recurrences = [...new Set(study.summaries.map((summary) => summary.recurrence))];
  return recurrences.flatMap((recurrence) => [
    { name: `memory, recurrence ${recurrence}`, keep: at("sale", MODERATE_GAIN, recurrence) },
    { name: `no memory, recurrence ${recurrence}`, keep: at("sale-no-memory", MODERATE_GAIN, recurrence) },
  ]);
}

function overInformativeness(study: Study): Record<string, Chart> {
  const common = {
    note: NOTE,
    xTitle: "b: logits of success per standard deviation of plan quality",
    zero: true,
  };
  return {
    "against-largest": {
      ...common,
      title: "pass@1 against the largest alone",
      yTitle: "pass@1 minus the largest's, points",
      series: seriesOf(study, MEMORY_LINES, (summary) =>
        inPoints(summary.informativeness, summary.passVsLargest),
      ),
    },
    "fitted-against-largest": {
      ...common,
      title: "pass@1 against the largest alone, by the weights' origin",
      yTitle: "pass@1 minus the largest's, points",
      series: seriesOf(study, FITTED_LINES, (summary) =>
        inPoints(summary.informativeness, summary.passVsLargest),
      ),
    },
    "smaller-growth": {
      ...common,
      title: "How the smaller agents' share of wins grows, first to last quarter",
      yTitle: "growth of share, points",
      series: seriesOf(study, recurrenceLines(study), (summary) =>
        inPoints(summary.informativeness, summary.smallerGrowth),
      ),
    },
  };
}

/** Cost and pass rate of every arm at the moderate setting, with the line that static mixes can reach. */
function costAndPass(study: Study): Record<string, Chart> {
  const moderate = study.summaries.filter(
    (summary) =>
      summary.informativeness === MODERATE_INFORMATIVENESS &&
      summary.recurrence === MODERATE_RECURRENCE &&
      summary.refinementGain === MODERATE_GAIN,
  );
  const alone = moderate.filter((summary) => ALONE.includes(summary.arm));
  const corners = alone.map((summary) => ({
    agentId: summary.arm,
    cost: summary.real.cost.mean,
    pass: summary.pass.mean,
  }));
  const reach = frontier(corners).map(({ cost, pass, agentId }): Point => ({
    x: cost,
    y: 100 * pass,
    low: 100 * pass,
    high: 100 * pass,
    label: agentId.replace("always:agt_", ""),
  }));
  const auctions = moderate
    .filter((summary) => !ALONE.includes(summary.arm))
    .map((summary): Series => ({
      name: summary.arm,
      line: false,
      points: [inPoints(summary.real.cost.mean, summary.pass)],
    }));
  return {
    "cost-and-pass": {
      title: `Cost and pass rate at b = ${MODERATE_INFORMATIVENESS}`,
      note: NOTE,
      xTitle: "USD per thousand tasks, traces of real length, auction included",
      yTitle: "pass@1, %",
      zero: false,
      series: [{ name: "best static mixes", line: true, points: reach }, ...auctions],
    },
  };
}

export function chartsOf(study: Study): Readonly<Record<string, string>> {
  const charts = { ...againstMix(study), ...overInformativeness(study), ...costAndPass(study) };
  return Object.fromEntries(Object.entries(charts).map(([name, chart]) => [`${name}.svg`, svgOf(chart)]));
}
