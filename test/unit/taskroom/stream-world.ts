/**
 * A task whose trace writes text, its stream, and clients that come and go: everything that may happen to them, as moves.
 *
 * Sockets keep what the platform keeps with them; the stream is made anew where the object slept or died.
 */
import type { TaskEvent, TaskEventBody } from "../../../src/market/event.ts";
import type { TextEvent, TextPiece } from "../../../src/market/live-text.ts";
import { NO_USAGE, ZERO_MICROS } from "../../../src/market/money.ts";
import { NOTHING_VISIBLE, showEvent, type VisibleText } from "../../../src/market/visible-text.ts";
import { EventStream } from "../../../src/taskroom/event-stream.ts";
import { ACK, ACK_WANTED } from "../../../src/taskroom/listener-protocol.ts";

interface FakeSocket {
  readonly arrived: string[];
  open: boolean;
  attachment: unknown;
  readonly socket: WebSocket;
}

function insist(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

function aSocket(): FakeSocket {
  const fake: FakeSocket = {
    arrived: [],
    open: true,
    attachment: null,
    socket: {
      send(message: string) {
        if (!fake.open) throw new Error("closed");
        fake.arrived.push(message);
      },
      close() {
        fake.open = false;
      },
      // As the platform does: by value.
      serializeAttachment(value: unknown) {
        fake.attachment = structuredClone(value);
      },
      deserializeAttachment: () => structuredClone(fake.attachment),
    } as unknown as WebSocket,
  };
  return fake;
}

/** A client as a browser is one: it shows what it hears, and resumes after the last event. */
export class Client {
  shown: VisibleText = NOTHING_VISIBLE;
  events: TaskEvent[] = [];
  connection: FakeSocket | null = null;
  deltas = 0;

  /** Reads everything that has arrived, and says so where it is asked to. */
  read(stream: EventStream): void {
    const { connection } = this;
    if (connection === null) return;
    for (
      let message = connection.arrived.shift();
      message !== undefined;
      message = connection.arrived.shift()
    ) {
      if (message === ACK_WANTED) stream.heard(connection.socket, ACK);
      else this.#hear(JSON.parse(message) as TaskEvent | TextEvent);
    }
  }

  #hear(event: TaskEvent | TextEvent): void {
    if ("seq" in event) {
      insist(event.seq === (this.events.at(-1)?.seq ?? 0) + 1, "an event was skipped, or came twice");
      this.events.push(event);
    }
    const before = this.shown;
    this.shown = showEvent(before, event);
    if (event.type === "text-delta") {
      this.deltas += 1;
      insist(this.shown !== before, "text was missed, or came twice");
    }
    if (event.type !== "step-committed") return;
    insist(this.shown.committed.at(-1)?.text.length === event.textChars, "a step is not shown whole");
  }
}

export class StreamWorld {
  readonly clients = [new Client(), new Client(), new Client()];
  readonly #events: TaskEvent[] = [];
  readonly steps: { readonly text: string; done: boolean }[] = [];
  #sockets: FakeSocket[] = [];
  #stream: EventStream;
  /** What the holder's model has written of the due step, and how much of it was told. */
  #writing = "";
  #told = 0;
  #seed = 0;

  constructor() {
    this.#stream = this.#wake();
    this.#append({ type: "trace-taken-up", attempt: 1, generation: 1, stepsSoFar: 0 });
  }

  #wake(): EventStream {
    return new EventStream(
      {
        acceptWebSocket: () => undefined,
        getWebSockets: () => this.#sockets.filter(({ open }) => open).map(({ socket }) => socket),
      },
      {
        eventsAfter: (seq, limit) => this.#events.slice(seq, seq + limit),
        isEnded: () => false,
        stepText: ({ step }) => this.steps[step - 1]?.text ?? "",
        answeredStep: () => {
          const last = this.steps.at(-1);
          return last === undefined || last.done
            ? null
            : { attempt: 1, step: this.steps.length, text: last.text };
        },
        dueStep: () => ({ attempt: 1, step: this.steps.length + 1 }),
      },
    );
  }

  #append(body: TaskEventBody): void {
    const event = { ...body, seq: this.#events.length + 1, atMs: 0 };
    this.#events.push(event);
    this.#stream.broadcast(event);
  }

  get #toolsRun(): boolean {
    return this.steps.at(-1)?.done === false;
  }

  /** The model writes on; some calls write other words than the last one did. */
  write(chars: number): void {
    if (this.#toolsRun) return;
    const word = `${this.#seed}:${this.steps.length};`;
    this.#writing += word.repeat(Math.ceil(chars / word.length)).slice(0, chars);
  }

  /** The holder tells a piece, as `LiveText` does. */
  tell(): void {
    if (this.#toolsRun) return;
    const piece: TextPiece = {
      step: this.steps.length + 1,
      offset: this.#told,
      text: this.#writing.slice(this.#told),
    };
    if (piece.text === "") return;
    const answer = this.#stream.tell(1, piece);
    this.#told = answer === "heard" ? this.#writing.length : 0;
  }

  #again(): void {
    this.#writing = "";
    this.#told = 0;
    this.#seed += 1;
  }

  /** The call failed: the same holder makes another one. */
  fail(): void {
    if (this.#toolsRun) return;
    this.#again();
    const step = this.steps.length + 1;
    this.#append({ type: "call-failed", attempt: 1, step, reason: "timeout", failed: 1, retryInMs: 1 });
  }

  /** The holder dies; its lease lapses, and another one takes the trace up. */
  lapse(): void {
    this.#again();
    this.#append({ type: "trace-lapsed", attempt: 1, generation: 2, lapses: 1 });
    this.#append({ type: "trace-taken-up", attempt: 1, generation: 2, stepsSoFar: this.steps.length });
  }

  /** The holder dies, and the next one begins before anything of it was journaled. */
  restart(): void {
    this.#again();
  }

  answer(): void {
    if (this.#toolsRun) return;
    this.steps.push({ text: this.#writing, done: false });
    this.#again();
    this.#stream.completeText();
  }

  commit(): void {
    const last = this.steps.at(-1);
    if (last === undefined || last.done) return;
    last.done = true;
    const { length: step } = this.steps;
    const figures = { tools: [], textChars: last.text.length, usage: NO_USAGE, costMicros: ZERO_MICROS };
    this.#append({ type: "step-committed", attempt: 1, step, ...figures });
  }

  /** The object sleeps and wakes: its sockets stay, its memory does not. */
  sleep(): void {
    this.#stream = this.#wake();
  }

  /** The object dies: its sockets are gone, too, with what was under way in them. */
  crash(): void {
    for (const { client, connection } of this.clients.map((one) => ({
      client: one,
      connection: one.connection,
    }))) {
      if (connection !== null) this.#drop(client);
    }
    this.#stream = this.#wake();
  }

  connect(index: number): void {
    const client = this.clients[index];
    if (client === undefined || client.connection !== null) return;
    client.connection = aSocket();
    this.#sockets.push(client.connection);
    const after = client.events.at(-1)?.seq ?? 0;
    this.#stream.begin(client.connection.socket, { after, acks: true, text: true });
  }

  /** The connection is lost, and what had arrived and was not read with it. */
  leave(index: number): void {
    const client = this.clients[index];
    if (client !== undefined && client.connection !== null) this.#drop(client);
  }

  #drop(client: Client): void {
    this.#sockets = this.#sockets.filter((one) => one !== client.connection);
    client.connection = null;
  }

  read(index: number): void {
    this.clients[index]?.read(this.#stream);
  }

  /** Characters that wait for a client that does not read. */
  waiting(index: number): number {
    return (this.clients[index]?.connection?.arrived ?? []).reduce((sum, { length }) => sum + length, 0);
  }

  /** The step that is under way is committed, and everybody reads to the end. */
  finish(): void {
    this.write(3);
    this.answer();
    this.commit();
    for (const index of this.clients.keys()) {
      this.connect(index);
      this.read(index);
    }
  }
}
