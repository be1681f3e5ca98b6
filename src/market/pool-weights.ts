/**
 * Weights that were set or fitted for one pool, over another: agents join and leave, and what the jury weighs against
 * cost and entropy stays as it was meant.
 */
import type { AgentId } from "./ids.ts";
import type { Weights } from "./policy.ts";

/**
 * Weights that name exactly the pool's agents. Of an agent that is not in the pool the weight goes to the others in
 * proportion, as that of a juror who left does (`score.ts`); an agent that the weights do not name gets the usual one,
 * their mean, before that. The sum over all jurors stays the same.
 */
export function weightsOver(pool: readonly { readonly id: AgentId }[], weights: Weights): Weights {
  const named = Object.values(weights.jurors);
  const known = pool.filter(({ id }) => weights.jurors[id] !== undefined);
  // Without any, the jury was given no say; and those of this very pool are as they are.
  if (named.length === 0 || (known.length === pool.length && known.length === named.length)) return weights;
  const all = named.reduce((sum, weight) => sum + weight, 0);
  const given = pool.map(({ id }) => [id, weights.jurors[id] ?? all / named.length] as const);
  const sum = given.reduce((total, [, weight]) => total + weight, 0);
  const share = (weight: number) => (sum === 0 ? all / pool.length : all * (weight / sum));
  return { ...weights, jurors: Object.fromEntries(given.map(([id, weight]) => [id, share(weight)])) };
}
