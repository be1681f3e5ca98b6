/** The outbox of a task's room: what it owes to the market room. */
import { Outbox } from "../durable/outbox.ts";
import type { Timers } from "../durable/timers.ts";
import { logError } from "../log.ts";
import type { ToMarketRoom } from "./room.ts";

export function marketOutbox(
  storage: DurableObjectStorage,
  {
    timers,
    now,
    deliver,
  }: {
    readonly timers: Timers;
    readonly now: () => number;
    readonly deliver: (messages: readonly ToMarketRoom[]) => Promise<void>;
  },
): Outbox<ToMarketRoom> {
  return new Outbox({
    storage,
    timers,
    now,
    deliver: async ({ messages }) => deliver(messages),
    transact: async (work) => {
      storage.transactionSync(work);
      timers.arm();
    },
    report: (lane, error) => logError("task-outbox", error, { lane }),
    // A task's room has few transactions, and is not to stay awake for one more.
    tidy: "at-once",
  });
}
