/**
 * Carries a market room's vectors to the index (architecture, decision 8).
 *
 * The room hands out what is due, each entry to one consumer at a time, and this consumer says what became of it: what
 * the index shows at its newest version leaves the room's recent window; what it does not is written and looked at later.
 */
import type { Config } from "../config.ts";
import type { VectorIndex } from "../memory/memory-port.ts";
import type { TenantId } from "../market/ids.ts";
import type { PassageReport } from "../market/passage.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { MarketRoomApi, PendingVector, VectorReport } from "./market-room-api.ts";

const BATCH = 100;
/** An invocation has a limited number of requests; the room announces what is left. */
const MAX_BATCHES = 50;

type Writable = Exclude<PendingVector, { readonly step: "look" }>;
interface Index {
  readonly index: VectorIndex;
  readonly tenantId: TenantId;
}

/** Rejects when the index cannot be reached, after the room was told: the message comes back. */
export async function carryVectors(
  config: Pick<Config, "marketRoom">,
  index: VectorIndex,
  tenantId: TenantId,
): Promise<void> {
  const room = config.marketRoom<Pick<MarketRoomApi, "claimVectors" | "reportVectors">>(tenantId);
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const claimed = await room.claimVectors(BATCH);
    if (claimed.length === 0) return;
    const reports = new Map(claimed.map((one) => [one.id, reported(one, "missing")]));
    const carried = await carryBatch({ index, tenantId }, claimed, (one, state) => {
      reports.set(one.id, reported(one, state));
    });
    await room.reportVectors([...reports.values()]);
    if (!carried.ok) throw carried.failure;
  }
}

type Tell = (one: PendingVector, state: PassageReport["state"]) => void;

/** Up to the first failure: the index is down, or will not have this vector. */
async function carryBatch(
  where: Index,
  claimed: readonly PendingVector[],
  tell: Tell,
): Promise<Result<null, unknown>> {
  try {
    const shown = await shownOf(where, claimed);
    for (const one of shown) tell(one, "shown");
    const writes = claimed.filter((one): one is Writable => one.step !== "look" && !shown.has(one));
    // What failed before is written by itself, so that it takes nothing else down with it.
    const together = writes.filter((one) => !one.alone);
    for (const group of [together, ...writes.filter((one) => one.alone).map((one) => [one])]) {
      await write(where, group, tell);
    }
    return ok(null);
  } catch (error) {
    return fail(error);
  }
}

async function write({ index, tenantId }: Index, group: readonly Writable[], tell: Tell): Promise<void> {
  if (group.length === 0) return;
  // Until the index has said yes, the write may be under way.
  for (const one of group) tell(one, "broken");
  await index.upsert(
    tenantId,
    group.map(({ id, version, vector }) => ({ id, version, values: vector })),
  );
  for (const one of group) tell(one, "written");
}

/** Those that the index shows at the version that was handed out; it is not asked for what it was never given. */
async function shownOf(
  { index, tenantId }: Index,
  claimed: readonly PendingVector[],
): Promise<ReadonlySet<PendingVector>> {
  const given = claimed.filter((one) => one.step !== "write");
  if (given.length === 0) return new Set();
  const versions = await index.visibleVersions(
    tenantId,
    given.map(({ id }) => id),
  );
  return new Set(given.filter(({ id, version }) => (versions.get(id) ?? 0) >= version));
}

function reported({ id, version, claim }: PendingVector, state: PassageReport["state"]): VectorReport {
  return { id, version, claim, state };
}
