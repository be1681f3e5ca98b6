/**
 * How the traces' provider counts what the house counts by its own estimate.
 *
 * A recorded run's first prompt is the task and the same words around it in every run: over several runs, what its bill
 * grows by per token of the task, as the house counts it, is the provider's count of such text.
 */
import { countTokens } from "../../emulators/house/tokens.ts";
import { mean } from "../market/statistics.ts";
import type { Recorded } from "./measure-tokens.ts";

/** Recordings below which a line through them says nothing. */
const LEAST_RECORDINGS = 5;

/** Provider's tokens per token of the house's, by least squares; null: too few recordings, or all tasks of one length. */
export function providerPerHouseToken(recordings: readonly Recorded[]): number | null {
  const points = recordings.flatMap(({ trace }) => {
    const billed = trace.steps[0]?.usage.prompt_tokens;
    return billed === undefined ? [] : [{ counted: countTokens(trace.prompt), billed }];
  });
  if (points.length < LEAST_RECORDINGS) return null;
  const counted = mean(points.map((point) => point.counted));
  const billed = mean(points.map((point) => point.billed));
  const sum = (of: (point: (typeof points)[number]) => number) =>
    points.reduce((total, point) => total + of(point), 0);
  const spread = sum((point) => (point.counted - counted) ** 2);
  return spread === 0 ? null : sum((point) => (point.counted - counted) * (point.billed - billed)) / spread;
}
