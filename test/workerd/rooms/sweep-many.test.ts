/** The cron sweep where there is much to look after: it does so much at a time, and goes on where it stopped. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test, vi } from "vitest";
import type { TaskId, TenantId } from "../../../src/market/ids.ts";
import { carryRows } from "../../../src/tenancy/consume-history.ts";
import { MarketParts } from "../../../src/tenancy/market-parts.ts";
import { sweep } from "../../../src/tenancy/sweep.ts";
import type { MarketTask } from "../../../src/tenancy/task-store.ts";
import type { TaskRoomPort } from "../../../src/tenancy/task-room-port.ts";
import { admitOnly, config, evictRooms, openMarket, useStoppedClock, type MarketDay } from "./market-day.ts";

const clock = useStoppedClock();

const idOf = (n: number) => `tsk_${String(n).padStart(26, "0")}` as TaskId;

/** Copies of the task that the room holds, in that state; their own rooms were never opened. */
async function copyTask(
  { market }: MarketDay,
  {
    from,
    to,
    ...changed
  }: Pick<MarketTask, "state"> & Partial<MarketTask> & { readonly from: number; readonly to: number },
): Promise<void> {
  await runInDurableObject(market as DurableObjectStub, (_room, { storage }) => {
    const { body } = storage.sql
      .exec<{ body: string }>("SELECT body FROM tasks ORDER BY sequence LIMIT 1")
      .one();
    for (let n = from; n <= to; n += 1) {
      const copy = { ...(JSON.parse(body) as object), taskId: idOf(n), sequence: n, ...changed };
      const insert = "INSERT INTO tasks (task_id, sequence, state, body) VALUES (?, ?, ?, ?)";
      storage.sql.exec(insert, idOf(n), n, changed.state, JSON.stringify(copy));
    }
  });
  await evictRooms(market);
}

/** Which rooms are woken, and how many at a time at most. */
function watchWakes() {
  const seen = { woken: [] as TaskId[], opened: [] as TaskId[], atOnce: 0, mostAtOnce: 0 };
  const wake = async (taskId: TaskId) => {
    seen.atOnce += 1;
    seen.mostAtOnce = Math.max(seen.mostAtOnce, seen.atOnce);
    await new Promise((resolve) => setTimeout(resolve, 1));
    seen.atOnce -= 1;
    seen.woken.push(taskId);
  };
  vi.spyOn(MarketParts.prototype, "taskRoom").mockImplementation((taskId) => {
    const open = async () => void seen.opened.push(taskId);
    return { open, wake: async () => wake(taskId) } as Partial<TaskRoomPort> as TaskRoomPort;
  });
  return seen;
}

const ids = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => idOf(from + n));

test("of many tasks that wait for a verdict, one sweep wakes so many rooms, and the next one goes on", async () => {
  const day = await openMarket();
  await admitOnly(day);
  await copyTask(day, { state: "waiting", from: 2, to: 301 });
  const seen = watchWakes();
  expect(await day.market.sweep()).toBe(301);
  expect(seen.woken).toEqual(ids(2, 201));
  expect(seen.mostAtOnce).toBe(6);
  // What it knows of it is stored.
  await evictRooms(day.market);
  await day.market.sweep();
  expect(seen.woken.slice(200)).toEqual(ids(202, 301));
  await day.market.sweep();
  expect(seen.woken.slice(300)).toEqual(ids(2, 201));
});

test("a task that is worked on does not wait behind those", async () => {
  const day = await openMarket();
  await admitOnly(day);
  await copyTask(day, { state: "waiting", from: 2, to: 301 });
  await copyTask(day, { state: "awarded", from: 302, to: 303 });
  const seen = watchWakes();
  for (let n = 0; n < 3; n += 1) await day.market.sweep();
  expect(seen.woken.filter((taskId) => taskId > idOf(301))).toEqual([
    ...ids(302, 303),
    ...ids(302, 303),
    ...ids(302, 303),
  ]);
});

test("before its award, a room is opened if it was not, and woken only to be stopped, or when its task's time is over", async () => {
  const day = await openMarket();
  const { taskId } = await admitOnly(day);
  await copyTask(day, { state: "admitted", from: 2, to: 2 });
  await copyTask(day, { state: "bidding", from: 3, to: 3, stopping: true });
  const seen = watchWakes();
  await day.market.sweep();
  expect(seen.opened).toEqual([taskId]);
  expect(seen.woken).toEqual([idOf(3)]);
  clock.pass(3_600_000);
  await day.market.sweep();
  expect(seen.woken.slice(1).toSorted()).toEqual([idOf(2), idOf(3), taskId]);
});

test("where all of them fit into one sweep, nothing is kept of it", async () => {
  const day = await openMarket();
  await admitOnly(day);
  await copyTask(day, { state: "waiting", from: 2, to: 200 });
  watchWakes();
  await day.market.sweep();
  const swept = await runInDurableObject(day.market as DurableObjectStub, (_room, { storage }) =>
    storage.sql.exec("SELECT name FROM counters WHERE name LIKE 'swept-%'").toArray(),
  );
  expect(swept).toEqual([]);
});

test("a tenant whose sweep does not come to its end keeps no other from being swept", async () => {
  const tenants = [];
  for (let n = 0; n < 3; n += 1) {
    const day = await openMarket();
    await admitOnly(day);
    await carryRows(config, day.tenantId);
    tenants.push(day.tenantId);
  }
  const [first, ...others] = tenants.toSorted();
  const swept: unknown[] = [];
  const hangs = Promise.withResolvers<number>();
  const marketRoom = <Port>(tenantId: TenantId): Port =>
    ({
      sweep: async () => {
        if (tenantId === first) return hangs.promise;
        swept.push(tenantId);
        return 1;
      },
    }) as Port;
  const sweeping = sweep({ ...config, marketRoom });
  await vi.waitFor(() => expect(swept).toEqual(expect.arrayContaining(others)));
  hangs.resolve(1);
  await sweeping;
});
