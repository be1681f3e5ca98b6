/**
 * What stays the same through a trace: the seed of its draws, the quality of its plan, the difficulty that it shares.
 *
 * A client may send one seed with every call of a task: then the model knows its own strategy by writing it again, and
 * everything is drawn from that seed. Or it may send another seed with each call: then only the conversation lasts from
 * step to step, so the draws belong to the strategy's text, and the factor shared by all agents to the task alone.
 *
 * An agent that won no auction has no strategy before its eyes: it plans as it goes, as well as it would have bid.
 */
import { namedShare, wroteStrategy } from "../bid/own-strategy.ts";
import { DEFAULT_REFINEMENT_GAIN, type HouseSize } from "../constants.ts";
import { hash32 } from "../draws.ts";
import { estimateQuality } from "../jury/judge.ts";
import type { TaskView } from "../known-tasks.ts";
import { drawQuality } from "../quality.ts";
import { recognisedGain, withGain } from "../refine/refined-strategy.ts";

export interface TraceRun {
  readonly seed: number;
  /** q of the plan, in [0, 1]. */
  readonly quality: number;
  /** Seed of the factor that all agents share on the task; null: the task's own, whatever the seed. */
  readonly sharedSeed: number | null;
}

export interface RunOrder {
  /** The seed that this call carries. */
  readonly seed: number;
  readonly task: TaskView;
  /** Empty: no auction was held. */
  readonly strategy: string;
  readonly size: HouseSize;
  /** Names of the tools, without the submission. */
  readonly tools: readonly string[];
  /** Most that a refinement may have added to q. */
  readonly refinementGain?: number;
}

export function traceRun(order: RunOrder): TraceRun {
  const { seed, task, strategy, size, tools, refinementGain = DEFAULT_REFINEMENT_GAIN } = order;
  const drawn = drawQuality({ seed, taskKey: task.key, size, bin: task.bin });
  const own = { seed, task, size, quality: drawn, tools };
  if (strategy.trim() === "" || wroteStrategy(strategy, own)) {
    return { seed, quality: drawn, sharedSeed: seed };
  }
  const gain = recognisedGain(strategy, own, refinementGain);
  if (gain !== null) return { seed, quality: withGain(drawn, gain), sharedSeed: seed };
  return {
    seed: hash32(strategy.replace(/\s+/g, "")),
    quality: namedShare(strategy, task) ?? estimateQuality(task.text, strategy),
    sharedSeed: null,
  };
}
