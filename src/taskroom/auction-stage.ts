/**
 * The auction as the task's room sees it: bids and verdicts are committed as they arrive, under the auction's
 * generation, so that whoever resumes asks nobody twice.
 */
import type { BidRecord, RefinementRecord, VerdictRecord } from "../market/auction-record.ts";
import type { EndedCall, StartedCall } from "../market/call.ts";
import type { AgentId } from "../market/ids.ts";
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
    return ok({ opening, bids, verdicts, refinements: journal.refinements() });
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
    const { round, agentId } = bid;
    if (bid.status === "valid") {
      const { strategy, visibleTokens, entropy, costMicros, ms } = bid;
      const figures = { visibleTokens, entropy, costMicros, ms };
      this.#room.append({ type: "bid-received", round, agentId, strategy, ...figures });
    } else {
      const { reason, message } = bid;
      this.#room.append({ type: "bid-abstained", round, agentId, reason, message });
    }
    return answerFor(task);
  }

  recordVerdict(generation: number, calls: readonly EndedCall[], verdict: VerdictRecord): DeskAnswer {
    const task = this.#held(generation);
    for (const call of calls) this.#room.bookCall(call);
    if (task === null) return "lost";
    if (!this.#room.journal.addVerdict(verdict)) return answerFor(task);
    const { round, jurorId } = verdict;
    if (verdict.status === "scored") {
      const { scores, costMicros, ms } = verdict;
      this.#room.append({ type: "verdict-received", round, jurorId, scores, costMicros, ms });
    } else {
      const { reason, message } = verdict;
      this.#room.append({ type: "juror-left", round, jurorId, reason, message });
    }
    return answerFor(task);
  }

  openRefinement(
    generation: number,
    provisionalWinner: AgentId,
    refinements: readonly RefinementRecord[],
  ): DeskAnswer {
    const task = this.#held(generation);
    if (task === null) return "lost";
    if (this.#room.journal.refinements() !== null) return answerFor(task);
    this.#room.journal.openRefinement();
    for (const refinement of refinements) this.#room.journal.addRefinement(refinement);
    const asked = refinements.map(({ agentId, pairs }) => ({ agentId, pairs: pairs.length }));
    if (asked.length > 0) this.#room.append({ type: "refinement-opened", provisionalWinner, asked });
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
