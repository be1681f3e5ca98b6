/**
 * A task's event stream: from the room's WebSocket to server-sent events, and to waiting for the end.
 *
 * The journal is the stream: an id is an event's number, so that a client resumes without gap or repetition. Text that
 * is told while it is written has no id: a client resumes after an event.
 *
 * A client that does not read holds nothing up but itself: the room sends no more than is acknowledged, and whoever has
 * not read for a minute is hung up on, and may resume.
 */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { logError } from "../log.ts";
import type { TaskEvent } from "../market/event.ts";
import type { TextEvent } from "../market/live-text.ts";
import { ACK, ACK_WANTED } from "../taskroom/listener-protocol.ts";
import type { ApiEnv } from "./api-env.ts";
import { Problem } from "./problem.ts";

/** The part of a task's room that listeners use. */
export interface EventSource {
  fetch(url: string, init: RequestInit): Promise<Response>;
}

const HEARTBEAT_MS = 15_000;
/** Heartbeats during which a client has read nothing of what was there for it, before it is hung up on. */
const SLOW_BEATS = 4;
/** How long a client waits before it reconnects. */
const RETRY_MS = 2_000;

/** Connects to the events after `after`, and to text where it is wanted. @throws Problem task_not_found */
export async function listen(
  room: EventSource,
  { after, text = false }: { readonly after: number; readonly text?: boolean },
): Promise<WebSocket> {
  const query = `after=${after}&acks=1${text ? "&text=1" : ""}`;
  const response = await room.fetch(`https://task-room/events?${query}`, {
    headers: { Upgrade: "websocket" },
  });
  if (response.status === 404) throw new Problem("task_not_found");
  if (response.webSocket === null) throw new Problem("unavailable");
  return response.webSocket;
}

/** The events as SSE until the last one, with a comment as heartbeat. */
export function serveEvents(c: Context<ApiEnv>, socket: WebSocket, after: number): Response {
  const response = streamSSE(c, async (stream) => {
    const pace = new Pace();
    const heartbeat = setInterval(() => {
      if (pace.isSlow()) stream.abort();
      else if (!pace.isWriting()) void pace.write(stream.write(": heartbeat\n\n"));
    }, HEARTBEAT_MS);
    stream.onAbort(() => socket.close(1000));
    try {
      await pace.write(stream.write(`retry: ${RETRY_MS}\n\n`));
      await readEvents(socket, async (event) => {
        if ("seq" in event && event.seq <= after) return;
        const id = "seq" in event ? { id: String(event.seq) } : {};
        await pace.write(stream.writeSSE({ ...id, event: event.type, data: JSON.stringify(event) }));
      });
    } finally {
      clearInterval(heartbeat);
    }
  });
  // Set here, because the stream's own headers come over those of the context.
  response.headers.set("Cache-Control", "no-cache, no-transform");
  response.headers.set("X-Accel-Buffering", "no");
  return response;
}

/** Whether a client reads what is written for it. */
class Pace {
  #writing = 0;
  #beats = 0;

  async write(work: Promise<unknown>): Promise<void> {
    this.#writing += 1;
    await work;
    this.#writing -= 1;
    this.#beats = 0;
  }

  isWriting(): boolean {
    return this.#writing > 0;
  }

  /** Asked once per heartbeat. */
  isSlow(): boolean {
    this.#beats = this.isWriting() ? this.#beats + 1 : 0;
    return this.#beats > SLOW_BEATS;
  }
}

/** The event that is waited for, and for how long at most. */
export interface Wait {
  readonly waitMs: number;
  readonly isEnd: (event: TaskEvent) => boolean;
}

/** What the room shows once the event has come or the wait is over; null where the room cannot be reached. */
export async function viewAfter<T>(room: EventSource, wait: Wait, view: () => Promise<T>): Promise<T | null> {
  try {
    await waitForEnd(room, wait);
    return await view();
  } catch (error) {
    logError("view-after-admission", error);
    return null;
  }
}

/** A room that restarts closes its sockets: then it is asked again. */
async function waitForEnd(room: EventSource, { waitMs, isEnd }: Wait): Promise<void> {
  const untilMs = Date.now() + waitMs;
  while (Date.now() < untilMs) {
    if (await heardEnd(await listen(room, { after: 0 }), untilMs, isEnd)) return;
  }
}

/** True once the event came; false where the socket closed before, at `untilMs` at the latest. */
async function heardEnd(
  socket: WebSocket,
  untilMs: number,
  isEnd: (event: TaskEvent) => boolean,
): Promise<boolean> {
  const timer = setTimeout(() => socket.close(1000), untilMs - Date.now());
  let heard = false;
  try {
    await readEvents(socket, async (event) => {
      if (!("seq" in event) || !isEnd(event)) return;
      heard = true;
      socket.close(1000);
    });
  } finally {
    clearTimeout(timer);
  }
  return heard;
}

/** Hands everything to `consume` in order, and says so to the room where it asks, until the room or the client closes. */
async function readEvents(
  socket: WebSocket,
  consume: (event: TaskEvent | TextEvent) => Promise<void>,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let queue: Promise<void> = Promise.resolve();
    socket.addEventListener("message", ({ data }) => {
      queue = queue.then(() =>
        data === ACK_WANTED
          ? acknowledge(socket)
          : consume(JSON.parse(String(data)) as TaskEvent | TextEvent),
      );
      queue.catch(reject);
    });
    const finish = () => void queue.then(resolve, reject);
    socket.addEventListener("close", () => {
      socket.close(1000);
      finish();
    });
    socket.addEventListener("error", finish);
    socket.accept();
  });
}

function acknowledge(socket: WebSocket): void {
  try {
    socket.send(ACK);
  } catch {
    // Closed meanwhile: there is nothing more to send.
  }
}
