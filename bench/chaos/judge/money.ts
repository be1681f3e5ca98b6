/** The tenants' books: computed again, equal to the tasks' own calls, nothing held, no budget passed. */
import { reconcile } from "../../../src/market/ledger/reconcile.ts";
import type { Evidence, TaskSeen, TenantSeen } from "../evidence.ts";
import type { Find } from "./violation.ts";

export function judgeMoney({ tenants, tasks }: Evidence, find: Find): void {
  for (const tenant of tenants) {
    const { tenantId, name, books, heldMicros, spentMicros, capMicros } = tenant;
    for (const { what, expected, found } of reconcile(books).drifts)
      find("books-drift", name, `${what}: ${expected} computed, ${found} booked`);
    const held = books.sums.accounts.filter((account) => account.heldMicros !== 0);
    if (heldMicros !== 0 || held.length > 0)
      find("still-held", name, `${heldMicros} micro-USD, of ${held.map(({ taskId }) => taskId).join(", ")}`);
    if (capMicros !== null && spentMicros > capMicros)
      find("budget-passed", name, `${spentMicros} of ${capMicros} micro-USD`);
    for (const task of tasks.filter((one) => one.tenantId === tenantId)) judgeTask(tenant, task, find);
  }
}

/** The room's calls and the books' are the same ones at the same money, and the task costs what they come to. */
function judgeTask({ books }: TenantSeen, { taskId, calls, costMicros }: TaskSeen, find: Find): void {
  const booked = new Map(
    books.calls.filter((call) => call.taskId === taskId).map((call) => [call.callId as string, call]),
  );
  let paid = 0;
  for (const { callId, status, payer, boundMicros, costMicros: owed } of calls) {
    const charged = payer === "tenant" ? Math.min(owed, boundMicros) : 0;
    paid += charged;
    const line = booked.get(callId);
    if (line?.status !== status || line.payer !== payer || line.chargedMicros !== charged) {
      const found =
        line === undefined ? "not booked" : `${line.status} by ${line.payer} at ${line.chargedMicros}`;
      find("books-differ", callId, `${status} by ${payer} at ${charged} in ${taskId}'s room, ${found}`);
    }
    booked.delete(callId);
  }
  for (const callId of booked.keys()) find("books-differ", callId, `booked, and not in ${taskId}'s room`);
  if (paid !== costMicros)
    find("books-differ", taskId, `costs ${costMicros} micro-USD, its calls come to ${paid}`);
}
