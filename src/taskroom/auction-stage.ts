/**
 * The auction as the task's room sees it: bids and verdicts are committed as they arrive, under the auction's
 * generation, so that whoever resumes asks nobody twice.
 */
import type { AuctionCommit, EmbeddingRecord } from "../market/auction-commit.ts";
import type { BidRecord, Opening, VerdictRecord } from "../market/auction-record.ts";
import type { StartedCall } from "../market/call.ts";
import { FIRST_LEASE } from "../market/lease.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { TaskDoc } from "./journal.ts";
import type { Room } from "./room.ts";
import type { SpendRefusal } from "../market/ledger/spend-refusal.ts";
import type { AuctionDesk, BeginRefusal, FreshAuction, StartAnswer } from "./task-room-api.ts";

export class AuctionStage {
  readonly #room: Room;

  constructor(room: Room) {
    this.#room = room;
  }

  /** Whoever was given the auction with the admission begins within a lease, or not at all. */
  isLate({ admittedAtMs }: Opening): boolean {
    return this.#room.now() >= admittedAtMs + this.#room.config.leaseMs;
  }

  /** Whether that holder may still be on its way, and would make the room again if it were erased. */
  mayBegin(): boolean {
    const task = this.#room.journal.task();
    return task !== null && task.auctionGeneration === 0 && !this.isLate(this.#room.mustOpening());
  }

  /** A holder begins or resumes: calls of its predecessor that never came back stay counted at their bound. */
  begin(generation: number, fresh: FreshAuction | null): Result<AuctionDesk, BeginRefusal> {
    if (fresh !== null) this.#room.open(fresh.opening);
    const { journal } = this.#room;
    const task = this.#room.openTask();
    if (task === null || task.award !== null || task.quoted != null) return fail({ reason: "ended" });
    if (generation <= task.auctionGeneration) return fail({ reason: "lost" });
    const opening = this.#room.mustOpening();
    const bids = journal.bids();
    const verdicts = journal.verdicts();
    // The first holder's own calls count as started since admission.
    if (generation !== FIRST_LEASE.generation) this.#room.giveUpCalls();
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
    if (task.stop !== null) return fail({ reason: "stopping" });
    for (const call of fresh?.started ?? []) journal.startCall(call, 0);
    const [refinements, embedding] = [journal.refinements(), journal.embedding()];
    const untilMs = this.#room.deadlineAtMs();
    return ok({ opening: { ...opening, deadlineAtMs: untilMs }, bids, verdicts, refinements, embedding });
  }

  /** @param refusal why no call may be started; null: they may */
  commit(generation: number, commit: AuctionCommit, refusal: SpendRefusal | null): StartAnswer {
    const held = this.#held(generation);
    // Whoever lost the auction still owes for its calls: they are booked, and what they brought is not taken.
    this.bookCalls(commit);
    if (held === null) return "lost";
    this.#recordAnswers(commit);
    if (held.stop !== null) return "stop";
    if (refusal !== null) return refusal;
    if (commit.refinement !== null) this.#openRefinement(commit.refinement);
    this.#start(held, commit.started);
    return "continue";
  }

  /** The holder's last answers, as the award brings them; its own commit of them may come before, after, or never. */
  takeTail(tail: AuctionCommit): void {
    const task = this.#room.openTask();
    if (task === null || task.award !== null || task.quoted != null) return;
    this.bookCalls(tail);
    this.#recordAnswers(tail);
  }

  /** Whoever brings them: also a holder that has lost the auction owes for its calls. */
  bookCalls({ ended, bids, verdicts, embedding }: AuctionCommit): void {
    for (const call of ended) this.#room.bookCall(call);
    for (const { call } of bids) this.#room.bookCall(call);
    for (const call of verdicts.flatMap(({ calls }) => calls)) this.#room.bookCall(call);
    if (embedding !== null) this.#room.bookCall(embedding.call);
  }

  #recordAnswers({ bids, verdicts, embedding }: AuctionCommit): void {
    for (const { bid } of bids) this.#recordBid(bid);
    for (const { verdict } of verdicts) this.#recordVerdict(verdict);
    if (embedding !== null) this.#recordEmbedding(embedding);
  }

  #start(task: TaskDoc, calls: readonly StartedCall[]): void {
    for (const call of calls) this.#room.journal.startCall(call, 0);
    if (calls.some((call) => call.kind === "jury") && task.state === "bidding") {
      this.#room.journal.putTask({ ...task, state: "judging" });
      this.#room.append({ type: "jury-asked" });
    }
  }

  #recordBid(bid: BidRecord): void {
    if (!this.#room.journal.addBid(bid)) return;
    const { round, agentId } = bid;
    if (bid.status === "valid") {
      const { strategy, visibleTokens, entropy, costMicros, ms } = bid;
      const figures = { visibleTokens, entropy, costMicros, ms };
      this.#room.append({ type: "bid-received", round, agentId, strategy, ...figures });
    } else {
      const { reason, message } = bid;
      this.#room.append({ type: "bid-abstained", round, agentId, reason, message });
    }
  }

  #recordVerdict(verdict: VerdictRecord): void {
    if (!this.#room.journal.addVerdict(verdict)) return;
    const { round, jurorId } = verdict;
    if (verdict.status === "scored") {
      const { scores, failedOn, costMicros, ms } = verdict;
      this.#room.append({ type: "verdict-received", round, jurorId, scores, failedOn, costMicros, ms });
    } else {
      const { reason, message } = verdict;
      this.#room.append({ type: "juror-left", round, jurorId, reason, message });
    }
  }

  #recordEmbedding({ vector }: EmbeddingRecord): void {
    if (this.#room.journal.embedding() === null) this.#room.journal.putEmbedding({ vector });
  }

  #openRefinement({ provisionalWinner, refinements }: NonNullable<AuctionCommit["refinement"]>): void {
    if (this.#room.journal.refinements() !== null) return;
    this.#room.journal.openRefinement();
    for (const refinement of refinements) this.#room.journal.addRefinement(refinement);
    const asked = refinements.map(({ agentId, pairs }) => ({ agentId, pairs: pairs.length }));
    this.#room.append({ type: "refinement-opened", provisionalWinner, asked });
  }

  end(generation: number, reason: "no_bids" | "stopped"): void {
    const task = this.#held(generation);
    if (task === null) return;
    if (task.stop !== null) return this.#room.end(task, task.stop);
    // Its stop is still on its way here: until it comes nobody holds the auction.
    if (reason === "stopped") return this.#room.journal.putTask({ ...task, leftAuction: generation });
    // Calls end at the deadline, too, and may do so before its timer rings.
    const isOver = this.#room.now() >= this.#room.deadlineAtMs();
    this.#room.end(task, { state: "failed", reason: isOver ? "deadline" : reason });
  }

  /** Whether this generation holds the auction, and is not to stop. */
  isHeld(generation: number): boolean {
    return this.#held(generation)?.stop === null;
  }

  #held(generation: number): TaskDoc | null {
    const task = this.#room.openTask();
    if (task === null || task.award !== null || task.quoted != null) return null;
    if (task.auctionGeneration !== generation) return null;
    return task;
  }
}
