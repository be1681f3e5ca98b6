/** The sale as the task's room sees it: a quote that opens, or a task that nobody is sold to. The market room decides. */
import type { Unsold } from "../market/award.ts";
import { withAuctionCost, type QuotedAuction } from "../market/sale/quote.ts";
import type { Room } from "./room.ts";
import { clearedEvent } from "./cleared-event.ts";

export class SaleStage {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Told again, it changes nothing. Its time is the market room's from here on: nothing runs, and nothing can be late. */
  quoted(quoted: Omit<QuotedAuction, "tail">): void {
    const task = this.#room.openTask();
    if (task === null || task.award !== null || task.quoted != null) return;
    this.#room.bookOpenCalls();
    this.#room.append(clearedEvent(quoted.clearing));
    const { maxCostUsd } = this.#room.mustOpening().spec.limits;
    const spentMicros = this.#room.journal.committedMicros();
    const offers = withAuctionCost(quoted.offers, { maxCostUsd, spentMicros }).map(
      ({ agentId, forecast, capMicros, obstacles }) => {
        return {
          agentId,
          expectedMicros: forecast.costMicros,
          capMicros,
          acceptable: obstacles.length === 0,
        };
      },
    );
    this.#room.append({ type: "quote-opened", expiresAtMs: quoted.expiresAtMs, offers });
    const open = { ...task, state: "quoted", quoted } as const;
    this.#room.clearTimer("deadline");
    // Asked to stop while the auction cleared: nobody holds it any more.
    if (task.stop !== null) return this.#room.end(open, task.stop);
    this.#room.journal.putTask(open);
  }

  unsold(unsold: Omit<Unsold, "tail">): void {
    const task = this.#room.openTask();
    if (task === null || task.award !== null) return;
    this.#room.append(clearedEvent(unsold.clearing));
    this.#room.end({ ...task, unsold }, task.stop ?? unsold.end);
  }
}
