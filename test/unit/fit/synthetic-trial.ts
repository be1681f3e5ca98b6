/**
 * Synthetic auctions with known truth, for the trial of auction.md ("MIP"): four agents, tasks of one difficulty and
 * of an agent's own luck with them, strategies that show some of it to noisy jurors.
 *
 * Not evidence about models: it shows that the fit finds weights where there are some to be found.
 */
import type { TrainingAuction } from "../../../src/market/fit/training-auction.ts";
import { drawNumber } from "../../../src/market/draw.ts";
import type { AgentId, AuctionId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";

export interface TrialAgent {
  readonly id: AgentId;
  readonly price: number;
  readonly ability: number;
}

/** Four agents of rising ability; prices of Qwen3 4B to 32B, or from there to a frontier model's. */
export function trialPool(prices: readonly number[]): TrialAgent[] {
  return prices.map((price, at) => ({
    id: `agt_${"abcdefgh"[at] ?? "z"}` as AgentId,
    price,
    ability: -0.9 + 0.6 * at,
  }));
}

export const NARROW_POOL = trialPool([0.05, 0.09, 0.16, 0.36]);
export const WIDE_POOL = trialPool([0.05, 0.6, 4, 25]);

/** Spread of tasks over difficulty, and of an agent's luck with a task, against abilities 0.6 apart. */
const DIFFICULTY_SPREAD = 1.2;
const LUCK_SPREAD = 0.9;
/** Noise of a juror's scores, in points, by its place in the pool: the smallest hardly sees what it judges. */
const JUROR_NOISE = [2.5, 1.5, 1, 0.6];

export function trialAuctions(options: {
  readonly pool: readonly TrialAgent[];
  readonly count: number;
  readonly seed: number;
}): TrainingAuction[] {
  let draws = 0;
  const random = () => drawNumber(options.seed, `trial/${draws++}`);
  // Box and Muller.
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Array.from({ length: options.count }, (_, at) => anAuction(options, { at, normal }));
}

function anAuction(
  { pool, seed }: { readonly pool: readonly TrialAgent[]; readonly seed: number },
  { at, normal }: { readonly at: number; readonly normal: () => number },
): TrainingAuction {
  const difficulty = DIFFICULTY_SPREAD * normal();
  const runs = pool.map((agent) => {
    const surplus = agent.ability - difficulty + LUCK_SPREAD * normal();
    const passed = surplus > 0;
    // Longer plans foretell longer traces and more failures.
    const tokens = Math.round(260 * Math.exp(-0.12 * surplus + 0.15 * normal()));
    const traceTokens = 9_000 * Math.exp(0.25 * difficulty + 0.2 * normal()) * (passed ? 1 : 1.3);
    return { agent, surplus, passed, tokens, traceTokens };
  });
  const entropyOf = (surplus: number) => Math.max(0, 0.7 + 0.06 * surplus + 0.12 * normal());
  const scoreOf = (juror: number, surplus: number) =>
    Math.min(5, Math.max(0, Math.round(2.6 + 0.9 * surplus + (JUROR_NOISE[juror] ?? 1) * normal())));
  return {
    auctionId: `auc_${seed}_${String(at).padStart(4, "0")}` as AuctionId,
    bids: runs.map(({ agent, surplus, tokens }) => ({
      agentId: agent.id,
      price: agent.price,
      tokens,
      entropy: entropyOf(surplus),
      scores: Object.fromEntries(pool.map(({ id }, place) => [id, scoreOf(place, surplus)])),
    })),
    outcomes: Object.fromEntries(runs.map(({ agent, passed }) => [agent.id, passed ? "pass" : "fail"])),
    traceCostMicros: Object.fromEntries(
      runs.map(({ agent, traceTokens }) => [agent.id, asMicros(Math.ceil(agent.price * traceTokens))]),
    ),
    jurors: pool.map(({ id }) => id),
  };
}
