/**
 * Listeners of a task: hibernatable WebSockets, so that a listener does not keep the object awake.
 *
 * Only the Worker connects here; it turns what it reads into server-sent events. One text message is one TaskEvent, or
 * for those who asked for text one TextEvent. Whoever hears text hears every character of a step once: pieces as they are
 * written, and the rest before the step is committed. Text that comes to nothing is withdrawn.
 *
 * The text of the open step is kept in memory alone: an object that slept or died has forgotten it, and asks for it.
 */
import { isLastEvent, type TaskEvent, type TaskEventType } from "../market/event.ts";
import type { TellAnswer, TextEvent, TextPiece } from "../market/live-text.ts";
import { Listener, type Listening } from "./listener.ts";
import type { AsksListeners, Heard } from "./task-room-api.ts";

const NORMAL_CLOSURE = 1000;
/** Events that are read from the journal at a time. */
const PAGE = 100;

/** Events that make an open step's text void: it is asked for again, or never. */
const VOIDING: ReadonlySet<TaskEventType> = new Set([
  "call-failed",
  "wrap-up-asked",
  "trace-taken-up",
  "trace-lapsed",
  "task-awarded",
  "trace-handed-over",
  "task-redriven",
  "task-finished",
  "task-failed",
  "task-cancelled",
  "task-not-sold",
]);

interface StepName {
  readonly attempt: number;
  readonly step: number;
}

export interface StepText extends StepName {
  readonly text: string;
}

/** What the stream reads of its task. */
export interface StreamSource {
  /** At most `limit` events, in their order. */
  eventsAfter(seq: number, limit: number): readonly TaskEvent[];
  /** Whether nothing is to come, as far as is known. */
  isEnded(): boolean;
  /** The text of a committed step. */
  stepText(name: StepName): string;
  /** A step whose answer is committed, while its tools run; null: there is none. */
  answeredStep(): StepText | null;
  /** The step that is written next; null: no trace is awarded. */
  dueStep(): StepName | null;
}

export class EventStream {
  readonly #sockets: Pick<DurableObjectState, "acceptWebSocket" | "getWebSockets">;
  readonly #source: StreamSource;
  /** What those who hear text have heard of the open step. */
  #live: StepText | null = null;

  constructor(sockets: Pick<DurableObjectState, "acceptWebSocket" | "getWebSockets">, source: StreamSource) {
    this.#sockets = sockets;
    this.#source = source;
  }

  /** Accepts a listener and sends it the backlog; a listener that has seen the last event is closed. */
  accept(listening: Listening): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#sockets.acceptWebSocket(server);
    this.begin(server, listening);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** The backlog for a listener that was accepted. */
  begin(socket: WebSocket, listening: Listening): void {
    this.#catchUp(socket, Listener.begin(socket, listening));
  }

  /** What a reader says: that it has read on. */
  heard(socket: WebSocket, message: string | ArrayBuffer): void {
    const listener = new Listener(socket);
    if (listener.heard(message)) this.#catchUp(socket, listener);
  }

  /** Whether anybody wants to hear text. */
  isHeard(): boolean {
    return this.#listeners().some(({ listener }) => listener.text !== "unwanted");
  }

  /** With whether text is heard, for a holder that asks. */
  answer<T>(answer: T, asks: AsksListeners | undefined): Heard<T> {
    return asks === undefined ? answer : { answer, listened: this.isHeard() };
  }

  broadcast(event: TaskEvent): void {
    this.#each((listener, socket) => {
      if (this.#send(listener, event) && isLastEvent(event)) close(socket);
    });
    if (event.type === "step-committed" || this.#isVoid(event)) this.#live = null;
  }

  /** Passes a piece of the due step's text on. */
  tell(attempt: number, { step, offset, text }: TextPiece): TellAnswer {
    if (!this.isHeard()) return "unheard";
    const live = this.#live;
    const follows =
      live !== null && live.attempt === attempt && live.step === step && live.text.length === offset;
    if (offset > 0 && !follows) return "again";
    if (offset === 0) this.#withdraw({ attempt, step });
    const before = offset === 0 ? "" : (live?.text ?? "");
    this.#show({ attempt, step, text: `${before}${text}` });
    return "heard";
  }

  /** The open step's answer is committed: whoever hears text hears what is missing of it now, not when its tools are done. */
  completeText(): void {
    const answered = this.#source.answeredStep();
    if (answered !== null) this.#show(answered);
  }

  /** From the journal, page by page, until the listener has everything or is behind again. */
  #catchUp(socket: WebSocket, listener: Listener): void {
    for (;;) {
      const page = this.#source.eventsAfter(listener.seq, PAGE);
      for (const event of page) {
        if (!this.#send(listener, event)) return;
      }
      if (page.length < PAGE) break;
    }
    if (this.#source.isEnded()) return close(socket);
    if (listener.text === "unwanted") return;
    this.completeText();
    const due = this.#source.dueStep();
    if (this.#live !== null) this.#showTo(listener, this.#live);
    else if (due !== null) withdrawFrom(listener, due);
  }

  /** False where the listener is behind. */
  #send(listener: Listener, event: TaskEvent): boolean {
    // Asked once for text and event: a text larger than the window would be sent again and again, and never its step.
    const opened = listener.isOpen;
    if (opened && listener.text !== "unwanted") this.#prepareText(listener, event);
    if (!listener.sendEvent(event, { opened })) return false;
    if (event.type === "step-committed") listener.shows("none");
    return true;
  }

  #prepareText(listener: Listener, event: TaskEvent): void {
    if (event.type === "step-committed") {
      const { attempt, step } = event;
      this.#showTo(listener, { attempt, step, text: this.#source.stepText({ attempt, step }) });
    } else if (this.#isVoid(event)) {
      const due = this.#source.dueStep();
      if (due !== null) withdrawFrom(listener, due);
    }
  }

  /** A committed answer stays valid whoever runs its tools. */
  #isVoid({ type }: TaskEvent): boolean {
    return VOIDING.has(type) && this.#source.answeredStep() === null;
  }

  #show(open: StepText): void {
    this.#each((listener) => {
      if (listener.text !== "unwanted") this.#showTo(listener, open);
    });
    this.#live = open;
  }

  /** The listener shows this text from here on: what is missing of it is sent, or all of it where that is not known. */
  #showTo(listener: Listener, { attempt, step, text }: StepText): void {
    const live = this.#live;
    const goesOn =
      listener.text === "live" &&
      live !== null &&
      live.attempt === attempt &&
      live.step === step &&
      text.startsWith(live.text);
    if (!goesOn && !withdrawFrom(listener, { attempt, step })) return;
    const offset = goesOn ? live.text.length : 0;
    listener.shows("live");
    if (text.length === offset) return;
    const delta = { type: "text-delta", attempt, step, offset, text: text.slice(offset) } as const;
    listener.send(delta satisfies TextEvent);
  }

  #withdraw(name: StepName): void {
    this.#each((listener) => withdrawFrom(listener, name));
    this.#live = null;
  }

  #each(work: (listener: Listener, socket: WebSocket) => void): void {
    for (const { listener, socket } of this.#listeners()) {
      if (listener.behind) continue;
      try {
        work(listener, socket);
      } catch {
        // The listener is gone; the journal has the event for its next visit.
      }
    }
  }

  #listeners(): { readonly listener: Listener; readonly socket: WebSocket }[] {
    return this.#sockets.getWebSockets().map((socket) => ({ listener: new Listener(socket), socket }));
  }
}

/** False where the listener cannot be told, because it is behind. */
function withdrawFrom(listener: Listener, { attempt, step }: StepName): boolean {
  if (listener.text !== "live" && listener.text !== "unknown") return !listener.behind;
  const withdrawn = { type: "text-withdrawn", attempt, step } as const;
  if (!listener.send(withdrawn satisfies TextEvent)) return false;
  listener.shows("none");
  return true;
}

function close(socket: WebSocket): void {
  try {
    socket.close(NORMAL_CLOSURE, "the task has ended");
  } catch {
    // It is closed already.
  }
}
