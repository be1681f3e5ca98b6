/** Token log-probabilities for a text, with an entropy that tends to be lower for worse plans. */
import type { TokenLogprobs } from "../../chat.ts";
import { MAX_SPREAD, SECOND_CHOICE, SPREAD_AT_MEAN, SPREAD_NOISE, SPREAD_PER_SD } from "../constants.ts";
import type { Draws } from "../draws.ts";
import { tokenize } from "../tokens.ts";

/** Tokens that stand for the alternatives. */
const OTHERS = [
  " the",
  " a",
  " and",
  " to",
  ",",
  " of",
  ".",
  " it",
  " with",
  " for",
  " each",
  " then",
  "\n",
  " by",
  " in",
  " is",
  " on",
  ":",
  " all",
  " one",
];

export interface LogprobOrder {
  readonly text: string;
  /** Standard deviations of the plan's quality above its mean. */
  readonly qualityZ: number;
  /** Alternatives per token, 0 to 20. */
  readonly top: number;
  readonly draws: Draws;
}

/** One entry per token. Within a token the alternatives' masses halve; what is not returned stays unassigned. */
export function logprobsOf({ text, qualityZ, top, draws }: LogprobOrder): TokenLogprobs[] {
  const scale = SPREAD_AT_MEAN * Math.exp(SPREAD_PER_SD * qualityZ + SPREAD_NOISE * draws.normal());
  return tokenize(text).map((token) => {
    const spread = Math.min(MAX_SPREAD, 0.001 - scale * Math.log(1 - draws.uniform()));
    const second = draws.uniform() < SECOND_CHOICE;
    // Each alternative has half of the mass that is left, so the whole never exceeds one.
    const masses = [
      1 - spread,
      ...Array.from({ length: Math.max(1, top - 1) }, (_, i) => spread / 2 ** (i + 1)),
    ].toSorted((a, b) => b - a);
    const others = OTHERS.filter((other) => other !== token);
    const place = second ? 1 : 0;
    const names = masses.map((_, i) => (i === place ? token : (others[i > place ? i - 1 : i] as string)));
    const entries = masses.map((mass, i) => ({ token: names[i] as string, logprob: Math.log(mass) }));
    return { token, logprob: (entries[place] as { logprob: number }).logprob, top: entries.slice(0, top) };
  });
}
