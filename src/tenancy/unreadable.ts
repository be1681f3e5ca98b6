/** What a consumer does about a message that it cannot read: it is kept for the operator, and only then done with. */
import type { z } from "zod";
import type { Config } from "../config.ts";
import { keepUnreadable } from "../history/keep-unreadable.ts";
import { logError } from "../log.ts";
import { newId } from "../market/ids.ts";
import { deadDelayS } from "../market/queue-retry.ts";

/** @param error what the message's schema said of it */
export async function setAside(
  config: Pick<Config, "db" | "source">,
  of: { readonly queue: string; readonly message: Message; readonly error: z.ZodError },
): Promise<void> {
  const { queue, message, error } = of;
  // Paths and codes alone: nobody knows whose text stands in it.
  const said = error.issues.map(
    ({ code, path }) => `${code} at ${path.length === 0 ? "the top" : `depth ${path.length}`}`,
  );
  logError("message-unreadable", said.join(", "), { queue, messageId: message.id });
  try {
    await keepUnreadable(config.db, {
      stuckId: newId("stk", config.source),
      queue,
      messageId: message.id,
      error: said.join(", ").slice(0, 200),
      sinceAtMs: config.source.now(),
    });
    message.ack();
  } catch (unkept) {
    logError("message-not-set-aside", unkept, { queue, messageId: message.id });
    message.retry({ delaySeconds: deadDelayS(message.attempts) });
  }
}
