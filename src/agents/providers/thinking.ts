/**
 * Reasoning that a model writes into its answer as `<think>…</think>` (Qwen3 and R1 distils without a reasoning parser).
 *
 * Only a block that the answer begins with is reasoning: in the midst of an answer it is what the answer is about, which the
 * SDK's own middleware for it would take, too. White space behind the block parts it from the words, and is none of them.
 *
 * Templates that write the beginning into the prompt leave only its end in the answer. One that stands alone on its line is
 * taken for that; one in a line of words, or in a block of code, is what the answer is about. Of an answer in pieces it comes
 * too late: what was told of it is withdrawn when the step is committed.
 */

const OPENING = "<think>";
const CLOSING = "</think>";
const THINKING = /^\s*<think>([\s\S]*?)<\/think>\s*/;
const END_ALONE = /^[ \t]*<\/think>[ \t]*\r?$/m;
const CODE = "```";

interface SplitText {
  readonly text: string;
  readonly reasoning: string;
}

/** Takes a leading thinking block off; an unclosed one means that the answer never began, one that only ends that it did. */
export function splitThinking(answer: string): SplitText {
  const closed = THINKING.exec(answer);
  if (closed !== null) return { text: answer.slice(closed[0].length), reasoning: closed[1] ?? "" };
  if (/^\s*<think>/.test(answer)) return { text: "", reasoning: answer };
  return endedThinking(answer) ?? { text: answer, reasoning: "" };
}

/** An answer whose thought began in the prompt; null: it has none. */
function endedThinking(answer: string): SplitText | null {
  const end = END_ALONE.exec(answer);
  if (end === null) return null;
  const reasoning = answer.slice(0, end.index);
  const isInCode = reasoning.split(CODE).length % 2 === 0;
  if (isInCode || reasoning.includes(OPENING)) return null;
  return { text: answer.slice(end.index + end[0].length).trimStart(), reasoning };
}

/**
 * The words of an answer that comes in pieces: what `splitThinking` leaves of the whole, each as soon as it is known to be one;
 * but for a thought that only ends, which is told with them.
 */
export class WordsInPieces {
  #at: "beginning" | "thinking" | "behind" | "words" = "beginning";
  /** White space that the answer began with. */
  #space = "";
  /** What may be the beginning of a tag. */
  #tag = "";

  /** The words that are known with this piece. */
  add(piece: string): string {
    switch (this.#at) {
      case "beginning":
        return this.#begin(piece);
      case "thinking":
        return this.#think(piece);
      case "behind":
        return this.#follow(piece);
      case "words":
        return piece;
    }
  }

  /** What was held back, and is no reasoning: the answer has ended. */
  end(): string {
    return this.#at === "beginning" ? this.#space + this.#tag : "";
  }

  #begin(piece: string): string {
    const text = this.#tag === "" ? piece.trimStart() : this.#tag + piece;
    if (this.#tag === "") this.#space += piece.slice(0, piece.length - text.length);
    if (text.startsWith(OPENING)) {
      this.#at = "thinking";
      this.#tag = "";
      return this.#think(text.slice(OPENING.length));
    }
    this.#tag = text;
    if (OPENING.startsWith(text)) return "";
    const words = this.end();
    this.#at = "words";
    return words;
  }

  #think(piece: string): string {
    const text = this.#tag + piece;
    const at = text.indexOf(CLOSING);
    if (at < 0) {
      this.#tag = text.slice(1 - CLOSING.length);
      return "";
    }
    this.#at = "behind";
    return this.#follow(text.slice(at + CLOSING.length));
  }

  #follow(piece: string): string {
    const words = piece.trimStart();
    if (words !== "") this.#at = "words";
    return words;
  }
}
