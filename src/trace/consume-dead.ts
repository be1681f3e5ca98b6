/**
 * Dead letters: messages of work that came to nothing as often as the queue brings them.
 *
 * Each is taken to the room that it is about. That knows whether the letter still says anything (the work may have moved
 * on), and whether the work is poison or nobody could reach it (`market/dead-letter.ts`). A letter that cannot be told
 * stays in its queue, and comes again for as long as that keeps it, which is days; it stands in the log from the first time.
 */
import type { Config } from "../config.ts";
import { logError, logInfo } from "../log.ts";
import type { Burial } from "../market/dead-letter.ts";
import { workMessageSchema, type AuctionMessage, type TraceMessage } from "../market/message.ts";
import { deadDelayS } from "../market/queue-retry.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import { setAside } from "../tenancy/unreadable.ts";
import type { TaskRoomApi } from "../taskroom/task-room-api.ts";

export type DeadDeps = Pick<Config, "db" | "source" | "marketRoom" | "taskRoom">;

export async function consumeDead(config: DeadDeps, batch: MessageBatch): Promise<void> {
  await Promise.all(
    batch.messages.map(async (message) => {
      const parsed = workMessageSchema.safeParse(message.body);
      if (!parsed.success) return setAside(config, { queue: batch.queue, message, error: parsed.error });
      await buryOne(config, message, parsed.data);
    }),
  );
}

async function buryOne(
  config: DeadDeps,
  message: Message,
  work: AuctionMessage | TraceMessage,
): Promise<void> {
  const { kind, tenantId, taskId, generation } = work;
  const about = { kind, tenantId, taskId, generation };
  try {
    logInfo("dead-letter", { ...about, burial: await bury(config, work) });
    message.ack();
  } catch (error) {
    logError("dead-letter-untold", error, about);
    message.retry({ delaySeconds: deadDelayS(message.attempts) });
  }
}

async function bury(config: DeadDeps, work: AuctionMessage | TraceMessage): Promise<Burial> {
  const { tenantId, taskId, generation } = work;
  if (work.kind === "auction")
    return config.marketRoom<MarketRoomApi>(tenantId).buryAuction(taskId, generation);
  return config.taskRoom<TaskRoomApi>(tenantId, taskId).buryTrace(work.attempt, generation);
}
