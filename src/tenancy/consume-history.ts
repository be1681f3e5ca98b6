/** The history queue's consumer: carries a market room's outcome rows to D1, so that a slow database delays nobody. */
import type { Config } from "../config.ts";
import { writeHistory } from "../history/write-history.ts";
import { logError } from "../log.ts";
import { historyMessageSchema } from "../market/message.ts";
import type { TenantId } from "../market/ids.ts";
import type { MarketRoomApi } from "./market-room-api.ts";

const BATCH_ROWS = 100;

export async function consumeHistory(config: Config, batch: MessageBatch): Promise<void> {
  const tenants = new Map<TenantId, Message[]>();
  for (const message of batch.messages) {
    const parsed = historyMessageSchema.safeParse(message.body);
    if (!parsed.success) {
      logError("history-message-unreadable", parsed.error, { messageId: message.id });
      message.ack();
      continue;
    }
    const { tenantId } = parsed.data;
    tenants.set(tenantId, [...(tenants.get(tenantId) ?? []), message]);
  }
  await Promise.all([...tenants].map(([tenantId, messages]) => carry(config, tenantId, messages)));
}

async function carry(config: Config, tenantId: TenantId, messages: readonly Message[]): Promise<void> {
  try {
    await drain(config, tenantId);
    for (const message of messages) message.ack();
  } catch (error) {
    logError("history-failed", error, { tenantId });
    for (const message of messages) message.retry({ delaySeconds: 2 ** message.attempts });
  }
}

async function drain(config: Config, tenantId: TenantId): Promise<void> {
  const room = config.marketRoom<MarketRoomApi>(tenantId);
  for (;;) {
    const rows = await room.historyBatch(BATCH_ROWS);
    if (rows.length === 0) return;
    const { written, parked } = await writeHistory(config.db, rows);
    for (const row of parked) logError("history-row-parked", row.error, { tenantId, rowId: row.id });
    await room.historyWritten(written, parked);
  }
}
