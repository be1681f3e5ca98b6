/**
 * The study's tasks: variants of the workload, in an order drawn from a seed.
 *
 * A recurring variant adds a few words of its own, so that its family's texts resemble each other. A one-off is wrapped
 * in so many words of its own that it resembles nothing. The words are made up and mean nothing.
 */
import { drawsFor, hash32, type Draws } from "../../emulators/house/draws.ts";
import { type Bin, promptAt, workload, type WorkloadTask } from "../../emulators/workload/index.ts";
import { ONE_OFF_WORDS_PER_WORD, RECURRING_OWN_WORDS } from "./constants.ts";

/** Where the documents seem to be served. */
export const DOCS = "http://127.0.0.1:8788/docs";

export interface StudyTask {
  /** Position in the order, from 0. */
  readonly index: number;
  /** The auction's seed: everything about this task is drawn from it, in every arm. */
  readonly seed: number;
  readonly base: WorkloadTask;
  readonly bin: Bin;
  readonly recurring: boolean;
  readonly prompt: string;
}

export interface OrderOptions {
  readonly seed: number;
  readonly count: number;
  /** Share of recurring tasks, in [0, 1]. */
  readonly recurrence: number;
}

/** The tasks of one order: every task of the workload equally often, as far as the count divides. */
export function drawTasks({ seed, count, recurrence }: OrderOptions): StudyTask[] {
  const bases = Array.from({ length: count }, (_, i) => workload[i % workload.length] as WorkloadTask);
  return drawsFor(seed, "order")
    .shuffled(bases)
    .map((base, index) => {
      // The same tasks recur in a higher recurrence, and more.
      const recurring = drawsFor(seed, index, "recurs").uniform() < recurrence;
      const prompt = variant(base, recurring, drawsFor(seed, index, "words"));
      return { index, seed: auctionSeed(seed, index), base, bin: base.bin, recurring, prompt };
    });
}

/** 0 to 2^31 - 1, as admission draws it. */
function auctionSeed(seed: number, index: number): number {
  return hash32(`${seed} ${index} auction`) >>> 1;
}

function variant(base: WorkloadTask, recurring: boolean, draws: Draws): string {
  const prompt = promptAt(base, DOCS);
  const own = recurring ? RECURRING_OWN_WORDS : Math.ceil(ONE_OFF_WORDS_PER_WORD * distinctWords(prompt));
  const words = Array.from({ length: own }, () => madeUpWord(draws));
  return `Reference: ${words.join(" ")}.\n\n${prompt}`;
}

function distinctWords(text: string): number {
  return new Set(text.toLowerCase().match(/[a-z]{4,}/g)).size;
}

const ONSETS = "b d f g k l m n p r s t v z br dr kl pl st tr".split(" ");
const VOWELS = "a e i o u".split(" ");

function madeUpWord(draws: Draws): string {
  return Array.from({ length: 3 }, () => draws.pick(ONSETS) + draws.pick(VOWELS)).join("");
}
