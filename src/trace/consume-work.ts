/**
 * The work queue's consumer: resumes auctions and runs slices.
 *
 * Messages of one batch run side by side. A message that finds nothing to do is done; one that fails comes back a few
 * times, and after that the room's timer announces the work again: the queue is only the engine.
 */
import { runAuction } from "../auction/run-auction.ts";
import type { AuctionDeps } from "../auction/auction-run.ts";
import { logError } from "../log.ts";
import { workMessageSchema, type AuctionMessage } from "../market/message.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import { runSlice } from "./run-slice.ts";
import type { TraceDeps } from "./trace-run.ts";

export interface WorkDeps {
  readonly auction: AuctionDeps;
  readonly trace: TraceDeps;
}

export async function consumeWork(deps: WorkDeps, batch: MessageBatch): Promise<void> {
  await Promise.all(batch.messages.map((message) => consumeOne(deps, message)));
}

async function consumeOne(deps: WorkDeps, message: Message): Promise<void> {
  const parsed = workMessageSchema.safeParse(message.body);
  if (!parsed.success) {
    logError("work-message-unreadable", parsed.error, { messageId: message.id });
    return message.ack();
  }
  const work = parsed.data;
  try {
    if (work.kind === "auction") await resumeAuction(deps.auction, work);
    else await runSlice(deps.trace, work);
    message.ack();
  } catch (error) {
    logError("work-failed", error, { kind: work.kind, taskId: work.taskId, tenantId: work.tenantId });
    message.retry({ delaySeconds: 2 ** message.attempts });
  }
}

async function resumeAuction(deps: AuctionDeps, message: AuctionMessage): Promise<void> {
  const { tenantId, taskId, generation } = message;
  const taken = await deps.config.marketRoom<MarketRoomApi>(tenantId).takeAuction(taskId, generation);
  if (taken.ok) await runAuction(deps, { tenantId, taskId, generation });
}
