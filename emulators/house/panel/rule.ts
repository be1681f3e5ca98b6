/**
 * A house model as a judge of a panel. Where the result's truth can be known, it is right by a chance that grows with its
 * size and falls with difficulty; of anything else it says that it cannot tell. What a result says of itself moves nothing.
 */
import { type HouseSize, RULING_ACCURACY } from "../constants.ts";
import { drawsFor } from "../draws.ts";
import type { TaskView } from "../known-tasks.ts";
import { sizeRank } from "../quality.ts";
import { knownTruth } from "./known-truth.ts";

export interface Hearing {
  readonly seed: number;
  readonly task: TaskView;
  readonly result: string;
  readonly judge: HouseSize;
}

export interface HouseRuling {
  readonly reason: string;
  readonly verdict: "pass" | "fail" | "unknown";
}

/** Chance that the judge is right about this task's results. */
export function rulingAccuracy({ task, judge }: Pick<Hearing, "task" | "judge">): number {
  const { largest, smallest } = RULING_ACCURACY;
  return smallest[task.bin] + sizeRank(judge) * (largest[task.bin] - smallest[task.bin]);
}

/** The draw belongs to judge, task and result: asked again, it says the same. */
export function rule(hearing: Hearing): HouseRuling {
  const { seed, task, result, judge } = hearing;
  const truth = task.known === null ? null : knownTruth(task.known, result);
  if (truth === null)
    return { reason: "I cannot tell from what I see whether it is right.", verdict: "unknown" };
  const draw = drawsFor(seed, task.key, judge.id, "ruling", result.replace(/\s+/g, "")).uniform();
  const isRight = draw < rulingAccuracy(hearing);
  return truth === isRight
    ? { reason: "I worked it out myself and came to the same.", verdict: "pass" }
    : { reason: "I worked it out myself and came to something else.", verdict: "fail" };
}
