/**
 * What the study varies, holds fixed and calls moderate. To be committed before the first full run.
 *
 * A study of the mechanism with emulated agents (emulators/house): no evidence about any real model.
 * "Published": SALE, arXiv 2602.02751. "Ours": chosen by us before the first full run.
 */

/** Logits of success per standard deviation of plan quality: the number that nobody can know here (house-agents.md). */
export const INFORMATIVENESS_GRID: readonly number[] = [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 3];
/** What counts as moderate. */
export const MODERATE_INFORMATIVENESS = 1;
/** Most that contrastive pairs add to q (house-agents.md). */
export const REFINEMENT_GAINS: readonly number[] = [0, 0.06, 0.12];
export const MODERATE_GAIN = 0.06;
/** Ours: share of tasks whose text resembles that of others of their family; the rest are worded like no other. */
export const RECURRENCES: readonly number[] = [0, 0.5, 1];
export const MODERATE_RECURRENCE = 0.5;

/** Tasks of one order: ten variants of each of the workload's thirty. */
export const TASKS = 300;
/** Orders of a full run. Each has its own seed for tasks, bids, verdicts and outcomes. */
export const SEEDS = 20;
/** Seeds 1 to 5 were used while building and are reported nowhere. */
export const BUILDING_SEEDS: readonly number[] = [1, 2, 3];
export const FIRST_REPORTED_SEED = 1001;
/**
 * Ours: the training set that the weights of the fitted arms come from, one for the whole study as the paper's was one:
 * an order of its own, apart from every seed that is reported or was used while building, with every agent's outcome
 * known. Once for each informativeness, since a tenant fits to what its own agents did.
 */
export const TRAINING_SEED = 901;
export const TRAINING_TASKS = 120;
/**
 * Ours: nodes of the search that a solve may take. Most fits are proven optimal well before; what is left of the gap is
 * reported. By nodes and not by the clock, so that every machine finds the same weights.
 */
export const FIT_NODE_LIMIT = 20_000;
/** Of each solve, seconds: a solve that meets it ends the study, which would not repeat. */
export const FIT_TIME_LIMIT_S = 1_200;

/** The grid of `--quick`. */
export const QUICK_INFORMATIVENESS: readonly number[] = [0, 0.5, 1, 2];

/** As in src/auction/auction-memory.ts: past auctions that are recalled, and pairs that an agent is shown. */
export const TOP_K = 5;
export const MAX_PAIRS = 1;

/** Words of its own in a recurring task, against words of the workload's text that it shares with its family. */
export const RECURRING_OWN_WORDS = 6;
/** Words of its own in a one-off task, per word of the workload's text: shares too little with any other to teach. */
export const ONE_OFF_WORDS_PER_WORD = 2.2;

/** Seeds over which the tokens of a trace are averaged, per task of the workload and agent. */
export const TRACE_SEEDS: readonly number[] = [1, 2, 3, 4];
/**
 * Ours: how much longer real traces are than the house's. The median of eleven recorded coding runs has about 600,000
 * tokens, prompts counted at every step; the house's traces have about 20,000 on average.
 */
export const REAL_LENGTH_FACTOR = 30;

/** Normal quantile of the 95 % intervals, which are Student's over seeds. */
export const INTERVAL_Z = 1.959964;

/** Ours: what pass@1 may lie below the largest's and still count as not below it: the interval's lower end. */
export const PASS_MARGIN = 0.01;

/** Ours: the bins of difficulty that make up the hard tail, of five. */
export const HARD_BINS: readonly number[] = [4, 5];

/** Directions of the paper that are looked for at the moderate setting. Published, as auction.md and issue B quote them. */
export const PAPER = {
  /** Largest used at least this much less. */
  largestUsedLess: 0.52,
  costLower: 0.35,
  auctionTokenShare: 0.01,
} as const;
