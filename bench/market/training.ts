/**
 * The training set that the fitted arms' weights come from: first bids of an order of its own, with what every agent's
 * trace would have done, as a calibration run gives it. Its seed is reported nowhere.
 */
import type { TrainingAuction } from "../../src/market/fit/training-auction.ts";
import type { AuctionId } from "../../src/market/ids.ts";
import { outputPrice } from "../../src/market/agent.ts";
import { asMicros } from "../../src/market/money.ts";
import { armPolicy } from "./arms.ts";
import { MODERATE_RECURRENCE, TRAINING_SEED, TRAINING_TASKS } from "./constants.ts";
import type { ValidBid } from "./house-calls.ts";
import { agentOf, pool } from "./pool.ts";
import { runAuction, type StudyAuction } from "./run-auction.ts";
import { makeWorld, passes, type World } from "./run-order.ts";
import { measureTraceCosts } from "./trace-costs.ts";
import type { StudyTask } from "./tasks.ts";

/** The order to train on: the same auctions at every informativeness, only what traces do differs. */
export function trainingWorld(count = TRAINING_TASKS): World {
  const order = { seed: TRAINING_SEED, count, recurrence: MODERATE_RECURRENCE };
  return makeWorld(order, measureTraceCosts());
}

export function trainingAuctions(world: World, informativeness: number): TrainingAuction[] {
  const policy = armPolicy("sale-no-memory");
  return world.tasks.map((task) => {
    const auction = runAuction({
      task,
      policy,
      calls: world.calls,
      refinementGain: 0,
      recall: () => [],
    });
    return trainingAuction(world, { task, auction, informativeness });
  });
}

function trainingAuction(
  world: World,
  of: { readonly task: StudyTask; readonly auction: StudyAuction; readonly informativeness: number },
): TrainingAuction {
  const { task, auction, informativeness } = of;
  const outcomeOf = ({ agentId, strategy }: ValidBid) =>
    passes(world, { task, winner: agentId, strategy, informativeness, refinementGain: 0 }) ? "pass" : "fail";
  return {
    auctionId: `auc_${String(task.index).padStart(6, "0")}` as AuctionId,
    bids: auction.bids.map(({ agentId, visibleTokens, entropy }) => ({
      agentId,
      price: outputPrice(agentOf(agentId)),
      tokens: visibleTokens,
      entropy,
      scores: Object.fromEntries(
        auction.verdicts.flatMap((verdict) =>
          verdict.status === "scored" ? [[verdict.jurorId, verdict.scores[agentId] ?? 0]] : [],
        ),
      ),
    })),
    outcomes: Object.fromEntries(auction.bids.map((bid) => [bid.agentId, outcomeOf(bid)])),
    traceCostMicros: Object.fromEntries(
      auction.bids.map(({ agentId }) => [
        agentId,
        asMicros(Math.round(world.traceCost(task.base.id, agentId).micros)),
      ]),
    ),
    jurors: pool.map(({ id }) => id),
  };
}
