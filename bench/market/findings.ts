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
import { type Estimate, estimate, pairedDifference } from "./statistics.ts";
import type { Study, Summary, TraceLength } from "./summarise.ts";

export interface Direction {
  readonly claim: string;
  readonly measured: string;
  /** `unclear`: the interval holds both. */
  readonly appears: "yes" | "no" | "unclear";
}

export interface Findings {
  /** For the auction under default weights, and under fitted ones, which are nearer to the paper's. */
  readonly directions: readonly { readonly arm: string; readonly directions: readonly Direction[] }[];
  /** What memory changes against the same auction without it, at moderate informativeness. */
  readonly memory: readonly {
    readonly arm: string;
    readonly recurrence: number;
    /** At 0 a refined bid is a second draft, with nothing learned: a placebo. */
    readonly refinementGain: number;
    readonly smallerShare: Estimate;
    readonly smallerGrowth: Estimate;
    readonly pass: Estimate;
    readonly costRatio: number;
  }[];
  /** Smallest informativeness on the grid from which on the whole interval lies above the best static mix; null: none. */
  readonly paysFrom: readonly {
    readonly what: string;
    readonly informativeness: number | null;
    /** False: from there on, somewhere, no mix costs as much or as little, and the nearest one was beaten. */
    readonly matched: boolean;
  }[];
  readonly ablations: readonly {
    readonly arm: string;
    readonly against: string;
    readonly pass: Estimate;
    /** Of the hard tail alone. */
    readonly hardPass: Estimate;
    readonly costRatio: number;
    /** Against the best static mix at its own cost. */
    readonly vsMix: Estimate;
    /** The difference of both arms' differences to the mix at their own cost: what is left once cost is paid for. */
    readonly atEqualCost: Estimate;
  }[];
}

/** An auction with memory, and the same without. */
const AUCTIONS = [
  { arm: "sale", without: "sale-no-memory" },
  { arm: "sale-fitted", without: "sale-fitted-no-memory" },
] as const;

/** Each arm, and the one that it differs from in one part. */
const ABLATED: readonly (readonly [arm: string, against: string])[] = [
  ...["sale-no-memory", ...ABLATIONS].map((arm) => [arm, "sale"] as const),
  ["sale-fitted", "sale"],
  ["sale-fitted-no-memory", "sale-fitted"],
  ["sale-mean", "sale-fitted"],
  ["sale-literal", "sale-fitted"],
];

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

function atLeast({ low, high }: Estimate, least: number): Direction["appears"] {
  if (low >= least) return "yes";
  return high < least ? "no" : "unclear";
}

function directions(study: Study, { arm, without }: (typeof AUCTIONS)[number]): Direction[] {
  const sale = summaryAt(study, { ...MODERATE, arm });
  const alone = summaryAt(study, { ...MODERATE, arm: without });
  const share = pairedDifference(sale.smallerBySeed, alone.smallerBySeed);
  const growth = pairedDifference(sale.growthBySeed, alone.growthBySeed);
  // What did not go to the largest, which alone gets everything.
  const less = estimate(sale.smallerBySeed);
  const saved = (length: TraceLength) => minus(1, sale[length].costRatio);
  const tokens = sale.real.auctionTokenShare;
  return [
    {
      claim: `the largest is used at least ${percent(PAPER.largestUsedLess)} less`,
      measured: `${points(less)} %`,
      appears: atLeast(less, PAPER.largestUsedLess),
    },
    {
      claim: `cost is at least ${percent(PAPER.costLower)} lower, traces of real length, auction included`,
      measured: `${points(saved("real"))} %`,
      appears: atLeast(saved("real"), PAPER.costLower),
    },
    {
      claim: `cost is at least ${percent(PAPER.costLower)} lower, the house's short traces, auction included`,
      measured: `${points(saved("house"))} %`,
      appears: atLeast(saved("house"), PAPER.costLower),
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
      measured: `${points(tokens)} %`,
      appears: atLeast(minus(0, tokens), -PAPER.auctionTokenShare),
    },
  ];
}

function minus(from: number, { mean, low, high }: Estimate): Estimate {
  return { mean: from - mean, low: from - high, high: from - low };
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
    const paying = line.slice(lastMiss + 1);
    return {
      what: `${at.arm}, gain ${at.refinementGain}, recurrence ${at.recurrence}, ${length} traces`,
      informativeness: paying[0]?.informativeness ?? null,
      matched: paying.every((summary) => summary[length].mix.matched),
    };
  };
  const names: readonly string[] = AUCTIONS.flatMap(({ arm, without }) => [arm, without]);
  const arms = study.summaries.filter(({ arm }) => names.includes(arm));
  const lines = new Map(arms.map((at) => [`${at.arm} ${at.refinementGain} ${at.recurrence}`, at]));
  return (["real", "house"] as const).flatMap((length) => [...lines.values()].map((at) => of(at, length)));
}

function ablations(study: Study): Findings["ablations"] {
  return ABLATED.map(([arm, against]) => {
    const ablated = summaryAt(study, { ...MODERATE, arm });
    const whole = summaryAt(study, { ...MODERATE, arm: against });
    return {
      arm,
      against,
      pass: pairedDifference(ablated.passBySeed, whole.passBySeed),
      hardPass: pairedDifference(ablated.hardBySeed, whole.hardBySeed),
      costRatio: ablated.real.cost.mean / whole.real.cost.mean,
      vsMix: ablated.real.mix.difference,
      atEqualCost: pairedDifference(ablated.real.mix.differenceBySeed, whole.real.mix.differenceBySeed),
    };
  });
}

function memoryEffects(study: Study): Findings["memory"] {
  return AUCTIONS.flatMap(({ arm, without }) =>
    study.summaries
      .filter((summary) => summary.arm === arm && summary.informativeness === MODERATE_INFORMATIVENESS)
      .map((sale) => {
        const { recurrence, refinementGain } = sale;
        const alone = summaryAt(study, { ...MODERATE, recurrence, arm: without });
        return {
          arm,
          recurrence,
          refinementGain,
          smallerShare: pairedDifference(sale.smallerBySeed, alone.smallerBySeed),
          smallerGrowth: pairedDifference(sale.growthBySeed, alone.growthBySeed),
          pass: pairedDifference(sale.passBySeed, alone.passBySeed),
          costRatio: sale.real.cost.mean / alone.real.cost.mean,
        };
      }),
  );
}

export function findingsOf(study: Study): Findings {
  return {
    directions: AUCTIONS.map((auction) => ({ arm: auction.arm, directions: directions(study, auction) })),
    memory: memoryEffects(study),
    paysFrom: paysFrom(study),
    ablations: ablations(study),
  };
}
