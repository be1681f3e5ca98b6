/** How a task is stopped from outside or by time: whoever holds its work gets one lease's time to stop by itself. */
import type { StopEnd } from "../market/award.ts";
import type { TaskDoc } from "./journal.ts";
import type { Room } from "./room.ts";

export class StopStage {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /**
   * A holder gets one lease's time to stop by itself and bring its bills; without one the task ends at once. An auction
   * that was given to a holder at admission is held, though it may not have been heard of yet.
   */
  stop(end: StopEnd): void {
    const task = this.#room.openTask();
    if (task === null || task.stop !== null) return;
    if (end.state === "cancelled") this.#room.append({ type: "cancel-requested" });
    const stopped = { ...task, stop: end };
    if (!this.#isHeld(task)) return this.#room.end(stopped, end);
    this.#room.journal.putTask(stopped);
    if (end.state === "failed" && end.reason === "deadline") this.#room.append({ type: "deadline-passed" });
    this.#room.setTimer("stop", this.#room.now() + this.#room.config.leaseMs);
  }

  #isHeld({ award, quoted, auctionGeneration, leftAuction, lease }: TaskDoc): boolean {
    if (award !== null || quoted != null) return lease?.heldUntilMs != null;
    if (auctionGeneration === 0) return this.#room.mustOpening().firstCalls.length > 0;
    return leftAuction !== auctionGeneration;
  }

  /** The task's time is over, or that of the holder that was to stop. */
  onTimer(timer: "deadline" | "stop"): void {
    const task = this.#room.openTask();
    this.#room.clearTimer(timer);
    if (task === null) return;
    if (timer === "deadline") this.stop({ state: "failed", reason: "deadline" });
    else if (task.stop !== null) this.#room.end(task, task.stop);
  }
}
