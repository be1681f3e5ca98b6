/**
 * Carries a market room's vectors to the index (architecture, decision 8).
 *
 * One message at a time per tenant decides: what the index shows at its newest version leaves the room's recent window;
 * what it does not show is written (again: the newest state wins) and looked at by a later message.
 */
import type { Config } from "../config.ts";
import type { VectorIndex } from "../memory/memory-port.ts";
import type { TenantId } from "../market/ids.ts";
import type { MarketRoomApi, PendingVector } from "./market-room-api.ts";

const BATCH = 100;

/** Rejects when the index cannot be reached: the message comes back. */
export async function carryVectors(config: Config, index: VectorIndex, tenantId: TenantId): Promise<void> {
  const room = config.marketRoom<MarketRoomApi>(tenantId);
  const pending = await room.memoryBatch(BATCH);
  if (pending.length === 0) return;
  const shown = await index.visibleVersions(
    tenantId,
    pending.map((vector) => vector.id),
  );
  const visible = pending.filter(({ id, version }) => (shown.get(id) ?? 0) >= version);
  if (visible.length > 0) {
    await room.memoryVisible(visible.map(({ id, version }) => ({ id, version })));
  }
  const missing = pending.filter((vector) => !visible.includes(vector));
  if (missing.length > 0) await index.upsert(tenantId, missing.map(indexed));
}

function indexed({ id, version, vector }: PendingVector) {
  return { id, version, values: Float32Array.from(vector) };
}
