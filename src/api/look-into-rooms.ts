/**
 * What is stuck in rooms that have something to do: tenants' market rooms, and rooms of tasks whose traces are under way.
 * A room that cannot be asked is told of, too.
 */
import type { Config } from "../config.ts";
import { logError } from "../log.ts";
import type { TaskId, TenantId } from "../market/ids.ts";
import type { StuckApi, StuckFinding } from "../tenancy/stuck-api.ts";
import { sixAtOnce } from "../async/six-at-once.ts";
import { MIN_LAPSES, MIN_REMINDERS } from "../tenancy/stuck-findings.ts";
import type { TaskRoomApi, TraceHealth } from "../taskroom/task-room-api.ts";
import { findingJson } from "./stuck-json.ts";

export async function lookIntoRooms(
  config: Pick<Config, "marketRoom" | "taskRoom">,
  tenants: readonly TenantId[],
): Promise<ReturnType<typeof findingJson>[]> {
  const asked = await sixAtOnce(tenants, async (tenantId) => {
    try {
      return { tenantId, ...(await config.marketRoom<StuckApi>(tenantId).findStuck()) };
    } catch (error) {
      logError("stuck-market-room", error, { tenantId });
      const why = "Its market room does not answer.";
      const finding = { kind: "unreachable", taskId: null, why, sinceMs: null } as const;
      return { tenantId, findings: [finding], running: [] };
    }
  });
  const traces = asked.flatMap(({ tenantId, running }) => running.map((taskId) => ({ tenantId, taskId })));
  const found = await sixAtOnce(traces, async ({ tenantId, taskId }) => {
    const findings = await lookInto(config, tenantId, taskId);
    return findings.map((finding) => findingJson(tenantId, finding));
  });
  const own = asked.flatMap(({ tenantId, findings }) =>
    findings.map((finding) => findingJson(tenantId, finding)),
  );
  return [...own, ...found.flat()];
}

async function lookInto(
  config: Pick<Config, "taskRoom">,
  tenantId: TenantId,
  taskId: TaskId,
): Promise<StuckFinding[]> {
  try {
    const health = await config.taskRoom<TaskRoomApi>(tenantId, taskId).traceHealth();
    return health === null ? [] : findingsOf(taskId, health);
  } catch (error) {
    logError("stuck-task-room", error, { tenantId, taskId });
    return [{ kind: "unreachable", taskId, why: "Its room does not answer.", sinceMs: null }];
  }
}

function findingsOf(taskId: TaskId, health: TraceHealth): StuckFinding[] {
  const { lapses, reminders, failures, errorClass, sinceMs, untold } = health;
  const found: StuckFinding[] = [];
  const add = (kind: StuckFinding["kind"], why: string) => found.push({ kind, taskId, why, sinceMs });
  if (lapses >= MIN_LAPSES)
    add("trace", `Its trace was taken up ${lapses} times in a row by holders that were not heard of again.`);
  if (reminders >= MIN_REMINDERS)
    add("trace", `Its trace was announced ${reminders + 1} times, and nobody has taken it up.`);
  if (failures > 0)
    add("trace", `Its trace failed ${failures} times in a row (${errorClass}); its message comes again.`);
  if (untold !== null)
    add(
      "outbox",
      `The market room could not be told something ${untold.tries} times (${untold.errorClass}).`,
    );
  return found;
}
