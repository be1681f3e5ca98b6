/**
 * How well the jury tells passes from fails: the area under its curve, same agent and same bin, over all first bids.
 *
 * Informativeness and the jurors' noise are confounded; this is what could be measured of real models.
 */
import { BINS, HOUSE_SIZES } from "../../emulators/house/constants.ts";
import { armPolicy } from "./arms.ts";
import { pool } from "./pool.ts";
import { runAuction } from "./run-auction.ts";
import { passes, type World } from "./run-order.ts";

const HIGHEST_SUM = 5 * HOUSE_SIZES.length;

/** Passes and fails by the sum of the jury's scores, for each agent and bin. Counts of several orders add up. */
export type JuryCounts = readonly {
  readonly passed: readonly number[];
  readonly failed: readonly number[];
}[];

/** Counts every agent's first bid of an order, with what its trace would have done. */
export function countJury(world: World, informativeness: number): JuryCounts {
  const policy = armPolicy("sale-no-memory");
  const cells = Array.from({ length: pool.length * BINS.length }, () => ({
    passed: zeros(),
    failed: zeros(),
  }));
  for (const task of world.tasks) {
    const { bids, verdicts } = runAuction({
      task,
      policy,
      calls: world.calls,
      refinementGain: 0,
      recall: () => [],
    });
    for (const [place, { agentId, strategy }] of bids.entries()) {
      const sum = verdicts.reduce(
        (total, verdict) => total + (verdict.status === "scored" ? (verdict.scores[agentId] ?? 0) : 0),
        0,
      );
      const passed = passes(world, { task, winner: agentId, strategy, informativeness, refinementGain: 0 });
      const cell = cells[place * BINS.length + task.bin - 1];
      const counts = passed ? cell?.passed : cell?.failed;
      if (counts !== undefined) counts[sum] = (counts[sum] ?? 0) + 1;
    }
  }
  return cells;
}

function zeros(): number[] {
  return Array.from({ length: HIGHEST_SUM + 1 }, () => 0);
}

export function addCounts(all: readonly JuryCounts[]): JuryCounts {
  const [first = []] = all;
  const sum = (pick: (counts: JuryCounts) => readonly number[]) =>
    zeros().map((_, score) => all.reduce((total, counts) => total + (pick(counts)[score] ?? 0), 0));
  return first.map((_, cell) => ({
    passed: sum((counts) => counts[cell]?.passed ?? []),
    failed: sum((counts) => counts[cell]?.failed ?? []),
  }));
}

/** Chance that a passing bid was scored above a failing one of the same agent and bin, ties counted half. */
export function aucOf(counts: JuryCounts): number {
  let wins = 0;
  let pairs = 0;
  for (const { passed, failed } of counts) {
    let below = 0;
    for (const [score, fails] of failed.entries()) {
      const pass = passed[score] ?? 0;
      wins += pass * (below + fails / 2);
      below += fails;
    }
    pairs += below * passed.reduce((sum, count) => sum + count, 0);
  }
  return wins / pairs;
}
