/**
 * How dense a conversation is, by what the providers of other agents counted of its steps.
 *
 * Each counted what it was sent itself: shortened for another window, in tokens of its own. As long as the conversation grew
 * by what came to it, nothing of it was left out there, and its count stands for all of its bytes. From the first request
 * that was smaller than that, nothing is known of what they were sent. Pure.
 */
import type { Step } from "../market/step.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { bytesOf } from "./step-sizes.ts";

/** Ours: of less than this, a count says more of the prompt than of what followed it. */
const LEAST_EVIDENCE_BYTES = 8_000;

export class CountedElsewhere {
  /** Tokens for each byte; null: nobody has counted enough of it. */
  density: number | null = null;
  readonly #leastDensity: number;
  #bytes: number;
  /** What the next request has at the least, if nothing of it is left out. */
  #leastTokens = 0;
  #isWhole = true;

  /** @param leastDensity no text has less, in tokens for each byte */
  constructor(frameBytes: number, leastDensity: number) {
    this.#bytes = frameBytes;
    this.#leastDensity = leastDensity;
  }

  /** Every step of the conversation, in its order, whoever wrote it. */
  add(step: Step): void {
    const { inputTokens, outputTokens, reasoningTokens } = step.usage;
    const { frame, answers } = bytesOf(step);
    if (step.writtenBy !== undefined && inputTokens > 0) {
      this.#isWhole &&= inputTokens >= this.#leastTokens;
      if (this.#isWhole && this.#bytes >= LEAST_EVIDENCE_BYTES) this.density = inputTokens / this.#bytes;
    }
    this.#leastTokens = inputTokens + outputTokens - reasoningTokens + this.#leastDensity * answers;
    this.#bytes += wordBytes(step) + frame + answers;
  }
}

/** As its own agent was sent it, with what only its provider reads. */
function wordBytes(step: Step): number {
  return step.assistant === null ? bytesOf(step).words : utf8Bytes(JSON.stringify(step.assistant));
}
