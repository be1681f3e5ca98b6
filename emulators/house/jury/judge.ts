/** A juror's score: its estimate of the plan's quality from the text, with noise by size and a liking for its own. */
import {
  BIN_DOUBT,
  type Bin,
  type HouseSize,
  IMPRESSION_BASE,
  IMPRESSION_WEIGHTS,
  SELF_PREFERENCE,
} from "../constants.ts";
import { drawsFor } from "../draws.ts";
import { looksOwn } from "./own-style.ts";
import { type Impression, readStrategy } from "./read-strategy.ts";

const MAX_SCORE = 5;

/** Estimate of q in [0, 1] from the texts alone. */
export function estimateQuality(task: string, strategy: string): number {
  const impression = readStrategy(task, strategy);
  const names = Object.keys(IMPRESSION_WEIGHTS) as (keyof Impression)[];
  return Math.min(
    1,
    names.reduce((sum, name) => sum + IMPRESSION_WEIGHTS[name] * impression[name], IMPRESSION_BASE),
  );
}

export interface Case {
  readonly seed: number;
  /** Names the task in the key of the noise. */
  readonly taskKey: string;
  readonly task: string;
  /** Difficulty as the juror sees it in the task's text. */
  readonly bin: Bin;
  readonly strategy: string;
  readonly juror: HouseSize;
}

/** Score before rounding. The noise belongs to juror, task and text: a label, an order or white space changes nothing. */
function opinion(hearing: Case): number {
  const { seed, taskKey, task, bin, strategy, juror } = hearing;
  const noise =
    juror.juryNoise * drawsFor(seed, taskKey, juror.id, "verdict", strategy.replace(/\s+/g, "")).normal();
  const liking = looksOwn(juror.id, strategy) ? SELF_PREFERENCE : 0;
  return MAX_SCORE * estimateQuality(task, strategy) - BIN_DOUBT * (bin - 3) + noise + liking;
}

/** Integer score from 0 to 5. */
export function judge(hearing: Case): number {
  return Math.min(MAX_SCORE, Math.max(0, Math.round(opinion(hearing))));
}
