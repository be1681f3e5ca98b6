/**
 * What the task's calls may cost: no call is started beyond what the market room holds for the task.
 *
 * What is allowed comes with the opening and the award; where a call does not fit, the market room is asked for more.
 */
import type { StartedCall } from "../market/call.ts";
import { sumMicros, ZERO_MICROS, type Micros } from "../market/money.ts";
import type { SpendRefusal } from "../market/ledger/spend-refusal.ts";
import type { MarketRoomPort } from "./market-room-port.ts";
import { lineOf } from "./line.ts";
import type { Room } from "./room.ts";

export interface AllowanceParts {
  readonly room: Room;
  market(): MarketRoomPort;
}

/** What is committed with calls that start. */
export interface Spending<T> {
  /** Whether whoever wants to start them still holds the work: nothing is asked for where it will not start them. */
  readonly isHeld: () => boolean;
  /** Hears why the calls may not start; null: they may. */
  readonly work: (refusal: SpendRefusal | null) => T;
  /** What must be left behind them; absent: nothing. */
  readonly reserveMicros?: Micros;
  /** Books what ended with the same commit: what that leaves may be what the calls lack. */
  readonly bills?: () => void;
}

export class Allowance {
  readonly #parts: AllowanceParts;

  constructor(parts: AllowanceParts) {
    this.#parts = parts;
  }

  /**
   * Commits work that starts these calls. Between the last look at the allowance and the commit nothing else can come.
   *
   * @throws what the market room threw; nothing but bills is committed then
   */
  async commit<T>(calls: readonly StartedCall[], spending: Spending<T>): Promise<T> {
    const { isHeld, work, bills, reserveMicros = ZERO_MICROS } = spending;
    const { room } = this.#parts;
    const lacking = () => (isHeld() ? this.#lacking(calls, reserveMicros) : null);
    if (bills !== undefined && lacking() !== null) await room.commit(bills);
    let refusal: SpendRefusal | null =
      isHeld() && this.#passesQuote(calls, reserveMicros) ? "cost_limit" : null;
    for (let wanted = lacking(); wanted !== null && refusal === null; wanted = lacking()) {
      refusal = await this.#ask(wanted);
    }
    return room.commit(() => work(refusal));
  }

  /** Whether these calls may be started as things stand: the market room is not asked for more. */
  allows(calls: readonly StartedCall[], reserveMicros: Micros = ZERO_MICROS): boolean {
    return this.#lacking(calls, reserveMicros) === null && !this.#passesQuote(calls, reserveMicros);
  }

  /** What all calls would come to with these and what is to be left; null where that is allowed, or the task is not limited. */
  #lacking(calls: readonly StartedCall[], reserveMicros: Micros): Micros | null {
    if (calls.length === 0) return null;
    const { journal } = this.#parts.room;
    const allowed = this.#parts.room.allowanceMicros();
    if (allowed === null) return null;
    const fresh = calls.filter((call) => !journal.hasCall(call.callId)).map((call) => call.boundMicros);
    const total = sumMicros([journal.committedMicros(), ...fresh, reserveMicros]);
    return total > allowed ? total : null;
  }

  /**
   * Whether the trace would cost more than its bid was accepted for, whatever else the task may spend. Judges are its
   * verifier's.
   */
  #passesQuote(calls: readonly StartedCall[], reserveMicros: Micros): boolean {
    const { journal } = this.#parts.room;
    const award = journal.task()?.award ?? null;
    if (award?.capMicros == null) return false;
    const fresh = calls
      .filter((call) => call.kind !== "judge" && !journal.hasCall(call.callId))
      .map((call) => call.boundMicros);
    if (fresh.length === 0) return false;
    return sumMicros([journal.traceMicros(lineOf(award)), ...fresh, reserveMicros]) > award.capMicros;
  }

  async #ask(totalMicros: Micros): Promise<SpendRefusal | null> {
    const { room } = this.#parts;
    const { taskId } = room.mustOpening();
    const answer = await this.#parts.market().allow(taskId, totalMicros);
    if (!answer.ok) return answer.failure.scope === "task" ? "cost_limit" : "budget";
    room.transact(() => room.allow(answer.value));
    return null;
  }
}
