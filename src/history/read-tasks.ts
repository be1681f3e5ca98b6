/** Reads a tenant's tasks from the history. It lags the market room by the outbox: open tasks are the room's to show. */
import { and, desc, eq, lt } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { TaskRow } from "../market/history-row.ts";
import type { TaskId, TenantId } from "../market/ids.ts";
import type { TaskState } from "../market/task.ts";
import { tasks } from "./schema.ts";

export interface TaskPageQuery {
  readonly tenantId: TenantId;
  readonly state?: TaskState;
  /** The last task of the page before; the page begins with the next older one. */
  readonly cursor?: TaskId;
  /** Most tasks of one page, from 1. */
  readonly limit: number;
}

export interface TaskPage {
  /** Newest first. */
  readonly tasks: readonly TaskRow[];
  /** Pass as `cursor` for the next page; null at the end. */
  readonly nextCursor: TaskId | null;
}

type StoredTask = typeof tasks.$inferSelect;

function taskRow(stored: StoredTask): TaskRow {
  return { table: "tasks", ...stored };
}

/** A tenant's tasks, newest first (ids sort by the time they were made). */
export async function readTasks(d1: D1Database, query: TaskPageQuery): Promise<TaskPage> {
  const found = await drizzle(d1)
    .select()
    .from(tasks)
    .where(
      and(
        eq(tasks.tenantId, query.tenantId),
        query.state === undefined ? undefined : eq(tasks.state, query.state),
        query.cursor === undefined ? undefined : lt(tasks.taskId, query.cursor),
      ),
    )
    .orderBy(desc(tasks.taskId))
    // One more than asked for tells whether there is a next page.
    .limit(query.limit + 1);
  const page = found.slice(0, query.limit).map(taskRow);
  return { tasks: page, nextCursor: found.length > query.limit ? (page.at(-1)?.taskId ?? null) : null };
}
