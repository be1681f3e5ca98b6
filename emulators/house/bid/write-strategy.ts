/**
 * Writes a strategy whose text carries the plan's quality: the better the plan, the more of the task's own sub-goals,
 * pitfalls, checks and fitting tools it names; the worse, the more it says nothing, at greater length.
 *
 * May not import anything of the jury, nor the jury of this: what a juror finds, it finds in the text.
 */
import {
  EARLY_FIRST,
  FILLER_AT_WORST,
  FILLER_LOSS,
  FILLER_SD,
  type HouseSize,
  TOOL_USE,
  VAGUE_GOAL_CHANCE,
  WRITING_NOISE,
} from "../constants.ts";
import { type Draws, drawsFor } from "../draws.ts";
import type { TaskView } from "../known-tasks.ts";
import { countTokens } from "../tokens.ts";
import { fragmentsOf, kindOf } from "./fragments.ts";
import {
  CHECK_FRAMES,
  FILLERS,
  FITTING_TOOLS,
  GOAL_FRAMES,
  MISFIT_TOOLS,
  PITFALL_FRAMES,
  VAGUE_GOALS,
} from "./phrases.ts";
import { layOut, type StrategyParts } from "./style.ts";

export interface StrategyOrder {
  readonly seed: number;
  readonly task: TaskView;
  readonly size: HouseSize;
  /** q in [0, 1]. */
  readonly quality: number;
  /** Names of the tools that the winner will have. */
  readonly tools: readonly string[];
  /** Most tokens; null: as many as it takes. */
  readonly maxTokens: number | null;
  /** Names the draws of a text other than the first bid's. */
  readonly wording?: string;
}

const framed = (frame: string, fragment: string) => frame.replace("{}", () => fragment);

/** Which of `total` fragments the plan names: a share near q, those that come early a little likelier. */
function chosen(total: number, quality: number, draws: Draws): ReadonlySet<number> {
  const share = Math.min(1, Math.max(0, quality + WRITING_NOISE * draws.normal()));
  const ranked = Array.from({ length: total }, (_, index) => ({
    index,
    rank: draws.uniform() + (EARLY_FIRST * index) / total,
  }));
  ranked.sort((a, b) => a.rank - b.rank);
  return new Set(ranked.slice(0, Math.round(share * total)).map(({ index }) => index));
}

function toolClauses(order: StrategyOrder, draws: Draws): string[] {
  const kind = kindOf(order.task);
  const wanted = kind === "code" ? /javascript|code|sandbox/i : /http|fetch|javascript|code/i;
  const [fitting, misfit] = [draws.shuffled(FITTING_TOOLS[kind]), draws.shuffled(MISFIT_TOOLS)];
  const sharp = order.quality + TOOL_USE.noiseSd * draws.normal();
  const useful = order.tools.filter((tool) => wanted.test(tool)).slice(0, kind === "code" ? 1 : 2);
  return useful.flatMap((tool, index) => {
    if (sharp >= TOOL_USE.fitting) return [framed(fitting[index] ?? "{}", tool)];
    return sharp >= TOOL_USE.any ? [framed(misfit[index] ?? "{}", tool)] : [];
  });
}

function partsOf(order: StrategyOrder, draws: Draws): StrategyParts {
  const { subGoals, pitfalls, checks } = fragmentsOf(order.task);
  const named = chosen(subGoals.length + pitfalls.length + checks.length, order.quality, draws);
  const vague = draws.shuffled(VAGUE_GOALS);
  const goals = subGoals.flatMap((goal, index) => {
    if (named.has(index)) return [framed(draws.pick(GOAL_FRAMES), goal)];
    return draws.uniform() < VAGUE_GOAL_CHANCE ? [vague.pop() ?? "proceed"] : [];
  });
  const fillers = Math.max(
    0,
    Math.round(FILLER_AT_WORST - FILLER_LOSS * order.quality + FILLER_SD * draws.normal()),
  );
  return {
    goals: goals.length === 0 ? [draws.pick(VAGUE_GOALS)] : goals,
    tools: toolClauses(order, draws),
    pitfalls: pitfalls
      .filter((_, index) => named.has(subGoals.length + index))
      .map((pitfall) => framed(draws.pick(PITFALL_FRAMES), pitfall)),
    checks: checks
      .filter((_, index) => named.has(subGoals.length + pitfalls.length + index))
      .map((check) => framed(draws.pick(CHECK_FRAMES), check)),
    filler: draws.shuffled(FILLERS).slice(0, fillers),
  };
}

/** The strategy. Over the limit, filler goes first, then checks and pitfalls from the end. */
export function writeStrategy(order: StrategyOrder): string {
  const key = [order.seed, order.task.key, order.size.id, order.wording ?? []].flat();
  let parts = partsOf(order, drawsFor(...key, "strategy"));
  for (;;) {
    // The layout's draws are named apart, so that a cut does not change what remains more than it must.
    const text = layOut(order.size.id, parts, drawsFor(...key, "layout"));
    if (order.maxTokens === null || countTokens(text) <= order.maxTokens) return text;
    const cut = (["filler", "checks", "pitfalls", "tools"] as const).find((name) => parts[name].length > 0);
    if (cut === undefined && parts.goals.length <= 1) return text;
    const name = cut ?? "goals";
    parts = { ...parts, [name]: parts[name].slice(0, -1) };
  }
}
