/**
 * Every number that shapes the house models, with its source.
 *
 * "Published": SALE, arXiv 2602.02751. "Ours": chosen by us, no evidence about any real model.
 * Nothing else in this folder holds a behavioural constant, so that a study can cite this file alone.
 */

import type { Bin } from "../workload/task.ts";

export type { Bin };
export const BINS: readonly Bin[] = [1, 2, 3, 4, 5];

export type HouseId = "house-emulated-4b" | "house-emulated-8b" | "house-emulated-14b" | "house-emulated-32b";

export interface HouseSize {
  readonly id: HouseId;
  /** Published: price of output tokens, USD per million. */
  readonly outputUsdPerMtok: number;
  /** Ours: standard deviation of a juror's noise, in score points (0 to 5). */
  readonly juryNoise: number;
  /** Ours: time to the first token without prompt, ms. */
  readonly firstTokenMs: number;
  /** Ours, of the order that hosted models of such sizes show: output tokens per second. */
  readonly tokensPerSecond: number;
  /** Ours: uncached prompt tokens read per second. */
  readonly promptTokensPerSecond: number;
  /** Ours: hidden reasoning tokens as a share of visible tokens. Above 0 for the largest only. */
  readonly reasoningShare: number;
}

/** Smallest first. Sizes and prices are published (Qwen3 4B, 8B, 14B, 32B); these models are not those. */
export const HOUSE_SIZES: readonly HouseSize[] = [
  {
    id: "house-emulated-4b",
    outputUsdPerMtok: 0.05,
    juryNoise: 1.1,
    firstTokenMs: 180,
    tokensPerSecond: 170,
    promptTokensPerSecond: 12_000,
    reasoningShare: 0,
  },
  {
    id: "house-emulated-8b",
    outputUsdPerMtok: 0.09,
    juryNoise: 0.9,
    firstTokenMs: 240,
    tokensPerSecond: 120,
    promptTokensPerSecond: 8_000,
    reasoningShare: 0,
  },
  {
    id: "house-emulated-14b",
    outputUsdPerMtok: 0.16,
    juryNoise: 0.75,
    firstTokenMs: 320,
    tokensPerSecond: 85,
    promptTokensPerSecond: 5_000,
    reasoningShare: 0,
  },
  {
    id: "house-emulated-32b",
    outputUsdPerMtok: 0.36,
    juryNoise: 0.6,
    firstTokenMs: 480,
    tokensPerSecond: 50,
    promptTokensPerSecond: 2_500,
    reasoningShare: 0.3,
  },
];

/** Pass rate of the largest by bin. Ends published (HST-Bench), middle interpolated by us (house-agents.md). */
export const LARGEST_PASS_RATE: Readonly<Record<Bin, number>> = {
  1: 0.95,
  2: 0.8,
  3: 0.6,
  4: 0.35,
  5: 0.125,
};

/** Pass rate of the smallest as a share of the largest's. Ends published (87-92 % and 17-25 %), middle evenly spaced by us. */
export const SMALLEST_SHARE: Readonly<Record<Bin, number>> = { 1: 0.9, 2: 0.725, 3: 0.55, 4: 0.375, 5: 0.2 };

/** Ours: standard deviation of plan quality q around its mean (house-agents.md). */
export const QUALITY_SD = 0.15;
/** Ours: mean of q of the smallest in bin 1. */
export const QUALITY_BASE = 0.52;
/** Ours: what the largest's mean q has over the smallest's; the others between, in log price. */
export const QUALITY_SIZE_GAIN = 0.16;
/** Ours: what mean q loses per bin. */
export const QUALITY_BIN_LOSS = 0.04;

/** Ours: informativeness b, logits of success per standard deviation of q, unless a study says otherwise. Moderate. */
export const DEFAULT_INFORMATIVENESS = 1;

/**
 * Ours: standard deviation, in logits, of the factor that all agents share on a task. Set so that failures of the two
 * largest correlate between 0.5 and 0.65 over the whole workload at b = 1 (house-agents.md); measured in report.ts.
 */
export const SHARED_FACTOR_SD = 2.25;

/** Ours: standard deviation of the share of good fragments in a strategy around q. */
export const WRITING_NOISE = 0.05;
/** Ours: filler sentences in a strategy of q = 0, and how many fewer there are at q = 1 (never below none). */
export const FILLER_AT_WORST = 12;
export const FILLER_LOSS = 15;
/** Ours: standard deviation of the number of filler sentences. */
export const FILLER_SD = 1.8;
/** Ours: chance that a sub-goal which the plan does not see is written as one that would fit anything. */
export const VAGUE_GOAL_CHANCE = 0.5;
/** Ours: q (with noise of this sd) from which a tool is put to a fitting use, and from which to any. */
export const TOOL_USE = { noiseSd: 0.15, fitting: 0.45, any: 0.3 } as const;
/** Ours: how much likelier a plan names what comes early in the task, as a share of the spread of ranks. */
export const EARLY_FIRST = 0.3;
/**
 * Ours: share of a strategy's sentences that must recur for a model to know it as written by itself under this seed.
 * Below 1, since the tools that the bid was told of may have differed.
 */
export const OWN_SENTENCES = 0.85;
/** Ours: share of a strategy's sentences in a house model's manner from which its fragments are counted. */
export const MANNER_SENTENCES = 0.7;

/** Ours: probability mass beside the likeliest token, at mean quality; sets entropy per token to about half a nat. */
export const SPREAD_AT_MEAN = 0.16;
/** Ours: how much log spread grows per standard deviation of q: worse plans are lower in entropy. */
export const SPREAD_PER_SD = 0.18;
/** Ours: standard deviation of log spread from one text to the next. */
export const SPREAD_NOISE = 0.2;
/** Ours: most probability mass beside the likeliest token. */
export const MAX_SPREAD = 0.85;
/** Ours: share of tokens that were sampled as second choice. */
export const SECOND_CHOICE = 0.06;

/** Ours, after house-agents.md: what a juror adds on average to its own strategy, in score points. */
export const SELF_PREFERENCE = 0.3;
/**
 * Ours: what a juror makes of its impression, as q. A rounded least-squares fit on 3,000 strategies of this workload,
 * with the weight of substance, which overlaps with focus, kept above zero so that a single fitting clause earns little.
 */
export const IMPRESSION_BASE = 0.18;
export const IMPRESSION_WEIGHTS = {
  substance: 0.12,
  focus: 0.36,
  caution: 0.12,
  control: 0.09,
  tooling: 0.11,
} as const;
/** Ours: how many clauses of a sort are all that a juror looks for. */
export const IMPRESSION_ENOUGH = { substance: 10, caution: 4, control: 3 } as const;
/** Ours: a clause is about the task if this share of its telling words, and at least two, occur in the task's text. */
export const CLAUSE_FIT = 0.34;
/** Ours: letters in which two words must agree; enough to see "merge" in "merging". */
export const STEM_LETTERS = 5;
/** Ours: score points that a juror takes off per bin above the middle one. */
export const BIN_DOUBT = 0.05;

/** Ours: fewest and most assistant turns of a trace by bin, the submission included. */
export const STEPS: Readonly<Record<Bin, readonly [number, number]>> = {
  1: [2, 4],
  2: [3, 5],
  3: [5, 7],
  4: [7, 10],
  5: [10, 14],
};
/** Ours: chance that a trace with room for it makes a real tool error and repairs it. */
export const TOOL_ERROR_CHANCE = 0.35;
/** Ours: chance that a question's trace reads two documents in one step. */
export const PAIRED_READ_CHANCE = 0.4;

/** Ours: turns with unplanned tool failures after which a model stops trying and hands in what it has. */
export const PATIENCE = 2;
/** Ours: a stranger's task weighs its length over this many characters plus its conditions over three. */
export const CHARS_PER_WEIGHT = 400;
export const CONDITIONS_PER_WEIGHT = 3;
/** Ours: weights from which a stranger's task is taken for bin 2, 3, 4 and 5. */
export const BIN_WEIGHTS = [1, 2, 3.5, 5.5] as const;

/** Ours: completion tokens when a request sets no limit. */
export const DEFAULT_MAX_TOKENS = 4_096;
/** Ours: tokens that chat framing adds to each message, as with common chat templates. */
export const TOKENS_PER_MESSAGE = 4;

/** Ours, after house-agents.md: most that a refinement adds to q, unless a study says otherwise. */
export const DEFAULT_REFINEMENT_GAIN = 0.06;
/**
 * Ours: share of words that two tasks' texts have in common (Dice) below which one teaches nothing about the other.
 * 97 % of the pairs of different tasks in the workload stand below it; the rest read the same documents.
 */
export const LESSON_FLOOR = 0.5;
/** Ours: what pairs are worth is 1 - exp(-their summed relevance / this): one pair of an equal task gives 63 %. */
export const LESSONS_FOR_MOST = 1;
/** Ours: refined quality moves in steps of this, so that a model can tell its own refined strategies by writing them again. */
export const REFINEMENT_STEP = 0.005;

/**
 * Ours: chance that a judge of a panel is right about a result whose truth it could know, by bin: of the largest, and of the
 * smallest; the others between, in log price. Never below a coin's.
 */
export const RULING_ACCURACY: Readonly<Record<"largest" | "smallest", Readonly<Record<Bin, number>>>> = {
  largest: { 1: 0.97, 2: 0.94, 3: 0.9, 4: 0.84, 5: 0.78 },
  smallest: { 1: 0.9, 2: 0.84, 3: 0.76, 4: 0.68, 5: 0.6 },
};
