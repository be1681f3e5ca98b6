/**
 * The task room's record of an auction, as its holder writes it.
 *
 * What comes up at one moment, or while an earlier commit is under way, is written together: a bid and the jury calls
 * that it was waited for are one transaction and one hop, and a large pool's answers are a few. Order is kept. A commit
 * may be written twice: its answer may have been lost.
 */
import { joinCommits, type AuctionCommit } from "../market/auction-commit.ts";
import type { EndedCall } from "../market/call.ts";
import type { SpendRefusal } from "../market/ledger/spend-refusal.ts";
import type { StartAnswer } from "../taskroom/task-room-api.ts";
import { AuctionAborted, CallsRefused } from "./auction-run.ts";
import type { HeartbeatAbort } from "./heartbeat.ts";
import { nextTurn } from "./next-turn.ts";

interface Waiting {
  readonly part: Partial<AuctionCommit>;
  readonly stands: PromiseWithResolvers<void>;
}

/** A room that restarts (a deploy, say) is back within moments: a commit is tried again after these, in ms. */
const RETRY_MS = [50, 250, 1_000];

export interface AuctionLogParts {
  /** Writes one commit; throws where the room could not be reached. */
  readonly write: (commit: AuctionCommit) => Promise<StartAnswer>;
  /** Hears it at once when the auction may not go on, by the room's word or because it cannot be reached. */
  readonly refused: (abort: HeartbeatAbort) => void;
  /** Waits before a commit is tried again; default: a timer. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

async function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

export class AuctionLog {
  readonly #parts: AuctionLogParts;
  #waiting: Waiting[] = [];
  /** What the commit under way holds. */
  #inFlight: readonly Waiting[] = [];
  #writing = false;
  #settled: Promise<void> = Promise.resolve();
  /** After a commit that failed only bills are written: a verdict must not stand without the bid that it judged. */
  #broken: { readonly error: unknown } | null = null;

  constructor(parts: AuctionLogParts) {
    this.#parts = parts;
  }

  /**
   * Resolves once the part stands.
   *
   * @throws AuctionAborted where the auction may not go on; CallsRefused where its calls may not be started, though all
   *   else of the part stands; what the room threw
   */
  async commit(part: Partial<AuctionCommit>): Promise<void> {
    const stands = Promise.withResolvers<void>();
    this.#waiting.push({ part, stands });
    // By the next turn of the event loop, whatever follows from the same answer has joined.
    if (!this.#writing && this.#waiting.length === 1) this.#settled = nextTurn().then(() => this.#drain());
    return stands.promise;
  }

  /** As `commit`, for what nobody waits for: that the auction may not go on is heard from `refused`. */
  add(part: Partial<AuctionCommit>): void {
    this.commit(part).catch(() => undefined);
  }

  /** A call's bill, as soon as it is known: what the call brought may be recorded later, or never. */
  bill(ended: EndedCall): void {
    this.add({ ended: [ended] });
  }

  /** What was given to the log and is not known to stand. */
  unsettled(): AuctionCommit {
    return joinCommits([...this.#inFlight, ...this.#waiting].map(({ part }) => part));
  }

  /** Resolves once nothing is on its way any more; never rejects. */
  async settled(): Promise<void> {
    return this.#settled;
  }

  async #drain(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      this.#inFlight = batch;
      await this.#writeBatch(batch);
    }
    this.#inFlight = [];
    this.#writing = false;
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const commit = joinCommits(batch.map(({ part }) => part));
    try {
      const answer = await this.#writePatiently(this.#broken === null ? commit : billsOf(commit));
      if (this.#broken !== null) throw this.#broken.error;
      if (answer === "continue") {
        for (const { stands } of batch) stands.resolve();
        return;
      }
      if (answer !== "stop" && answer !== "lost") return await this.#startOneByOne(batch, answer);
      this.#parts.refused(answer);
      for (const { stands } of batch) stands.reject(new AuctionAborted(answer));
    } catch (error) {
      this.#broken ??= { error };
      // Whoever takes the auction up goes on from what stands.
      this.#parts.refused("lost");
      for (const { stands } of batch) stands.reject(error);
    }
  }

  /** Everything stands but the calls that were to be started: those of one part may fit where all together do not. */
  async #startOneByOne(batch: readonly Waiting[], refusal: SpendRefusal): Promise<void> {
    const starting = batch.filter(({ part }) => (part.started ?? []).length > 0);
    for (const one of batch) if (!starting.includes(one)) one.stands.resolve();
    const [first, ...more] = starting;
    if (more.length === 0) first?.stands.reject(new CallsRefused(refusal));
    else for (const one of starting) await this.#writeBatch([one]);
  }

  async #writePatiently(commit: AuctionCommit): Promise<StartAnswer> {
    const wait = this.#parts.wait ?? sleep;
    for (let tried = 0; ; tried += 1) {
      try {
        return await this.#parts.write(commit);
      } catch (error) {
        const ms = RETRY_MS[tried];
        if (ms === undefined) throw error;
        await wait(ms);
      }
    }
  }
}

/** The bills alone, of calls whose answers are not recorded: whoever takes the auction up asks again. */
function billsOf({ ended, bids, verdicts, embedding }: AuctionCommit): AuctionCommit {
  const bills = [
    ...ended,
    ...bids.map(({ call }) => call),
    ...verdicts.flatMap(({ calls }) => calls),
    ...(embedding === null ? [] : [embedding.call]),
  ];
  return joinCommits([{ ended: bills.map((bill) => ({ ...bill, givenUp: true })) }]);
}
