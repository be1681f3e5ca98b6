/** From rows per seed to what is reported of each setting. */
import { MODERATE_GAIN, REAL_LENGTH_FACTOR } from "./constants.ts";
import { ALONE } from "./arms.ts";
import { addCounts, aucOf } from "./jury-auc.ts";
import type { Setting } from "./plan.ts";
import { largest, pool } from "./pool.ts";
import type { Row, SeedResult } from "./run-seed.ts";
import { type Corner, mixAtCost } from "./static-mix.ts";
import { type Estimate, estimate, mean, pairedDifference } from "./statistics.ts";

/** How long traces are taken to be: as real ones (`REAL_LENGTH_FACTOR`), or as the house's short ones. */
export type TraceLength = "real" | "house";

export interface LengthFigures {
  /** USD per thousand tasks, auction included. */
  readonly cost: Estimate;
  /** Auction tokens as a share of all. */
  readonly auctionTokenShare: Estimate;
  /** Cost over the cost of the largest alone, seed by seed. */
  readonly costRatio: Estimate;
  readonly mix: {
    /** Pass rate minus that of the best static mix at the same mean cost, seed by seed. */
    readonly difference: Estimate;
    readonly differenceBySeed: readonly number[];
    readonly shares: Readonly<Record<string, number>>;
    /** False: no mix costs as much or as little; the difference is to the nearest one. */
    readonly matched: boolean;
  };
}

export interface Summary extends Setting {
  readonly pass: Estimate;
  /** Pass rate minus that of the largest alone. */
  readonly passVsLargest: Estimate;
  /** Pass rate of the hard tail (`HARD_BINS`). */
  readonly hardPass: Estimate;
  readonly largestShare: number;
  readonly shares: Readonly<Record<string, number>>;
  readonly refinedShare: number;
  /** Share of the smaller agents in the first and last quarter, and what it grew by. */
  readonly smallerFirst: number;
  readonly smallerLast: number;
  readonly smallerGrowth: Estimate;
  readonly real: LengthFigures;
  readonly house: LengthFigures;
  /** Pass rates by seed, for comparisons between settings. */
  readonly passBySeed: readonly number[];
  readonly hardBySeed: readonly number[];
  readonly smallerBySeed: readonly number[];
  readonly growthBySeed: readonly number[];
}

const factorOf: Readonly<Record<TraceLength, number>> = { real: REAL_LENGTH_FACTOR, house: 1 };

/** Micro-USD per task are USD per million tasks. */
const MICROS_PER_TASK_TO_USD_PER_THOUSAND = 1e-3;

export function costPerThousand({ result }: Pick<Row, "result">, length: TraceLength): number {
  const micros = factorOf[length] * result.traceMicros + result.auctionMicros;
  return (micros / result.tasks) * MICROS_PER_TASK_TO_USD_PER_THOUSAND;
}

const passRate = ({ result }: Row) => result.passes / result.tasks;
const hardRate = ({ result }: Row) => result.hardPasses / Math.max(1, result.hardTasks);
const smallerShare = ({ result }: Row) => 1 - (result.wins[largest] ?? 0) / result.tasks;
const growth = ({ result }: Row) => result.smallerLast - result.smallerFirst;

/** Rows of one arm at a point of the grid, in the order of seeds. */
function rowsAt(rows: readonly Row[], at: Setting): Row[] {
  return rows.filter(
    (row) =>
      row.arm === at.arm &&
      row.informativeness === at.informativeness &&
      row.refinementGain === at.refinementGain &&
      row.recurrence === at.recurrence,
  );
}

function lengthFigures(own: readonly Row[], alone: readonly Row[][], length: TraceLength): LengthFigures {
  const costOf = (row: Row) => costPerThousand(row, length);
  const corners = alone.map((rows, i): Corner => ({
    agentId: ALONE[i] ?? "",
    cost: mean(rows.map(costOf)),
    pass: mean(rows.map(passRate)),
  }));
  const cost = estimate(own.map(costOf));
  const { shares, matched } = mixAtCost(corners, cost.mean);
  // The mix is the same in every seed; its expectation per seed is exact, so that no coin adds noise.
  const differenceBySeed = own.map(
    (row, seed) =>
      passRate(row) -
      alone.reduce((sum, rows, i) => sum + (shares[ALONE[i] ?? ""] ?? 0) * passRate(rows[seed] as Row), 0),
  );
  const largestAlone = alone.at(-1) ?? [];
  return {
    cost,
    auctionTokenShare: estimate(own.map((row) => auctionTokenShare(row, length))),
    costRatio: estimate(own.map((row, seed) => costOf(row) / costOf(largestAlone[seed] as Row))),
    mix: { difference: estimate(differenceBySeed), differenceBySeed, shares, matched },
  };
}

function auctionTokenShare({ result }: Row, length: TraceLength): number {
  return result.auctionTokens / (result.auctionTokens + factorOf[length] * result.traceTokens);
}

function summarise(rows: readonly Row[], at: Setting): Summary {
  const own = rowsAt(rows, at);
  const alone = ALONE.map((arm) => rowsAt(rows, { ...at, arm, refinementGain: MODERATE_GAIN }));
  const largestAlone = alone.at(-1) ?? [];
  const shareOf = (count: (row: Row) => number) => mean(own.map((row) => count(row) / row.result.tasks));
  const shares = Object.fromEntries(pool.map(({ id }) => [id, shareOf((row) => row.result.wins[id] ?? 0)]));
  return {
    ...at,
    pass: estimate(own.map(passRate)),
    passVsLargest: pairedDifference(own.map(passRate), largestAlone.map(passRate)),
    hardPass: estimate(own.map(hardRate)),
    largestShare: shares[largest] ?? 0,
    shares,
    refinedShare: shareOf((row) => row.result.refinedWins),
    smallerFirst: mean(own.map(({ result }) => result.smallerFirst)),
    smallerLast: mean(own.map(({ result }) => result.smallerLast)),
    smallerGrowth: estimate(own.map(growth)),
    real: lengthFigures(own, alone, "real"),
    house: lengthFigures(own, alone, "house"),
    passBySeed: own.map(passRate),
    hardBySeed: own.map(hardRate),
    smallerBySeed: own.map(smallerShare),
    growthBySeed: own.map(growth),
  };
}

export interface Study {
  readonly summaries: readonly Summary[];
  /** Measured area under the jury's curve, by informativeness. */
  readonly auc: readonly { readonly informativeness: number; readonly auc: number }[];
}

export function summariseStudy(results: readonly SeedResult[]): Study {
  const rows = results.flatMap((result) => result.rows);
  const [first] = results;
  return {
    summaries: (first?.rows ?? []).map(({ arm, informativeness, refinementGain, recurrence }) =>
      summarise(rows, { arm, informativeness, refinementGain, recurrence }),
    ),
    auc: (first?.jury ?? []).map(({ informativeness }, i) => ({
      informativeness,
      auc: aucOf(addCounts(results.map((result) => result.jury[i]?.counts ?? []))),
    })),
  };
}
