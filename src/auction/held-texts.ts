/**
 * Texts that a call helper holds for the runs that it works for, and those that its calls are to find there.
 *
 * Calls and texts travel apart and may overtake each other: a call waits for its texts.
 */
import type { TextAt } from "./call-helper.ts";

interface Held {
  readonly texts: Map<TextAt, string>;
  waiting: (() => void)[];
}

export class HeldTexts {
  readonly #runs = new Map<string, Held>();

  hold(run: string, from: TextAt, texts: readonly string[]): void {
    const held = this.#of(run);
    for (const [at, text] of texts.entries()) held.texts.set(from + at, text);
    const { waiting } = held;
    held.waiting = [];
    for (const look of waiting) look();
  }

  /** The texts at these places, once all of them are there; never, where they do not come. */
  async all(run: string, places: readonly TextAt[]): Promise<string[]> {
    const held = this.#of(run);
    while (!places.every((at) => held.texts.has(at))) {
      await new Promise<void>((resolve) => held.waiting.push(resolve));
    }
    return places.map((at) => held.texts.get(at) ?? "");
  }

  release(run: string): void {
    this.#runs.delete(run);
  }

  #of(run: string): Held {
    const held = this.#runs.get(run) ?? { texts: new Map<TextAt, string>(), waiting: [] };
    this.#runs.set(run, held);
    return held;
  }
}

/** The sender's side for one helper: which texts it has been given, and where. */
export class SentTexts {
  readonly #places = new Map<string, TextAt>();
  #fresh: string[] = [];

  at(text: string): TextAt {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    const at = this.#places.size;
    this.#places.set(text, at);
    this.#fresh.push(text);
    return at;
  }

  /** What was named since the last time and is still to be sent; null where there is nothing. */
  takeFresh(): { readonly from: TextAt; readonly texts: readonly string[] } | null {
    if (this.#fresh.length === 0) return null;
    const texts = this.#fresh;
    this.#fresh = [];
    return { from: this.#places.size - texts.length, texts };
  }
}
