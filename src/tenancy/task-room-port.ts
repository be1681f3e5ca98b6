/** What the market room asks of a task's room. Every call is idempotent: it may come twice. */
import type { Opening } from "../market/auction-record.ts";
import type { PastAuction } from "../market/calibration/past-auction.ts";
import type { Award, Redrive, StopEnd, Unsold } from "../market/award.ts";
import type { QuotedAuction } from "../market/sale/quote.ts";

export interface TaskRoomPort {
  /** The task exists from here on. */
  open(opening: Opening): Promise<void>;
  /** Starts the trace of this attempt, unless the award says that it waits. */
  award(award: Award): Promise<void>;
  /** Starts the trace of this attempt, which waited. */
  beginTrace(attempt: number): Promise<void>;
  /** The task goes on though it had ended: it had been given up. */
  redrive(redrive: Redrive): Promise<void>;
  /** The auction of a quote has cleared: nothing runs until one of its bids is accepted. */
  quoted(quoted: QuotedAuction): Promise<void>;
  /** Something stands against every bid: the task ends. */
  unsold(unsold: Unsold): Promise<void>;
  /**
   * Stop spending, keep what there is, and report the end. A holder of the work gets time to stop by itself.
   * A room that has ended already ignores it.
   */
  stop(end: StopEnd): Promise<void>;
  /** Task, seed and first strategies, for a calibration run of it; null where the room is gone. */
  pastAuction(): Promise<PastAuction | null>;
  /** For the cron sweep: sets the alarm anew, and timers that are gone; one that stands keeps its time. */
  wake(): Promise<void>;
  /**
   * Erases all that the room holds, for good; its task must have ended. Does nothing while somebody may be on the way who
   * would make it again: ask `holdsStorage`.
   */
  erase(): Promise<void>;
  /** Whether the room holds any storage; asking makes none. */
  holdsStorage(): Promise<boolean>;
}
