/**
 * Refined strategies: written anew at the refined quality, and known again by writing them again.
 *
 * The wording is drawn afresh, as a model that writes a second time does not repeat itself: jurors read a new text,
 * with new noise, also where nothing was gained.
 */
import { ownShare } from "../bid/own-strategy.ts";
import { type StrategyOrder, writeStrategy } from "../bid/write-strategy.ts";
import { OWN_SENTENCES, REFINEMENT_STEP } from "../constants.ts";

/** Names the draws of a refined text by what was gained. */
export function wordingOf(gain: number): string {
  return `refined ${Math.round(gain / REFINEMENT_STEP)}`;
}

/** q after a gain, in [0, 1]. */
export function withGain(quality: number, gain: number): number {
  return Math.min(1, quality + gain);
}

/** @param order `quality` is the first bid's */
function refinedOrder<Order extends Omit<StrategyOrder, "maxTokens">>(order: Order, gain: number): Order {
  return { ...order, quality: withGain(order.quality, gain), wording: wordingOf(gain) };
}

/** The refined strategy. @param order `quality` is the first bid's */
export function writeRefined(order: StrategyOrder, gain: number): string {
  return writeStrategy(refinedOrder(order, gain));
}

/** The gain with which this model wrote this text as a refinement, at most `most`; null: it did not. */
export function recognisedGain(
  text: string,
  order: Omit<StrategyOrder, "maxTokens">,
  most: number,
): number | null {
  const gains = Array.from(
    { length: Math.round(most / REFINEMENT_STEP) + 1 },
    (_, step) => step * REFINEMENT_STEP,
  );
  const shares = gains.map((gain) => ownShare(text, refinedOrder(order, gain)));
  const best = Math.max(...shares);
  return best >= OWN_SENTENCES ? (gains[shares.indexOf(best)] ?? null) : null;
}
