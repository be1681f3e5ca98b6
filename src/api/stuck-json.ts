/** What is stuck, as its operator reads it. */
import type { StuckRecord } from "../history/read-stuck.ts";
import type { TenantId } from "../market/ids.ts";
import type { StuckFinding } from "../tenancy/stuck-api.ts";

/** `can`: what can be done about it, by `POST /admin/stuck/:id/…`. */
export function recordJson(record: StuckRecord) {
  const { stuckId: id, kind, tenantId, taskId, work, attempt, tries, lapses, errorClass, error } = record;
  return {
    object: "stuck",
    id,
    kind,
    tenantId,
    taskId,
    why: whyOf(record),
    work,
    attempt,
    tries,
    lapses,
    error: errorClass === null ? null : { class: errorClass, message: error },
    sinceAt: new Date(record.sinceAtMs).toISOString(),
    can: kind === "unreadable" ? ["dismiss"] : ["redrive", "dismiss"],
  };
}

function whyOf({ kind, work, tries, lapses }: StuckRecord): string {
  switch (kind) {
    case "unreadable":
      return `A message of the queue ${work} could not be read.`;
    case "dead_letter":
      return `Its ${work} failed ${tries} times in a row, without a step between, and the queue brings it no more.`;
    case "abandoned":
      return `Its ${work} was taken up ${lapses} times in a row by holders that were not heard of again.`;
  }
}

/** Something that was found as things stand: nothing is to be done about it by its id. */
export function findingJson(tenantId: TenantId, { kind, taskId, why, sinceMs }: StuckFinding) {
  const sinceAt = sinceMs === null ? null : new Date(sinceMs).toISOString();
  return { object: "stuck", id: null, kind, tenantId, taskId, why, sinceAt, can: [] };
}
