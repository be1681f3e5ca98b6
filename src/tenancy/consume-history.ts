/**
 * The history queue's consumer: carries a market room's outcome rows to D1 and its vectors to the index, so that a slow
 * outside delays nobody.
 */
import type { Config } from "../config.ts";
import { writeHistory } from "../history/write-history.ts";
import { logError } from "../log.ts";
import { historyMessageSchema, type HistoryMessage } from "../market/message.ts";
import type { VectorIndex } from "../memory/memory-port.ts";
import type { TenantId } from "../market/ids.ts";
import { setAside } from "./unreadable.ts";
import { carryVectors } from "./consume-memory.ts";
import type { MarketRoomApi } from "./market-room-api.ts";

const BATCH_ROWS = 100;
/** An invocation has a limited number of requests, and a limited time. */
const MAX_BATCHES = 50;

export async function consumeHistory(config: Config, index: VectorIndex, batch: MessageBatch): Promise<void> {
  const carriers = new Map<string, { readonly message: HistoryMessage; readonly carried: Message[] }>();
  const unreadable: Promise<void>[] = [];
  for (const carried of batch.messages) {
    const parsed = historyMessageSchema.safeParse(carried.body);
    if (!parsed.success) {
      unreadable.push(setAside(config, { queue: batch.queue, message: carried, error: parsed.error }));
      continue;
    }
    const key = `${parsed.data.kind}/${parsed.data.tenantId}`;
    const carrier = carriers.get(key) ?? { message: parsed.data, carried: [] };
    carrier.carried.push(carried);
    carriers.set(key, carrier);
  }
  await Promise.all([
    ...unreadable,
    ...[...carriers.values()].map(async ({ message: { kind, tenantId }, carried }) => {
      try {
        if (kind === "history") await carrySomeRows(config, tenantId);
        else await carryVectors(config, index, tenantId);
        for (const message of carried) message.ack();
      } catch (error) {
        logError(`${kind}-failed`, error, { tenantId });
        for (const message of carried) message.retry({ delaySeconds: 2 ** message.attempts });
      }
    }),
  ]);
}

/** So many that one invocation can; where there are more, another one is called. */
async function carrySomeRows(config: Config, tenantId: TenantId): Promise<void> {
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) if (!(await carryBatch(config, tenantId))) return;
  await config.historyQueue.send({ kind: "history", tenantId });
}

/** Carries all rows that wait in the room to D1. */
export async function carryRows(config: Config, tenantId: TenantId): Promise<void> {
  let carried: boolean;
  do carried = await carryBatch(config, tenantId);
  while (carried);
}

/** False: there was nothing to carry. */
async function carryBatch(config: Config, tenantId: TenantId): Promise<boolean> {
  const room = config.marketRoom<MarketRoomApi>(tenantId);
  const rows = await room.historyBatch(BATCH_ROWS);
  if (rows.length === 0) return false;
  const agents = new Set(config.pool.map(({ id }) => id));
  const { written, parked } = await writeHistory(config.db, rows, agents);
  for (const row of parked) logError("history-row-parked", row.error, { tenantId, rowId: row.id });
  await room.historyWritten(written, parked);
  return true;
}
