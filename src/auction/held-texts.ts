/**
 * Texts that a call helper holds for the runs that it works for: six jurors read the same strategies.
 *
 * A helper may forget them at any time, as an object that was idle for a while does: whoever sent them sends them again.
 */
/** Place of a text among those of its run. */
export type TextAt = number;

/** The helper has forgotten a text, and made no call. */
export const TEXTS_MISSING = "texts-missing";
export type TextsMissing = typeof TEXTS_MISSING;

export class HeldTexts {
  readonly #runs = new Map<string, Map<TextAt, string>>();

  hold(run: string, from: TextAt, texts: readonly string[]): void {
    const held = this.#runs.get(run) ?? new Map<TextAt, string>();
    this.#runs.set(run, held);
    for (const [at, text] of texts.entries()) held.set(from + at, text);
  }

  /** The texts at these places; null where one of them is not here. */
  all(run: string, places: readonly TextAt[]): string[] | null {
    const held = this.#runs.get(run);
    const texts = places.map((at) => held?.get(at));
    return texts.every((text) => text !== undefined) ? texts : null;
  }

  release(run: string): void {
    this.#runs.delete(run);
  }
}

/** The sender's side for one helper: which texts its calls refer to, and whether the helper has them. */
export class SentTexts {
  readonly #send: (from: TextAt, texts: readonly string[]) => Promise<void>;
  readonly #places = new Map<string, TextAt>();
  /** How many are sent, or on their way. */
  #sent = 0;
  #sending: Promise<void> = Promise.resolve();

  constructor(send: (from: TextAt, texts: readonly string[]) => Promise<void>) {
    this.#send = send;
  }

  at(text: string): TextAt {
    const known = this.#places.get(text) ?? this.#places.size;
    this.#places.set(text, known);
    return known;
  }

  /** Resolves once the helper has every text that was named so far. Rejects where it could not be reached. */
  async arrive(): Promise<void> {
    const from = this.#sent;
    const fresh = [...this.#places.keys()].slice(from);
    this.#sent = this.#places.size;
    if (fresh.length > 0)
      this.#sending = Promise.all([this.#sending, this.#send(from, fresh)]).then(() => undefined);
    return this.#sending;
  }

  /** The helper has forgotten: all are sent again. */
  async arriveAgain(): Promise<void> {
    this.#sent = 0;
    return this.arrive();
  }
}
