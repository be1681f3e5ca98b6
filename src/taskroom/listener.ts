/**
 * One listener of a task: a hibernatable WebSocket, and what is known of it, kept with the socket, so that the object may
 * sleep between two events.
 *
 * A reader that says so (`acks`) is sent no more than it reads: beyond a window it is `behind`, and gets the rest from
 * the journal once it has acknowledged. It is asked to when half of the window is out.
 */
import { ACK, ACK_WANTED } from "./listener-protocol.ts";

/** Characters on their way to one reader. Ours: some hundred events, and little beside an object's 128 MB. */
const WINDOW_CHARS = 256 * 1024;

interface ListenerState {
  /** The last event that was sent. */
  readonly seq: number;
  readonly acks: boolean;
  readonly behind: boolean;
  /** Characters that are not acknowledged, and those of them that came after an acknowledgement was asked for. */
  readonly unread: number;
  readonly sinceAsked: number | null;
  readonly text: TextState;
}

/**
 * What a listener shows of the open step's text: it wants none, has none, has what the room has broadcast of it, or may
 * have anything.
 */
export type TextState = "unwanted" | "none" | "live" | "unknown";

export interface Listening {
  /** The event that the listener has already. */
  readonly after: number;
  readonly acks: boolean;
  readonly text: boolean;
}

/** As the reader's request says it. */
export function listening({ url }: Request): Listening {
  const asked = new URL(url).searchParams;
  return {
    after: Number(asked.get("after") ?? 0),
    acks: asked.get("acks") === "1",
    text: asked.get("text") === "1",
  };
}

export class Listener {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  static begin(socket: WebSocket, { after, acks, text }: Listening): Listener {
    const listener = new Listener(socket);
    // One that resumes may have been in the midst of a step.
    const shows = after > 0 ? "unknown" : "none";
    const unread = { behind: false, unread: 0, sinceAsked: null } as const;
    listener.#put({ seq: after, acks, text: text ? shows : "unwanted", ...unread });
    return listener;
  }

  get seq(): number {
    return this.#state().seq;
  }

  get behind(): boolean {
    return this.#state().behind;
  }

  get text(): TextState {
    return this.#state().text;
  }

  /** Whether its window takes more. */
  get isOpen(): boolean {
    const { acks, unread } = this.#state();
    return !acks || unread < WINDOW_CHARS;
  }

  /**
   * Sends an event of the journal; false, and the listener is behind, where its window is full.
   *
   * @param opened the window was open before what belongs to the event, which may be larger than the window
   */
  sendEvent(event: { readonly seq: number }, { opened }: { readonly opened: boolean }): boolean {
    if (!this.#send(event, opened)) return false;
    this.#put({ ...this.#state(), seq: event.seq });
    return true;
  }

  send(message: object): boolean {
    return this.#send(message, false);
  }

  #send(message: object, opened: boolean): boolean {
    const state = this.#state();
    if (state.behind) return false;
    if (!opened && !this.isOpen) {
      this.#fallBehind(state);
      return false;
    }
    const body = JSON.stringify(message);
    this.#socket.send(body);
    if (!state.acks) return true;
    const unread = state.unread + body.length;
    const asks = state.sinceAsked === null && unread >= WINDOW_CHARS / 2;
    if (asks) this.#socket.send(ACK_WANTED);
    const since = state.sinceAsked === null ? null : state.sinceAsked + body.length;
    this.#put({ ...state, unread, sinceAsked: asks ? 0 : since });
    return true;
  }

  /** What the reader says. True where it was behind, and is not any more. */
  heard(message: string | ArrayBuffer): boolean {
    const state = this.#state();
    if (message !== ACK || state.sinceAsked === null) return false;
    // What came after the question may be half a window again.
    const asks = state.sinceAsked >= WINDOW_CHARS / 2;
    this.#put({ ...state, behind: false, unread: state.sinceAsked, sinceAsked: asks ? 0 : null });
    if (asks) this.#socket.send(ACK_WANTED);
    return state.behind;
  }

  shows(text: Exclude<TextState, "unwanted">): void {
    const state = this.#state();
    if (state.text !== "unwanted" && state.text !== text) this.#put({ ...state, text });
  }

  #fallBehind(state: ListenerState): void {
    const text = state.text === "live" ? "unknown" : state.text;
    this.#put({ ...state, behind: true, text });
  }

  #state(): ListenerState {
    // A listener that was accepted by a version before this one has no state: it gets every event as it comes.
    return (this.#socket.deserializeAttachment() as ListenerState | null) ?? FROM_BEFORE;
  }

  #put(state: ListenerState): void {
    this.#socket.serializeAttachment(state);
  }
}

const FROM_BEFORE: ListenerState = {
  seq: 0,
  acks: false,
  behind: false,
  unread: 0,
  sinceAsked: null,
  text: "unwanted",
};
