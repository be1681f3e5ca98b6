/** Of a tenant that was deleted, nothing is left: no room with a table, and no row of the history. */
import type { Evidence } from "../evidence.ts";
import type { Find } from "./violation.ts";

export function judgeGone({ gone }: Evidence, find: Find): void {
  for (const { tenantId, deleted, market, rooms, history } of gone) {
    if (!deleted) find("tenant-left", tenantId, "its deletion has not ended");
    for (const [of, { tables }] of [["its market room", market] as const, ...Object.entries(rooms)])
      if (tables.length > 0) find("tenant-left", tenantId, `${of} has ${tables.join(", ")}`);
    for (const [table, rows] of Object.entries(history))
      if (rows.length > 0) find("tenant-left", tenantId, `${rows.length} rows of ${table}`);
  }
}
