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
}

/** When the process may be killed. `target`: at this place; null: at any that is still wanted. */
export type Aim = { readonly target: string | null } | null;

export class KillPlan {
  readonly #seed: number;
  readonly #wanted: number;
  readonly #passed = new Map<string, number>();
  readonly #kills = new Map<string, number>();
  /** Calls that were seen to write or send. */
  readonly #changing = new Set<string>();
  readonly #sample: ReadonlySet<string> | null;
  #aim: Aim = null;
  readonly #held = new Set<string>();
  #aims = 0;

  /**
   * @param wanted kills at each place
   * @param sample the places that are wanted, also before they were passed; null: all that are passed
   */
  constructor(seed: number, wanted: number, sample: ReadonlySet<string> | null = null) {
    this.#seed = seed;
    this.#wanted = wanted;
    this.#sample = sample;
  }

  /** Somebody passes a place; true: the process is to be killed while it stands exactly here. */
  pass(name: string, quiet: boolean): boolean {
    this.#passed.set(name, (this.#passed.get(name) ?? 0) + 1);
    if (!quiet) this.#changing.add(callOf(name));
    const isAimedAt = this.#aim?.target === null ? this.#isWanted(name) : this.#aim?.target === name;
    if (!isAimedAt || this.#held.has(name)) return false;
    this.#held.add(name);
    this.#kills.set(name, (this.#kills.get(name) ?? 0) + 1);
    return true;
  }

  /** Places that somebody stands at, waiting for the kill. */
  get heldCount(): number {
    return this.#held.size;
  }

  /** From now on the process may be killed at one place that is wanted; null where none is known. */
  aim(): string | null {
    this.#aims += 1;
    const [target] = drawOrder(this.wanted(), this.#seed, `aim ${this.#aims}`);
    this.#aim = target === undefined ? null : { target };
    return target ?? null;
  }

  /** Any other place that is wanted will do, too: one that was aimed at does not come, or others may be stood at beside it. */
  widen(): void {
    this.#aim = { target: null };
  }

  rest(): void {
    this.#aim = null;
    this.#held.clear();
  }

  /** Places that were killed at less often than they are to be, by name. */
  wanted(): string[] {
    return this.places()
      .filter(({ kills }) => kills < this.#wanted)
      .map(({ name }) => name);
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
    return { name, passed: this.#passed.get(name) ?? 0, kills: this.#kills.get(name) ?? 0 };
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
