/**
 * The cron sweep: wakes market rooms that still have open work, should an alarm ever have been given up; and forgets old keys.
 *
 * It moves no timer that stands. A room that waits knows how long: for a message that the queue brings again, or for the
 * next of its reminders, which come to lie further apart than sweeps. Work that every sweep announced would never be a dead
 * letter, and a reminder that every sweep put off would never come.
 */
import type { Config } from "../config.ts";
import { raceAbort } from "../async/race-abort.ts";
import { forgetClaims } from "../history/claim-tenant.ts";
import { readOpenTenants } from "../history/read-open-tenants.ts";
import { logError, logInfo } from "../log.ts";
import type { TenantId } from "../market/ids.ts";
import { sixAtOnce } from "../async/six-at-once.ts";
import type { MarketRoomApi } from "./market-room-api.ts";

const PAGE = 100;
/** A room that takes longer goes on by itself: the others are not to wait for it. */
const LONG_MS = 30_000;

export async function sweep(config: Config): Promise<void> {
  let cursor: TenantId | undefined;
  let open = 0;
  for (;;) {
    const tenants = await readOpenTenants(config.db, { limit: PAGE, ...(cursor && { cursor }) });
    for (const swept of await sixAtOnce(tenants, async (tenantId) => sweepTenant(config, tenantId)))
      open += swept;
    cursor = tenants.at(-1);
    if (tenants.length < PAGE || cursor === undefined) break;
  }
  try {
    await forgetClaims(config.db, config.source.now());
  } catch (error) {
    logError("sweep-claims", error);
  }
  logInfo("swept", { openTasks: open });
}

/** How many of its tasks are open; 0 where that is not known. */
async function sweepTenant(config: Config, tenantId: TenantId): Promise<number> {
  const swept = config.marketRoom<MarketRoomApi>(tenantId).sweep();
  try {
    return await raceAbort(swept, AbortSignal.timeout(LONG_MS));
  } catch (error) {
    logError("sweep-failed", error, { tenantId });
    return 0;
  }
}
