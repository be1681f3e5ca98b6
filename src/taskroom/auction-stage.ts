/**
 * The auction as the task's room sees it: bids and verdicts are committed as they arrive, under the auction's
 * generation, so that whoever resumes asks nobody twice.
 */
import type { BidRecord, VerdictRecord } from "../market/auction-record.ts";
import type { EndedCall, StartedCall } from "../market/call.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { TaskDoc } from "./journal.ts";
import type { Room } from "./room.ts";
import type { AuctionDesk, DeskAnswer } from "./task-room-api.ts";

export class AuctionStage {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** A holder begins or resumes: calls of its predecessor that never came back stay counted at their bound. */
  begin(generation: number): Result<AuctionDesk, { readonly reason: "lost" | "ended" }> {
    const { journal } = this.#room;
    const task = this.#room.openTask();
    if (task === null || task.award !== null) return fail({ reason: "ended" });
    if (generation <= task.auctionGeneration) return fail({ reason: "lost" });
    const opening = this.#room.mustOpening();
    const bids = journal.bids();
    const verdicts = journal.verdicts();
    for (const call of journal.calls()) {
      if (call.status !== "started") continue;
      this.#room.bookCall({ callId: call.callId, bill: { status: "unconfirmed" }, ms: 0 });
    }
    if (task.auctionGeneration > 0) {
      this.#room.append({
        type: "auction-resumed",
        generation,
        bids: bids.length,
        verdicts: verdicts.length,
      });
    } else {
      this.#room.append({
        type: "auction-opened",
        auctionId: opening.auctionId,
        bidders: opening.pool.map(({ id, name, emulated }) => ({ agentId: id, name, emulated })),
      });
    }
    journal.putTask({ ...task, auctionGeneration: generation, state: "bidding" });
    return ok({ opening, bids, verdicts });
  }

  startCalls(generation: number, calls: readonly StartedCall[]): DeskAnswer {
    const task = this.#held(generation);
    if (task === null) return "lost";
    if (task.stop !== null) return "stop";
    for (const call of calls) this.#room.journal.startCall(call, 0);
    if (calls.some((call) => call.kind === "jury") && task.state === "bidding") {
      this.#room.journal.putTask({ ...task, state: "judging" });
    }
    return "continue";
  }

  recordBid(generation: number, call: EndedCall, bid: BidRecord): DeskAnswer {
    const task = this.#held(generation);
    // Whoever lost the auction still owes for the call: it is booked, and its bid is not taken.
    this.#room.bookCall(call);
    if (task === null) return "lost";
    if (!this.#room.journal.addBid(bid)) return answerFor(task);
    if (bid.status === "valid") {
      const { agentId, strategy, visibleTokens, entropy, costMicros, ms } = bid;
      this.#room.append({ type: "bid-received", agentId, strategy, visibleTokens, entropy, costMicros, ms });
    } else {
      const { agentId, reason, message } = bid;
      this.#room.append({ type: "bid-abstained", agentId, reason, message });
    }
    return answerFor(task);
  }

  recordVerdict(generation: number, call: EndedCall, verdict: VerdictRecord): DeskAnswer {
    const task = this.#held(generation);
    this.#room.bookCall(call);
    if (task === null) return "lost";
    if (!this.#room.journal.addVerdict(verdict)) return answerFor(task);
    if (verdict.status === "scored") {
      const { jurorId, scores, costMicros, ms } = verdict;
      this.#room.append({ type: "verdict-received", jurorId, scores, costMicros, ms });
    } else {
      const { jurorId, reason, message } = verdict;
      this.#room.append({ type: "juror-left", jurorId, reason, message });
    }
    return answerFor(task);
  }

  end(generation: number, reason: "no_bids" | "stopped"): void {
    const task = this.#held(generation);
    if (task === null) return;
    if (task.stop !== null) return this.#room.end(task, task.stop);
    if (reason === "no_bids") this.#room.end(task, { state: "failed", reason });
  }

  #held(generation: number): TaskDoc | null {
    const task = this.#room.openTask();
    if (task === null || task.award !== null || task.auctionGeneration !== generation) return null;
    return task;
  }
}

function answerFor(task: TaskDoc): DeskAnswer {
  return task.stop === null ? "continue" : "stop";
}
