/** Lets what is left come to rest: what waits for a time is not waited for, the Worker's clock is put forward to it. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "./client.ts";
import type { StateAnswer, StateQuery } from "./worker/routes.ts";
import type { RoomState } from "./worker/room-state.ts";

export async function stateOf(client: Client, query: StateQuery): Promise<StateAnswer> {
  const { status, json } = await client.ask({
    method: "POST",
    path: "/__chaos/state",
    bearer: "",
    body: query,
  });
  if (status !== 200) throw new Error(`the rooms' state cannot be read: ${status}`);
  return json as unknown as StateAnswer;
}

/** Queues, and what follows from a ring, need a moment. */
const MOMENT_MS = 400;
/** A consumer is called a second after what it is called for. */
const MOMENTS = 5;
/** What needs longer than this is left, and found. */
const MOST_ROUNDS = 60;

export interface Settled {
  readonly rounds: number;
  /** How far the clock was put forward in all. */
  readonly aheadMs: number;
}

/**
 * Resolves once nothing is owed or waited for in these rooms, or when that does not come.
 *
 * @param fromMs how far the clock was put forward before
 */
export async function settle(
  client: Client,
  queries: () => Promise<readonly StateQuery[]>,
  fromMs = 0,
): Promise<Settled> {
  let aheadMs = fromMs;
  let calm = 0;
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const asked = await queries();
    const states = await Promise.all(asked.map(async (query) => stateOf(client, query)));
    const rooms = states.flatMap(({ market, tasks }) => [market, ...Object.values(tasks)]);
    calm = rooms.every(isIdle) ? calm + 1 : 0;
    if (calm > 1) return { rounds: round, aheadMs };
    const dueInMs = Math.min(...rooms.flatMap(({ timers }) => timers.map((timer) => timer.dueInMs)));
    // What is due soon, or in the outbox, comes by itself.
    if (Number.isFinite(dueInMs) && dueInMs > MOMENT_MS) {
      aheadMs += dueInMs + 1;
      await client.ask({ method: "POST", path: `/__chaos/clock?ahead=${aheadMs}`, bearer: "" });
      for (const [at, query] of asked.entries()) {
        const state = states[at];
        const waiting = query.taskIds.filter((id) => (state?.tasks[id]?.timers.length ?? 0) > 0);
        const body = { ...query, taskIds: waiting };
        await client.ask({ method: "POST", path: "/__chaos/ring", bearer: "", body });
      }
    }
    await sleep(MOMENT_MS * (round % 2 === 0 ? 1 : MOMENTS));
  }
  return { rounds: MOST_ROUNDS, aheadMs };
}

function isIdle({ outbox, timers, historyWaiting, heldTasks }: RoomState): boolean {
  return outbox.length === 0 && timers.length === 0 && historyWaiting === 0 && heldTasks.length === 0;
}
