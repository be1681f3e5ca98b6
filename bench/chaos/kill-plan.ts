/**
 * Which failpoint the process is killed at: each that was passed so many times, the ones that are still wanted first.
 *
 * The list of failpoints is not written down anywhere: it is what the run passes. A failpoint before or after a call of
 * an object counts only where such calls write or send something: of a mere read nothing can be lost. Pure but for what it
 * remembers.
 */
import { drawOrder } from "../../src/market/draw.ts";

export interface Place {
  readonly name: string;
  readonly passed: number;
  readonly kills: number;
  /**
   * Whether a run waits for it. Behind a call of an object nothing is that is not also behind its last commit or its last
   * send, which have places themselves: there it is killed at wherever it comes.
   */
  readonly isOwed: boolean;
}

/** Passed less often than this, a place is aimed at in every life. */
const SELDOM = 12;
/** Of the others, so many: whoever is stopped at the first place that is wanted never comes to the ones behind it. */
const SHARE = 0.25;
/** What is left in the end does not come often enough to be left out. */
export const LEAST = 30;

const BEHIND_A_CALL = /^\w+Room\.|^CallHelper\./;

export class KillPlan {
  readonly #seed: number;
  readonly #wanted: number;
  readonly #passed = new Map<string, number>();
  readonly #kills = new Map<string, number>();
  /** Calls that were seen to write or send. */
  readonly #changing = new Set<string>();
  readonly #sample: ReadonlySet<string> | null;
  /** Where the process may be killed; empty: nowhere. */
  #aims: ReadonlySet<string> = new Set();
  readonly #held = new Set<string>();
  #draws = 0;

  /**
   * @param wanted kills at each place
   * @param sample the places that are wanted, also before they were passed; null: all that are passed
   */
  constructor(seed: number, wanted: number, sample: ReadonlySet<string> | null = null) {
    this.#seed = seed;
    this.#wanted = wanted;
    this.#sample = sample;
  }

  /**
   * Somebody passes a place; true: the process is to be killed while it stands exactly here.
   *
   * @param quiet nothing is known to have been written or sent here. A call that ends so was a read this time, whatever
   * others of its name do: it has no place behind it
   */
  pass(name: string, quiet: boolean): boolean {
    if (quiet && name.endsWith(".after")) return false;
    const passed = this.#passed.get(name) ?? 0;
    this.#passed.set(name, passed + 1);
    if (!quiet) this.#changing.add(callOf(name));
    const isNew = passed === 0 && this.#aims.size > 0 && this.#isWanted(name);
    if (!(this.#aims.has(name) || isNew) || this.#held.has(name)) return false;
    this.#held.add(name);
    this.#kills.set(name, (this.#kills.get(name) ?? 0) + 1);
    return true;
  }

  /** Places that somebody stands at, waiting for the kill. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** From now on the process may be killed at one place that is wanted. */
  aimAtOne(): void {
    this.#aims = new Set(this.#shuffled().slice(0, 1));
  }

  /** From now on it may at any of those that nobody or hardly anybody has come to, and at some of the others. */
  aimAtSome(): void {
    const shuffled = this.#shuffled();
    const some = Math.max(LEAST, Math.ceil(SHARE * shuffled.length));
    const seldom = shuffled.slice(some).filter((name) => (this.#passed.get(name) ?? 0) < SELDOM);
    this.#aims = new Set([...shuffled.slice(0, some), ...seldom]);
  }

  #shuffled(): string[] {
    this.#draws += 1;
    return drawOrder(this.wanted(), this.#seed, `aim ${this.#draws}`);
  }

  rest(): void {
    this.#aims = new Set();
    this.#held.clear();
  }

  /** Places that were killed at less often than they are to be, by name. */
  wanted(): string[] {
    return this.#seldom().map(({ name }) => name);
  }

  /** Those of them that a run waits for. */
  owed(): string[] {
    return this.#seldom()
      .filter(({ isOwed }) => isOwed)
      .map(({ name }) => name);
  }

  #seldom(): Place[] {
    return this.places().filter(({ kills }) => kills < this.#wanted);
  }

  /** Every place where something can be lost, by name; those of the sample also before they were passed. */
  places(): Place[] {
    return [...new Set([...this.#passed.keys(), ...(this.#sample ?? [])])]
      .filter((name) => this.#matters(name))
      .toSorted()
      .map((name) => this.#place(name));
  }

  /** Places of calls that wrote and sent nothing in the whole run. */
  quiet(): Place[] {
    return [...this.#passed.keys()]
      .filter((name) => !this.#changing.has(callOf(name)))
      .toSorted()
      .map((name) => this.#place(name));
  }

  /** Whether any place of a call was passed, wanted or not. */
  hasPassed(call: string): boolean {
    return [...this.#passed.keys()].some(
      (name) => name.startsWith(`${call}.`) || name.startsWith(`${call}[`),
    );
  }

  #place(name: string): Place {
    const isOwed = !(name.endsWith(".after") && BEHIND_A_CALL.test(name));
    return { name, passed: this.#passed.get(name) ?? 0, kills: this.#kills.get(name) ?? 0, isOwed };
  }

  #isWanted(name: string): boolean {
    return this.#matters(name) && (this.#kills.get(name) ?? 0) < this.#wanted;
  }

  #matters(name: string): boolean {
    return this.#sample?.has(name) ?? this.#changing.has(callOf(name));
  }
}

/** `TaskRoom.award` of `TaskRoom.award.committed`. */
export function callOf(name: string): string {
  return name.slice(0, name.lastIndexOf("."));
}
