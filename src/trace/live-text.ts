/**
 * The text of the steps that this slice's holder has its model write, on its way to whoever listens: in pieces, one at a
 * time and not too often, and only while the room says that somebody does.
 */
import type { TextSink } from "../agents/model-port.ts";
import type { TellAnswer, TextPiece } from "../market/live-text.ts";
import type { Heard } from "../taskroom/task-room-api.ts";

/** Text gathers for so long. Ours: it reads as written, and costs the room a few requests a second while it is read. */
const GATHER_MS = 150;
/** Longest piece, in characters. */
const MAX_PIECE_CHARS = 64 * 1024;

export class LiveText {
  readonly #tell: (piece: TextPiece) => Promise<TellAnswer>;
  #listened = false;
  /** Who holds the trace now is somebody else. */
  #lost = false;
  /** The step that is written; null: none is. */
  #step: number | null = null;
  #text = "";
  #sent = 0;
  /** Counts beginnings: what is heard of a piece of an earlier one says nothing about this one. */
  #beginning = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #sending: Promise<void> | null = null;

  constructor(tell: (piece: TextPiece) => Promise<TellAnswer>) {
    this.#tell = tell;
  }

  /** The answer, once it is noted whether anybody listens. */
  heed<T extends string>(heard: Heard<T>): T {
    if (typeof heard === "string") return heard;
    this.#listened = heard.listened;
    this.#schedule();
    return heard.answer;
  }

  /** Hears the text of a step. */
  of(step: number): TextSink {
    return {
      begin: () => {
        this.#step = step;
        this.#restart();
        this.#text = "";
      },
      add: (text) => {
        this.#text += text;
        this.#schedule();
      },
    };
  }

  /** Nothing more is told of this step; what is under way has arrived. */
  async settle(): Promise<void> {
    this.#step = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#sending;
  }

  #restart(): void {
    this.#sent = 0;
    this.#beginning += 1;
  }

  #schedule(): void {
    if (!this.#listened || this.#lost || this.#step === null || this.#sent >= this.#text.length) return;
    if (this.#timer !== null || this.#sending !== null) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#sending = this.#send().finally(() => {
        this.#sending = null;
        this.#schedule();
      });
    }, GATHER_MS);
  }

  /** Never rejects: nothing depends on it. */
  async #send(): Promise<void> {
    if (this.#step === null) return;
    const offset = this.#sent;
    const text = this.#text.slice(offset, offset + MAX_PIECE_CHARS);
    const beginning = this.#beginning;
    const answer = await this.#tell({ step: this.#step, offset, text }).catch(() => "unheard" as const);
    switch (answer) {
      case "heard":
        if (beginning === this.#beginning) this.#sent = offset + text.length;
        return;
      case "again":
        return this.#restart();
      case "unheard":
        this.#listened = false;
        return this.#restart();
      case "lost":
        this.#lost = true;
    }
  }
}
