/**
 * Listeners of a task: hibernatable WebSockets, so that a listener does not keep the object awake.
 *
 * Only the Worker connects here; it turns what it reads into server-sent events. One text message is one TaskEvent.
 */
import { isLastEvent, type TaskEvent } from "../market/event.ts";

const NORMAL_CLOSURE = 1000;

export class EventStream {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Accepts a listener and sends it the backlog; a listener that has seen the last event is closed. */
  accept(backlog: readonly TaskEvent[], ended: boolean): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    for (const event of backlog) server.send(JSON.stringify(event));
    if (ended) server.close(NORMAL_CLOSURE, "the task has ended");
    return new Response(null, { status: 101, webSocket: client });
  }

  broadcast(event: TaskEvent): void {
    const message = JSON.stringify(event);
    for (const socket of this.#ctx.getWebSockets()) {
      try {
        socket.send(message);
        if (isLastEvent(event)) socket.close(NORMAL_CLOSURE, "the task has ended");
      } catch {
        // The listener is gone; the journal has the event for its next visit.
      }
    }
  }
}
