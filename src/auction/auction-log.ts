/**
 * The task room's record of an auction, as its holder writes it.
 *
 * What comes up at one moment, or while an earlier commit is under way, is written together: a bid and the jury calls
 * that it was waited for are one transaction and one hop, and a large pool's answers are a few. Order is kept.
 */
import type { AuctionCommit, DeskAnswer } from "../taskroom/task-room-api.ts";
import { AuctionAborted } from "./auction-run.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";
import { nextTurn } from "./next-turn.ts";

interface Waiting {
  readonly part: Partial<AuctionCommit>;
  readonly stands: PromiseWithResolvers<void>;
}

export class AuctionLog {
  readonly #write: (commit: AuctionCommit) => Promise<DeskAnswer>;
  readonly #refused: (abort: HeartbeatAbort) => void;
  #waiting: Waiting[] = [];
  #writing = false;
  /** Nothing is written after a commit that failed: a verdict must not stand without the bid that it judged. */
  #broken: { readonly error: unknown } | null = null;

  /** @param refused hears it at once when a commit answers that the auction may not go on */
  constructor(
    write: (commit: AuctionCommit) => Promise<DeskAnswer>,
    refused: (abort: HeartbeatAbort) => void,
  ) {
    this.#write = write;
    this.#refused = refused;
  }

  /** Resolves once the part stands. @throws AuctionAborted where the auction may not go on; what the room threw */
  async commit(part: Partial<AuctionCommit>): Promise<void> {
    const stands = Promise.withResolvers<void>();
    this.#waiting.push({ part, stands });
    // By the next turn of the event loop, whatever follows from the same answer has joined.
    if (!this.#writing && this.#waiting.length === 1) void nextTurn().then(() => this.#drain());
    return stands.promise;
  }

  async #drain(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#writeBatch(batch);
    }
    this.#writing = false;
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    try {
      if (this.#broken !== null) throw this.#broken.error;
      const answer = await this.#write(joined(batch.map(({ part }) => part)));
      if (answer === "continue") {
        for (const { stands } of batch) stands.resolve();
        return;
      }
      this.#refused(answer);
      for (const { stands } of batch) stands.reject(new AuctionAborted(answer));
    } catch (error) {
      this.#broken ??= { error };
      for (const { stands } of batch) stands.reject(error);
    }
  }
}

function joined(parts: readonly Partial<AuctionCommit>[]): AuctionCommit {
  return {
    bids: parts.flatMap(({ bids }) => bids ?? []),
    verdicts: parts.flatMap(({ verdicts }) => verdicts ?? []),
    refinement: parts.find(({ refinement }) => refinement != null)?.refinement ?? null,
    embedding: parts.find(({ embedding }) => embedding != null)?.embedding ?? null,
    started: parts.flatMap(({ started }) => started ?? []),
  };
}
