/**
 * The work queue's consumer: resumes auctions and runs slices.
 *
 * Messages of one batch run side by side. A message that finds nothing to do is done. One that fails gives its work back
 * and comes again, with growing delays (`market/queue-retry.ts`); in the end it is a dead letter (`consume-dead.ts`). What
 * is lost with a queue, the room's timer announces again: the queue is only the engine.
 */
import { runAuction } from "../auction/run-auction.ts";
import type { AuctionDeps } from "../auction/auction-run.ts";
import { logError } from "../log.ts";
import { failureOfError } from "../market/dead-letter.ts";
import { workMessageSchema, type AuctionMessage } from "../market/message.ts";
import { workDelayS } from "../market/queue-retry.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import { setAside } from "../tenancy/unreadable.ts";
import { consumeDead } from "./consume-dead.ts";
import { runSlice } from "./run-slice.ts";
import type { TraceDeps } from "./trace-run.ts";

export interface WorkDeps {
  readonly auction: AuctionDeps;
  readonly trace: TraceDeps;
}

const DEAD_QUEUE = "saleroom-dead";
/** The work's queue, and that of its dead letters. */
export const WORK_QUEUES: ReadonlySet<string> = new Set(["saleroom-work", DEAD_QUEUE]);

export async function consumeWork(deps: WorkDeps, batch: MessageBatch): Promise<void> {
  if (batch.queue === DEAD_QUEUE) return consumeDead(deps.trace.config, batch);
  await Promise.all(batch.messages.map((message) => consumeOne(deps, message, batch.queue)));
}

async function consumeOne(deps: WorkDeps, message: Message, queue: string): Promise<void> {
  const { config } = deps.trace;
  const parsed = workMessageSchema.safeParse(message.body);
  if (!parsed.success) return setAside(config, { queue, message, error: parsed.error });
  const work = parsed.data;
  const delaySeconds = workDelayS(message.attempts, config.retryS);
  try {
    if (work.kind === "auction") await resumeAuction(deps.auction, work, delaySeconds * 1_000);
    else await runSlice(deps.trace, work, delaySeconds * 1_000);
    message.ack();
  } catch (error) {
    logError("work-failed", error, { kind: work.kind, taskId: work.taskId, tenantId: work.tenantId });
    message.retry({ delaySeconds });
  }
}

async function resumeAuction(deps: AuctionDeps, message: AuctionMessage, retryInMs: number): Promise<void> {
  const { tenantId, taskId, generation: announced } = message;
  const market = deps.config.marketRoom<MarketRoomApi>(tenantId);
  const taken = await market.takeAuction(taskId, announced);
  if (!taken.ok) return;
  // A market room of the version before tells of none.
  const generation = taken.value ?? announced;
  try {
    await runAuction(deps, { tenantId, taskId, generation });
  } catch (error) {
    const failed = { announced, failure: failureOfError(error), retryInMs };
    // Where that cannot be told either, the lease lapses.
    await market.failAuction(taskId, generation, failed).catch((untold: unknown) => {
      logError("auction-failure-untold", untold, { taskId });
    });
    throw error;
  }
}
