/**
 * The sweep of one market room: timers and alarms that got lost are made anew, its own and those of its tasks' rooms.
 *
 * A tenant may have thousands of tasks that wait for a verdict, and an invocation has only so many calls: rooms are woken so
 * many at a time, oldest first, and the next sweep goes on where this one stopped. Tasks that are worked on do not wait
 * behind those.
 */
import { logError } from "../log.ts";
import type { TaskId } from "../market/ids.ts";
import { FINAL_STATES } from "../market/task.ts";
import { sixAtOnce } from "../async/six-at-once.ts";
import { AUCTION_TIMER } from "./market-desk.ts";
import type { MarketParts } from "./market-parts.ts";

/** Rooms of each kind that one sweep wakes, and lanes of the outbox that it delivers. */
const MAX_ROOMS = 200;

/**
 * Open tasks whose rooms may have something to be woken for. Before its award that is the end of the task's time alone, or
 * of the time that whoever was to stop had.
 */
const ROUNDS = {
  "under-way": `state NOT IN (${FINAL_STATES.map((state) => `'${state}'`).join(", ")}) AND state <> 'waiting' AND (
    state = 'awarded' OR json_extract(body, '$.stopping') OR ?1 >=
    coalesce(json_extract(body, '$.redrivenAtMs'), json_extract(body, '$.admittedAtMs'))
    + 1000 * coalesce(json_extract(body, '$.limits.deadlineS'), 0))`,
  // Until when it waits is known to its room alone.
  waiting: "state = 'waiting' AND ?1 > 0",
} as const;

/** @returns how many tasks are open */
export async function sweepRoom(parts: MarketParts, { sql }: DurableObjectStorage): Promise<number> {
  const found = await parts.commit(() => {
    for (const taskId of untimedAuctions(sql)) parts.leases.wake(taskId);
    parts.outside.wake();
    parts.calibrations.wake();
    // What the deployment allows a tenant may have been changed.
    parts.desk.turns.changed();
    const nowMs = parts.desk.now();
    // Where the next sweep goes on stands before this one begins: it may not come to its end.
    const tasks = [...nextOf(sql, "under-way", nowMs), ...nextOf(sql, "waiting", nowMs)];
    return { open: parts.store.tasks.countOpen(), tasks };
  });
  await parts.timers.wake();
  await sixAtOnce(parts.outbox.untimed(MAX_ROOMS), async (lane) => parts.outbox.flush(lane));
  await sixAtOnce(found.tasks, async (taskId) => {
    await parts.outbox.flush(taskId);
    try {
      await parts.taskRoom(taskId).wake();
    } catch (error) {
      logError("sweep-wake", error, { taskId });
    }
  });
  return found.open;
}

function untimedAuctions(sql: SqlStorage): TaskId[] {
  const query = `SELECT task_id FROM tasks
    WHERE state = 'bidding' AND task_id NOT IN (SELECT subject FROM timers WHERE kind = ?)`;
  return sql
    .exec<{ task_id: TaskId }>(query, AUCTION_TIMER)
    .toArray()
    .map(({ task_id }) => task_id);
}

/** Ids alone: with their bodies, many tasks are more than the room can hold. Nothing is written where all of them fit. */
function nextOf(sql: SqlStorage, round: keyof typeof ROUNDS, nowMs: number): TaskId[] {
  const name = `swept-${round}`;
  const known = sql.exec<{ value: number }>("SELECT value FROM counters WHERE name = ?", name).toArray()[0];
  const after = known?.value ?? 0;
  const found = sql
    .exec<{ task_id: TaskId; sequence: number }>(
      `SELECT task_id, sequence FROM tasks WHERE sequence > ?2 AND ${ROUNDS[round]} ORDER BY sequence LIMIT ?3`,
      nowMs,
      after,
      MAX_ROOMS,
    )
    .toArray();
  // What was less than it might have been was the last: the next round begins with the first.
  const last = found.length < MAX_ROOMS ? 0 : (found.at(-1)?.sequence ?? 0);
  if (last !== after) sql.exec("INSERT OR REPLACE INTO counters (name, value) VALUES (?, ?)", name, last);
  return found.map(({ task_id }) => task_id);
}
