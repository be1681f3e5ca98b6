/** Nothing is owed or waited for; the history in D1 says what the rooms say; the memory has each auction once. */
import type { Evidence, TaskSeen, TenantSeen } from "../evidence.ts";
import type { RoomState } from "../worker/room-state.ts";
import type { Find } from "./violation.ts";

export function judgeRooms(evidence: Evidence, find: Find): void {
  for (const tenant of evidence.tenants) {
    const tasks = evidence.tasks.filter(({ tenantId }) => tenantId === tenant.tenantId);
    judgeIdle(tenant.name, tenant.market, find);
    for (const [taskId, room] of Object.entries(tenant.rooms)) judgeIdle(taskId, room, find);
    judgeHistory(tenant, tasks, find);
    judgeMemory(tenant, tasks, find);
  }
  const remembered = evidence.tenants.reduce(
    (sum, { market }) => sum + market.memory.filter(({ hasVector }) => hasVector).length,
    0,
  );
  if (evidence.vectors !== remembered)
    find("memory-not-once", "index", `${evidence.vectors} vectors, ${remembered} entries`);
}

function judgeIdle(
  at: string,
  { outbox, timers, heldTasks, historyWaiting, historyParked }: RoomState,
  find: Find,
) {
  if (outbox.length > 0) find("outbox-left", at, outbox.join(", "));
  for (const { kind, subject } of timers) find("timer-left", at, `${kind} ${subject}`);
  if (historyWaiting > 0 || historyParked > 0)
    find("history-differs", at, `${historyWaiting} rows wait, ${historyParked} are parked`);
  if (heldTasks.length > 0) find("history-differs", at, `still has ${heldTasks.join(", ")}`);
}

/** Each task is a row, with the state and the cost of its room; and each of its traces, with its steps. */
function judgeHistory({ history, name }: TenantSeen, tasks: readonly TaskSeen[], find: Find): void {
  const rows = new Map((history["tasks"] ?? []).map((row) => [String(row["task_id"]), row]));
  for (const { taskId, state, costMicros, attempts } of tasks) {
    const row = rows.get(taskId);
    const same =
      row?.["state"] === state && row["cost_micros"] === costMicros && row["attempts"] === attempts;
    if (!same)
      find(
        "history-differs",
        taskId,
        `${state}, ${costMicros} micro-USD, ${attempts} attempts in its room; ${JSON.stringify(row ?? null)}`,
      );
    rows.delete(taskId);
  }
  for (const taskId of rows.keys())
    find("asked-once-admitted-twice", taskId, `${name}'s, and nobody asked for it`);
  for (const { taskId, steps, attempts, state } of tasks)
    judgeTraces(history, { taskId, steps, attempts, state }, find);
}

function judgeTraces(
  history: TenantSeen["history"],
  { taskId, steps, attempts }: Pick<TaskSeen, "taskId" | "steps" | "attempts" | "state">,
  find: Find,
): void {
  const traces = (history["traces"] ?? []).filter((row) => row["task_id"] === taskId);
  const numbers = traces.map((row) => Number(row["attempt"])).toSorted((a, b) => a - b);
  const expected = Array.from({ length: attempts }, (_, at) => at + 1);
  if (numbers.join(" ") !== expected.join(" "))
    find("history-differs", taskId, `attempts ${numbers.join(" ")} in the history, ${attempts} in its room`);
  for (const row of traces) {
    const own = steps.filter(({ attempt }) => attempt === row["attempt"]).length;
    // A step whose tools never answered is counted there, and not shown here.
    if (Number(row["steps"]) < own || Number(row["steps"]) > own + 1)
      find(
        "history-differs",
        taskId,
        `attempt ${String(row["attempt"])}: ${String(row["steps"])} steps, ${own} here`,
      );
  }
}

/** One entry for each auction that was cleared. */
function judgeMemory({ market, history }: TenantSeen, tasks: readonly TaskSeen[], find: Find): void {
  const cleared = tasks.filter(({ events }) =>
    events.some(({ type }) => type === "auction-cleared" || type === "quote-opened"),
  );
  const entries = new Map<string, number>();
  for (const { taskId } of market.memory) entries.set(taskId, (entries.get(taskId) ?? 0) + 1);
  for (const [taskId, count] of entries) if (count > 1) find("memory-not-once", taskId, `${count} entries`);
  const known = new Set(tasks.map(({ taskId }) => taskId));
  for (const taskId of entries.keys())
    if (!known.has(taskId)) find("memory-not-once", taskId, "an entry of no task");
  const auctions = (history["auctions"] ?? []).map((row) => String(row["task_id"]));
  for (const { taskId } of cleared) {
    const count = auctions.filter((id) => id === taskId).length;
    if (count > 1) find("memory-not-once", taskId, `${count} auctions in the history`);
  }
}
