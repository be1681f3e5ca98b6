/** Kills the process, at random moments and at failpoints, until enough was killed; and paces the workload meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import { drawsFor, type Draws } from "../../emulators/house/draws.ts";
import { isAllowed } from "./allowed.ts";
import { LEAST, type KillPlan } from "./kill-plan.ts";
import type { Lives } from "./lives.ts";
import type { Pace } from "./market-days.ts";

export interface KillerOptions {
  readonly seed: number;
  readonly tasks: number;
  readonly concurrency: number;
  /** At random moments. */
  readonly kills: number;
  readonly failpointKills: number;
  /** What is still wanted after this long is given up, and found. */
  readonly longestMs: number;
  readonly progress: (line: string) => void;
}

/** Every life has some time without a kill: work that is taken up and dropped again and again is given up. */
const CALM_MS = { least: 150, most: 700 };
const RANDOM_MS = 1_500;
/**
 * Share of the lives in which somebody may be killed while it comes up: some places are passed then and hardly ever later.
 * Once few are wanted, they seldom come: then it is every life.
 */
const EARLY = 0.5;
/** A place that was aimed at alone and does not come gives way to others. */
const AIM_MS = 1_200;
/** A life in which no wanted place comes ends all the same, as a random moment. */
const LIFE_MS = 12_000;
/** Share of the kills that find exactly one place stood at. */
const ALONE = 0.12;
/** Otherwise others may come to theirs for so long. Beyond a lease somebody else takes up what one who stands has held. */
const TOGETHER_MS = { least: 300, most: 2_400 };
const REPORT_EVERY = 10;

export class Killer implements Pace {
  readonly #lives: Lives;
  readonly #plan: KillPlan;
  readonly #options: KillerOptions;
  readonly #uncalled: () => readonly string[];
  readonly #draws: Draws;
  #died = Promise.withResolvers<void>();
  #isDying = false;
  #isStarting = false;
  /** A kill of this life is under way or set. */
  #isDue = false;
  #isOver = false;
  #begun = 0;
  #isAlone = false;
  randomKills = 0;
  placeKills = 0;
  /** By all kills together. */
  placesStoodAt = 0;
  /** From a kill to the next life, in all. */
  #startingMs = 0;

  /** @param parts.uncalled calls of objects that nobody has made yet, of those that are to be made */
  constructor(parts: {
    readonly lives: Lives;
    readonly plan: KillPlan;
    readonly options: KillerOptions;
    readonly uncalled: () => readonly string[];
  }) {
    this.#lives = parts.lives;
    this.#uncalled = parts.uncalled;
    this.#plan = parts.plan;
    this.#options = parts.options;
    this.#draws = drawsFor(parts.options.seed, "kills");
  }

  /** True: the process is killed, and whoever passes there waits for ever. */
  pass(name: string, quiet: boolean): boolean {
    if (this.#isDying) return true;
    if (!this.#plan.pass(name, quiet)) return false;
    // What is not up yet cannot be killed: whoever stands there waits.
    if (!this.#isStarting) this.#killSoon();
    return true;
  }

  /** At once; or others come to places of theirs meanwhile and are killed there, too: a kill costs seconds. */
  #killSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.placeKills += 1;
    if (this.#isAlone) return this.#kill();
    setTimeout(() => this.#kill(), this.#draws.int(TOGETHER_MS.least, TOGETHER_MS.most));
  }

  #kill(): void {
    this.#isDying = true;
    this.placesStoodAt += this.#plan.heldCount;
    this.#plan.rest();
    void this.#lives.kill().then(this.#died.resolve, this.#died.reject);
  }

  // --- Pace: there is work as long as there are kills, and in the end as much as was asked for ---

  isWanted(n: number): boolean {
    this.#begun = Math.max(this.#begun, n + 1);
    return n < this.#options.tasks || !this.#isOver;
  }

  // --- Kills ---

  async run(): Promise<void> {
    const { longestMs, kills, tasks, concurrency, progress } = this.#options;
    const startedMs = performance.now();
    for (;;) {
      const wanted = this.#wanted().length;
      const randomLeft = kills - this.randomKills;
      const allBegun = this.#begun >= Math.min(tasks, concurrency);
      // Whoever stands at a place waits for the kill.
      const stands = this.#plan.heldCount > 0;
      if (!stands && allBegun && wanted === 0 && randomLeft <= 0) break;
      if (!stands && performance.now() - startedMs > longestMs) break;
      if (!stands) await sleep(this.#draws.int(CALM_MS.least, CALM_MS.most));
      // Some five places are stood at in one kill.
      const places = (wanted * this.#options.failpointKills) / 5;
      const isFree = !this.#isDying && this.#plan.heldCount === 0;
      const random = isFree && randomLeft > 0 && this.#draws.uniform() < randomLeft / (randomLeft + places);
      if (random) await this.#killAtRandom();
      else if (!(await this.#killAtPlace())) await this.#killAtRandom();
      // Places are passed while it comes up.
      this.#isDying = false;
      this.#died = Promise.withResolvers();
      this.#isAlone = false;
      this.#isDue = false;
      if (this.#draws.uniform() < EARLY || this.#plan.owed().length <= LEAST) this.#plan.aimAtSome();
      const diedMs = performance.now();
      this.#isStarting = true;
      await this.#lives.start();
      this.#isStarting = false;
      this.#startingMs += performance.now() - diedMs;
      const done = this.randomKills + this.placeKills;
      if (done % REPORT_EVERY === 0)
        progress(
          [
            `${done} kills at ${this.placesStoodAt} places`,
            `wanted still: ${told(this.#wanted(), this.#plan.places().length)}`,
            `${this.#begun} tasks begun`,
            `starts ${Math.round(this.#startingMs / done)} ms`,
            `${Math.round((performance.now() - startedMs) / 1_000)} s`,
          ].join(", "),
        );
    }
    this.#plan.rest();
    this.#isOver = true;
  }

  /** Places to be killed at, and calls that nobody has made. */
  #wanted(): string[] {
    return [...this.#plan.owed(), ...this.#uncalled()].filter((name) => !isAllowed(name));
  }

  async #killAtRandom(): Promise<void> {
    this.#plan.rest();
    await sleep(this.#draws.int(0, RANDOM_MS));
    this.randomKills += 1;
    // Somebody who stands at a place would never go on.
    this.#kill();
    await this.#died.promise;
  }

  /** False: no place that is wanted came. */
  async #killAtPlace(): Promise<boolean> {
    if (this.#plan.heldCount > 0) this.#killSoon();
    if (this.#isDying || this.#isDue) {
      await this.#died.promise;
      return true;
    }
    this.#isAlone = this.#draws.uniform() < ALONE;
    if (this.#isAlone) {
      this.#plan.aimAtOne();
      if (await this.#diedWithin(AIM_MS)) return true;
      this.#isAlone = false;
    }
    this.#plan.aimAtSome();
    if (await this.#diedWithin(LIFE_MS)) return true;
    this.#plan.rest();
    return false;
  }

  async #diedWithin(ms: number): Promise<boolean> {
    const waiting = new AbortController();
    const died = await Promise.race([
      this.#died.promise.then(() => true),
      sleep(ms, false, { signal: waiting.signal }).catch(() => false),
    ]);
    waiting.abort();
    if (!died && this.#plan.heldCount + Number(this.#isDying) > 0) await this.#died.promise;
    return died || this.#isDying;
  }
}

/** Few are named: what a run waits for then. */
function told(names: readonly string[], places: number): string {
  return names.length > 0 && names.length <= 4 ? names.join(" ") : `${names.length} of ${places}`;
}
