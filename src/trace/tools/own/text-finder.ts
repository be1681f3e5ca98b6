/**
 * Finds many texts in another at once (Aho and Corasick, "Efficient string matching", 1975): it looks at each character once,
 * and takes two steps for it on the average at most, whatever the texts are. One search after the other takes as many times
 * longer as there are texts, and the platform's own, where a text repeats itself, as it has characters.
 *
 * Libraries were looked at: modern-ahocorasick matches whole graphemes, so that a sign which combines with a secret's last
 * character would uncover it, and tells of every overlap by itself; @monyone/aho-corasick takes ten times the memory.
 *
 * The texts' beginnings are a tree: one node for each, the root for the empty one. A node is the place of its entry in one
 * table of numbers, since a tree of objects would have hundreds of thousands of them.
 */

export interface Span {
  readonly from: number;
  /** Behind its last character. */
  readonly to: number;
}

const ROOT = 0;
/** Texts have characters of one byte, as headers do: what a node is found by is its parent's place and such a character. */
const CODES = 256;
/** Knuth's multiplicative hash: 2^32 over the golden ratio. */
const SPREAD = 0x9e3779b1;

export class TextFinder {
  /** Length of the longest of the texts. */
  readonly longest: number;
  /** What the node here is found by; 0: there is none. */
  readonly #keys: Int32Array;
  /** By node: that of the longest beginning which this one, longer, ends with. */
  readonly #shorter: Int32Array;
  /** By node: length of the longest text which its beginning ends with; 0: none. */
  readonly #ending: Int32Array;

  /** @param texts of characters below U+0100, none empty */
  constructor(texts: readonly string[]) {
    const chars = texts.reduce((sum, { length }) => sum + length, 0);
    // Half of the places stay free, so that what is looked up is found within a few of them.
    const places = 2 ** Math.ceil(Math.log2(2 * (chars + 1)));
    this.longest = texts.reduce((longest, { length }) => Math.max(longest, length), 0);
    this.#keys = new Int32Array(places);
    this.#shorter = new Int32Array(places);
    this.#ending = new Int32Array(places);
    this.#keys[ROOT] = -1;
    this.#grow(texts);
  }

  /** Where the texts stand, in order; those that overlap are one span. */
  spansIn(text: string): readonly Span[] {
    const spans: Span[] = [];
    let node = ROOT;
    for (let at = 0; at < text.length; at++) {
      node = this.#follow(node, text.charCodeAt(at));
      const length = valueAt(this.#ending, node);
      if (length === 0) continue;
      const to = at + 1;
      let from = to - length;
      for (let last = spans.at(-1); last !== undefined && last.to > from; last = spans.at(-1)) {
        from = Math.min(from, last.from);
        spans.pop();
      }
      spans.push({ from, to });
    }
    return spans;
  }

  /** All texts by one character after the other: whatever a node falls back to is shorter, and there by then. */
  #grow(texts: readonly string[]): void {
    let growing = texts.map((text) => ({ text, node: ROOT }));
    for (let length = 1; growing.length > 0; length++) {
      for (const one of growing) {
        one.node = this.#child(one.node, one.text.charCodeAt(length - 1));
        if (one.text.length === length) this.#ending[one.node] = length;
      }
      growing = growing.filter(({ text }) => text.length > length);
    }
  }

  #child(parent: number, code: number): number {
    const key = keyOf(parent, code);
    const place = this.#placeOf(key);
    if (this.#keys[place] === key) return place;
    const shorter = parent === ROOT ? ROOT : this.#follow(valueAt(this.#shorter, parent), code);
    this.#keys[place] = key;
    this.#shorter[place] = shorter;
    this.#ending[place] = valueAt(this.#ending, shorter);
    return place;
  }

  /** The longest beginning that what was read ends with, once this character is read, too. */
  #follow(from: number, code: number): number {
    if (code >= CODES) return ROOT;
    for (let node = from; ; node = valueAt(this.#shorter, node)) {
      const key = keyOf(node, code);
      const place = this.#placeOf(key);
      if (this.#keys[place] === key) return place;
      if (node === ROOT) return ROOT;
    }
  }

  /** Where the node of this key is, or would be. */
  #placeOf(key: number): number {
    const last = this.#keys.length - 1;
    let place = (Math.imul(key, SPREAD) >>> 7) & last;
    while (this.#keys[place] !== 0 && this.#keys[place] !== key) place = (place + 1) & last;
    return place;
  }
}

/** Never 0. */
function keyOf(node: number, code: number): number {
  return node * CODES + code + 1;
}

function valueAt(numbers: Int32Array, index: number): number {
  return numbers[index] ?? 0;
}
