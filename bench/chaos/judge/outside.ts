/** Webhooks hear of every end, under one id each; no tenant sees another's task. */
import { isLastEvent } from "../../../src/market/event.ts";
import type { Evidence } from "../evidence.ts";
import type { Find } from "./violation.ts";

/** What a foreign or unknown task is answered with. */
const NOT_FOUND = 404;

export function judgeOutside({ tenants, tasks, delivered, trespasses }: Evidence, find: Find): void {
  for (const { tenantId, hookPath, market } of tenants) {
    if (hookPath === null) continue;
    const mine = delivered.filter(({ path, taskId }) => path === hookPath && taskId !== null);
    const calibrated = new Set(
      tasks
        .filter(({ events }) => events.some(({ type }) => type === "calibration-opened"))
        .map(({ taskId }) => taskId),
    );
    for (const { taskId, state, events } of tasks.filter((task) => task.tenantId === tenantId)) {
      const told = mine.filter((one) => one.taskId === taskId);
      if (calibrated.has(taskId)) continue;
      if (!told.some((one) => one.accepted && one.state === state))
        find("end-not-delivered", taskId, `${state}; ${told.length} deliveries came`);
      const ids = new Set(told.map(({ id }) => id));
      // What was redriven has ended before.
      const ends = events.filter((event) => isLastEvent(event)).length;
      if (ids.size < ends) find("end-not-delivered", taskId, `${ends} ends, ${ids.size} were told`);
      if (ids.size > ends) find("delivery-id-changed", taskId, [...ids].join(", "));
    }
    for (const { deliveryId, state } of market.deliveries)
      if (state !== "delivered") find("end-not-delivered", deliveryId, `is ${state}`);
    const known = new Set(tasks.filter((task) => task.tenantId === tenantId).map(({ taskId }) => taskId));
    for (const { taskId } of mine)
      if (taskId !== null && !known.has(taskId)) find("tenant-seen", taskId, `was told to ${hookPath}`);
  }
  for (const { taskId, path, status } of trespasses)
    if (status !== NOT_FOUND) find("tenant-seen", taskId, `${path} answered ${status} to another tenant`);
}
