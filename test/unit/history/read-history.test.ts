import { afterAll, beforeAll, expect, test } from "vitest";
import { readOpenTenants } from "../../../src/history/read-open-tenants.ts";
import { readTasks } from "../../../src/history/read-tasks.ts";
import { writeHistory } from "../../../src/history/write-history.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import { aTask, aTenant, openTestDatabase, taskId, tenantId, type TestDatabase } from "./support.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  const rows = [
    ...Array.from({ length: 7 }, (_, at) => aTask(at + 1, { state: at % 2 === 0 ? "finished" : "failed" })),
    aTask(8, { tenantId: tenantId(2) }),
    ...[1, 2, 3, 4, 5].map((n) => aTenant(n, { openTasks: n % 2 })),
  ];
  await writeHistory(
    database.d1,
    rows.map((row, id) => ({ id, row })),
  );
});
afterAll(() => database.dispose());

async function pages(query: Omit<Parameters<typeof readTasks>[1], "cursor">): Promise<TaskId[][]> {
  const found: TaskId[][] = [];
  let cursor: TaskId | null | undefined;
  while (cursor !== null) {
    const page = await readTasks(database.d1, { ...query, cursor });
    found.push(page.tasks.map((task) => task.taskId));
    cursor = page.nextCursor;
  }
  return found;
}

test("a tenant's tasks come newest first, page by page, and no other tenant's", async () => {
  expect(await pages({ tenantId: tenantId(1), limit: 3 })).toEqual([
    [taskId(7), taskId(6), taskId(5)],
    [taskId(4), taskId(3), taskId(2)],
    [taskId(1)],
  ]);
});

test("a last page that is full has no next page", async () => {
  expect(await pages({ tenantId: tenantId(1), limit: 7 })).toHaveLength(1);
});

test("by state", async () => {
  expect(await pages({ tenantId: tenantId(1), state: "failed", limit: 2 })).toEqual([
    [taskId(6), taskId(4)],
    [taskId(2)],
  ]);
});

test("a task is the row that was written", async () => {
  const { tasks } = await readTasks(database.d1, { tenantId: tenantId(1), limit: 7 });
  expect(tasks.find((task) => task.taskId === taskId(3))).toEqual(aTask(3));
});

test("open tenants come in pages", async () => {
  const first = await readOpenTenants(database.d1, { limit: 2 });
  expect(first).toEqual([tenantId(1), tenantId(3)]);
  expect(await readOpenTenants(database.d1, { limit: 2, cursor: tenantId(3) })).toEqual([tenantId(5)]);
});

test.each([
  [
    "newest first",
    "SELECT * FROM tasks WHERE tenant_id = 'a' AND task_id < 'b' ORDER BY task_id DESC LIMIT 9",
  ],
  ["by state", "SELECT * FROM tasks WHERE tenant_id = 'a' AND state = 's' ORDER BY task_id DESC LIMIT 9"],
  ["open tenants", "SELECT tenant_id FROM tenants WHERE open_tasks > 0 ORDER BY tenant_id LIMIT 9"],
])("%s reads an index in order: no scan of the table, no sort", async (_, sql) => {
  const plan = await database.d1.prepare(`EXPLAIN QUERY PLAN ${sql}`).all<{ detail: string }>();
  const details = plan.results.map(({ detail }) => detail).join("; ");
  expect(details).toContain("USING");
  expect(details).toContain("INDEX");
  expect(details).not.toContain("TEMP B-TREE");
});
