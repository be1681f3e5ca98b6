/** Kills the process, at random moments and at failpoints, until enough was killed; and paces the workload meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";
import { drawsFor, type Draws } from "../../emulators/house/draws.ts";
import type { KillPlan } from "./kill-plan.ts";
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
/** A place that was aimed at and does not come gives way to any other. */
const AIM_MS = 1_200;
/** A life in which no wanted place comes ends all the same, as a random moment. */
const LIFE_MS = 12_000;
/** Share of the kills that find exactly one place stood at. */
const ALONE = 0.25;
/** Others may come to theirs for so long: shorter than a lease, so that nobody is missed meanwhile. */
const TOGETHER_MS = { least: 50, most: 700 };
const REPORT_EVERY = 10;

export class Killer implements Pace {
  readonly #lives: Lives;
  readonly #plan: KillPlan;
  readonly #options: KillerOptions;
  readonly #draws: Draws;
  #died = Promise.withResolvers<void>();
  #isDying = false;
  #isOver = false;
  #begun = 0;
  randomKills = 0;
  placeKills = 0;
  /** By all kills together. */
  placesStoodAt = 0;
  /** From a kill to the next life, in all. */
  #startingMs = 0;

  constructor(parts: { readonly lives: Lives; readonly plan: KillPlan; readonly options: KillerOptions }) {
    this.#lives = parts.lives;
    this.#plan = parts.plan;
    this.#options = parts.options;
    this.#draws = drawsFor(parts.options.seed, "kills");
  }

  /** True: the process is killed, and whoever passes there waits for ever. */
  pass(name: string, quiet: boolean): boolean {
    if (this.#isDying) return true;
    if (!this.#plan.pass(name, quiet)) return false;
    if (this.#plan.heldCount === 1) this.#killSoon();
    return true;
  }

  /** At once; or others come to places of theirs meanwhile and are killed there, too: a kill costs seconds. */
  #killSoon(): void {
    this.placeKills += 1;
    const alone = this.#draws.uniform() < ALONE;
    if (alone) return this.#kill();
    this.#plan.widen();
    setTimeout(() => this.#kill(), this.#draws.int(TOGETHER_MS.least, TOGETHER_MS.most));
  }

  #kill(): void {
    this.#isDying = true;
    this.placesStoodAt += this.#plan.heldCount;
    this.#plan.rest();
    void this.#lives.kill().then(this.#died.resolve, this.#died.reject);
  }

  // --- Pace: there is work as long as there are kills, and all of it in the end ---

  mayBegin(n: number): boolean {
    const { tasks, concurrency } = this.#options;
    const may = this.#isOver || n < concurrency + tasks * this.#progress();
    if (may) this.#begun = Math.max(this.#begun, n + 1);
    return may;
  }

  isWanted(n: number): boolean {
    return n < this.#options.tasks || !this.#isOver;
  }

  #progress(): number {
    const { kills, failpointKills } = this.#options;
    const all = kills + this.#plan.places().length * failpointKills;
    return all === 0 ? 1 : Math.min(1, (this.randomKills + this.placesStoodAt) / all);
  }

  // --- Kills ---

  async run(): Promise<void> {
    const { longestMs, kills, tasks, concurrency, progress } = this.#options;
    const startedMs = performance.now();
    for (;;) {
      const wanted = this.#plan.wanted().length;
      const randomLeft = kills - this.randomKills;
      const allBegun = this.#begun >= Math.min(tasks, concurrency);
      if (allBegun && wanted === 0 && randomLeft <= 0) break;
      if (performance.now() - startedMs > longestMs) break;
      await sleep(this.#draws.int(CALM_MS.least, CALM_MS.most));
      // Some five places are stood at in one kill.
      const places = (wanted * this.#options.failpointKills) / 5;
      const random = randomLeft > 0 && this.#draws.uniform() < randomLeft / (randomLeft + places);
      if (random) await this.#killAtRandom();
      else if (!(await this.#killAtPlace())) continue;
      // Places are passed while it comes up.
      this.#isDying = false;
      this.#died = Promise.withResolvers();
      const diedMs = performance.now();
      await this.#lives.start();
      this.#startingMs += performance.now() - diedMs;
      const done = this.randomKills + this.placeKills;
      if (done % REPORT_EVERY === 0)
        progress(
          `${done} kills, ${this.#plan.wanted().length} of ${this.#plan.places().length} places wanted, ${this.#begun} tasks begun, starts ${Math.round(this.#startingMs / done)} ms, ${Math.round((performance.now() - startedMs) / 1_000)} s`,
        );
    }
    this.#plan.rest();
    this.#isOver = true;
  }

  async #killAtRandom(): Promise<void> {
    await sleep(this.#draws.int(0, RANDOM_MS));
    this.randomKills += 1;
    // Somebody who stands at a place would never go on.
    this.#kill();
    await this.#died.promise;
  }

  /** False: no place that is wanted came. */
  async #killAtPlace(): Promise<boolean> {
    this.#plan.aim();
    if (await this.#diedWithin(AIM_MS)) return true;
    this.#plan.widen();
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
