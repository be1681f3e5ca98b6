/** A page of a tenant's tasks out of two stores: the market room, which knows its tasks best, and the history behind it. */
import type { TaskPage } from "../history/read-tasks.ts";
import type { TaskRow } from "../market/history-row.ts";
import type { TaskId } from "../market/ids.ts";
import type { TaskState } from "../market/task.ts";

export interface TaskListQuery {
  readonly state?: TaskState;
  /** The page begins with the next task older than this one. */
  readonly cursor?: TaskId;
  /** Most tasks of the page, from 1. */
  readonly limit: number;
}

/**
 * Newest first, each task once: what the room holds, and what only the history has.
 *
 * A row of the history may be out of date where the room holds the task, a redriven one's `failed`, say: the room's own
 * counts. The history is read on until the page is full, for a page of it may be out of date altogether.
 *
 * @param held Rows of all tasks that the room holds, read before any of the history.
 * @param readHistory A page of the history that follows the query.
 */
export async function taskPage(
  held: readonly TaskRow[],
  readHistory: (query: TaskListQuery) => Promise<TaskPage>,
  { limit, cursor, state }: TaskListQuery,
): Promise<TaskPage> {
  const heldIds = new Set(held.map((row) => row.taskId));
  const inRoom = held.filter((row) => state === undefined || row.state === state);
  const rows: TaskRow[] = [];
  let from = cursor;
  for (;;) {
    const { tasks, nextCursor } = await readHistory({ limit: limit + 1, cursor: from, state });
    // Between these bounds both are known whole.
    const isBetween = ({ taskId }: TaskRow) =>
      (from === undefined || taskId < from) && (nextCursor === null || taskId >= nextCursor);
    rows.push(
      ...newestFirst([...inRoom.filter(isBetween), ...tasks.filter((row) => !heldIds.has(row.taskId))]),
    );
    if (rows.length > limit || nextCursor === null) break;
    from = nextCursor;
  }
  const page = rows.slice(0, limit);
  return { tasks: page, nextCursor: rows.length > limit ? (page.at(-1)?.taskId ?? null) : null };
}

function newestFirst(rows: readonly TaskRow[]): TaskRow[] {
  return rows.toSorted((a, b) => (a.taskId < b.taskId ? 1 : -1));
}
