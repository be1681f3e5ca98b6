/**
 * H(s): mean entropy per token of a strategy under the model that wrote it (auction.md, "Entropy").
 *
 * Providers return the k likeliest tokens only; what is left of the probability counts as one more outcome.
 */

/** Natural-log probabilities of the k likeliest tokens at each position. */
export type TopLogprobs = readonly (readonly number[])[];

/** −Σ p ln p over the returned tokens and the remaining mass, in nats. */
export function positionEntropy(logprobs: readonly number[]): number {
  let mass = 0;
  let entropy = 0;
  for (const logprob of logprobs) {
    const p = Math.exp(Math.min(0, logprob));
    if (p === 0) continue;
    mass += p;
    entropy -= p * Math.log(p);
  }
  const rest = 1 - mass;
  if (rest > 0) entropy -= rest * Math.log(rest);
  return entropy;
}

/** Mean over positions, in nats per token; null where there is no position. */
export function meanTokenEntropy(positions: TopLogprobs): number | null {
  if (positions.length === 0) return null;
  let sum = 0;
  for (const logprobs of positions) sum += positionEntropy(logprobs);
  return sum / positions.length;
}
