/**
 * What the study says about the paper's directions at the moderate setting, where the auction starts to pay against a
 * coin, and what each ablation does. Whatever it is: a direction that does not appear is reported as such.
 */
import {
  MODERATE_GAIN,
  MODERATE_INFORMATIVENESS,
  MODERATE_RECURRENCE,
  PAPER,
  PASS_MARGIN,
} from "./constants.ts";
import { ABLATIONS } from "./arms.ts";
import type { Setting } from "./plan.ts";
import { type Estimate, pairedDifference } from "./statistics.ts";
import type { Study, Summary, TraceLength } from "./summarise.ts";

export interface Direction {
  readonly claim: string;
  readonly measured: string;
  /** `unclear`: the interval holds both. */
  readonly appears: "yes" | "no" | "unclear";
}

export interface Findings {
  readonly directions: readonly Direction[];
  /** What memory changes against the same auction without it, at moderate informativeness. */
  readonly memory: readonly {
    readonly recurrence: number;
    /** At 0 a refined bid is a second draft, with nothing learned: a placebo. */
    readonly refinementGain: number;
    readonly smallerShare: Estimate;
    readonly smallerGrowth: Estimate;
    readonly pass: Estimate;
    readonly costRatio: number;
  }[];
  /** Smallest informativeness on the grid from which on the whole interval lies above the best static mix; null: none. */
  readonly paysFrom: readonly { readonly what: string; readonly informativeness: number | null }[];
  readonly ablations: readonly {
    readonly arm: string;
    readonly passVsSale: Estimate;
    readonly costRatioVsSale: number;
    /** Each against the best static mix at its own cost. */
    readonly vsMix: Estimate;
    readonly saleVsMix: Estimate;
  }[];
}

const MODERATE = {
  informativeness: MODERATE_INFORMATIVENESS,
  refinementGain: MODERATE_GAIN,
  recurrence: MODERATE_RECURRENCE,
};

/** @throws Error where the plan had no such setting */
export function summaryAt({ summaries }: Study, at: Setting): Summary {
  const found = summaries.find(
    (summary) =>
      summary.arm === at.arm &&
      summary.informativeness === at.informativeness &&
      summary.refinementGain === at.refinementGain &&
      summary.recurrence === at.recurrence,
  );
  if (found === undefined) throw new Error(`not run: ${JSON.stringify(at)}`);
  return found;
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
export const points = ({ mean, low, high }: Estimate) =>
  `${(100 * mean).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;

function sign({ low, high }: Estimate): Direction["appears"] {
  if (low > 0) return "yes";
  return high <= 0 ? "no" : "unclear";
}

/** Not below, give or take `PASS_MARGIN`. */
function notBelow({ low, high }: Estimate): Direction["appears"] {
  if (low > -PASS_MARGIN) return "yes";
  return high < 0 ? "no" : "unclear";
}

const decided = (holds: boolean): Direction["appears"] => (holds ? "yes" : "no");

function directions(study: Study): Direction[] {
  const sale = summaryAt(study, { ...MODERATE, arm: "sale" });
  const without = summaryAt(study, { ...MODERATE, arm: "sale-no-memory" });
  const share = pairedDifference(sale.smallerBySeed, without.smallerBySeed);
  const growth = pairedDifference(sale.growthBySeed, without.growthBySeed);
  const less = 1 - sale.largestShare;
  return [
    {
      claim: `the largest is used at least ${percent(PAPER.largestUsedLess)} less`,
      measured: percent(less),
      appears: decided(less >= PAPER.largestUsedLess),
    },
    {
      claim: `cost is at least ${percent(PAPER.costLower)} lower, traces of real length, auction included`,
      measured: percent(1 - sale.real.costRatio),
      appears: decided(1 - sale.real.costRatio >= PAPER.costLower),
    },
    {
      claim: `cost is at least ${percent(PAPER.costLower)} lower, the house's short traces, auction included`,
      measured: percent(1 - sale.house.costRatio),
      appears: decided(1 - sale.house.costRatio >= PAPER.costLower),
    },
    {
      claim: `pass@1 is not below the largest's by ${percent(PASS_MARGIN)} or more`,
      measured: `${points(sale.passVsLargest)} points`,
      appears: notBelow(sale.passVsLargest),
    },
    {
      claim: "memory raises the smaller agents' share",
      measured: `${points(share)} points`,
      appears: sign(share),
    },
    {
      claim:
        "memory makes the smaller agents' share grow from the first to the last quarter, more than without it",
      measured: `${points(growth)} points`,
      appears: sign(growth),
    },
    {
      claim: `auction tokens are below ${percent(PAPER.auctionTokenShare)} of all, traces of real length`,
      measured: percent(sale.real.auctionTokenShare),
      appears: decided(sale.real.auctionTokenShare < PAPER.auctionTokenShare),
    },
  ];
}

function paysFrom(study: Study): Findings["paysFrom"] {
  const of = (at: Omit<Setting, "informativeness">, length: TraceLength) => {
    const line = study.summaries
      .filter(
        (summary) =>
          summary.arm === at.arm &&
          summary.refinementGain === at.refinementGain &&
          summary.recurrence === at.recurrence,
      )
      .toSorted((a, b) => a.informativeness - b.informativeness);
    const lastMiss = line.findLastIndex((summary) => summary[length].mix.difference.low <= 0);
    return {
      what: `${at.arm}, gain ${at.refinementGain}, recurrence ${at.recurrence}, ${length} traces`,
      informativeness: line[lastMiss + 1]?.informativeness ?? null,
    };
  };
  const arms = study.summaries.filter(
    (summary) => summary.arm === "sale" || summary.arm === "sale-no-memory",
  );
  const lines = new Map(arms.map((at) => [`${at.arm} ${at.refinementGain} ${at.recurrence}`, at]));
  return (["real", "house"] as const).flatMap((length) => [...lines.values()].map((at) => of(at, length)));
}

function ablations(study: Study): Findings["ablations"] {
  const sale = summaryAt(study, { ...MODERATE, arm: "sale" });
  return ["sale-no-memory", ...ABLATIONS].map((arm) => {
    const ablated = summaryAt(study, { ...MODERATE, arm });
    return {
      arm,
      passVsSale: pairedDifference(ablated.passBySeed, sale.passBySeed),
      costRatioVsSale: ablated.real.cost.mean / sale.real.cost.mean,
      vsMix: ablated.real.mix.difference,
      saleVsMix: sale.real.mix.difference,
    };
  });
}

function memoryEffects(study: Study): Findings["memory"] {
  return study.summaries
    .filter(({ arm, informativeness }) => arm === "sale" && informativeness === MODERATE_INFORMATIVENESS)
    .map((sale) => {
      const { recurrence, refinementGain } = sale;
      const without = summaryAt(study, { ...MODERATE, recurrence, arm: "sale-no-memory" });
      return {
        recurrence,
        refinementGain,
        smallerShare: pairedDifference(sale.smallerBySeed, without.smallerBySeed),
        smallerGrowth: pairedDifference(sale.growthBySeed, without.growthBySeed),
        pass: pairedDifference(sale.passBySeed, without.passBySeed),
        costRatio: sale.real.cost.mean / without.real.cost.mean,
      };
    });
}

export function findingsOf(study: Study): Findings {
  return {
    directions: directions(study),
    memory: memoryEffects(study),
    paysFrom: paysFrom(study),
    ablations: ablations(study),
  };
}
