/** An auction that the Worker which admitted its task cannot carry out: who opens the task's room then, and for how long. */
import { createExecutionContext, runDurableObjectAlarm, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import type { TaskRow } from "../../../src/market/history-row.ts";
import type { TaskId } from "../../../src/market/ids.ts";
import { TaskRoom } from "../../../src/index.ts";
import { erase, storageOf } from "../rooms/erasure-day.ts";
import { marketDay, taskRoom, useStoppedClock } from "../rooms/market-day.ts";
import { anIndex } from "../rooms/memory-day.ts";
import { appWith, config, openTenant, ORIGIN, taskOf, type Tenant } from "./support.ts";

const clock = useStoppedClock();

/** Submits a task; `over` resolves once the Worker has nothing more to do for it. */
function submit({ auth }: Tenant) {
  const context = createExecutionContext();
  const headers = { ...auth, "content-type": "application/json" };
  const request = new Request(`${ORIGIN}/v1/tasks`, { method: "POST", headers, body: '{"prompt":"p"}' });
  const answer = async () => appWith(config).fetch(request, env, context);
  return { answer: answer(), over: async () => waitOnExecutionContext(context) };
}

test("where its room cannot be reached at first, the task is there by the answer all the same", async () => {
  vi.spyOn(TaskRoom.prototype, "beginAuction").mockRejectedValueOnce(new TypeError("a room that was reset"));
  const tenant = await openTenant();
  const { answer, over } = submit(tenant);
  const { id } = await taskOf(await answer);
  expect(await tenant.room(id as TaskId).view()).toMatchObject({ state: "admitted" });
  await over();
});

test("where it fails once its tenant is gone, the room is not made again", async () => {
  const tenant = await openTenant();
  const fails = Promise.withResolvers<never>();
  const begun = vi
    .spyOn(TaskRoom.prototype, "beginAuction")
    .mockImplementationOnce(async () => fails.promise);
  const { answer, over } = submit(tenant);
  await vi.waitFor(() => expect(begun).toHaveBeenCalled());
  const [{ taskId }] = (await tenant.market.heldTasks()) as [TaskRow];
  const room = taskRoom(tenant.tenantId, taskId);
  await tenant.market.cancel(taskId);
  clock.pass(config.leaseMs);
  await runDurableObjectAlarm(room);
  expect(await erase(marketDay(tenant.tenantId), anIndex(), { force: true })).toMatchObject({ done: true });
  fails.reject(new TypeError("a room that was reset"));
  expect((await answer).status).toBe(202);
  await over();
  expect(await storageOf(room)).toBe(0);
});
