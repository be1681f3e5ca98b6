/**
 * A task's event stream: from the room's WebSocket to server-sent events, and to waiting for the end.
 *
 * The journal is the stream: an id is an event's number, so that a client resumes without gap or repetition.
 */
import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import { isLastEvent, type TaskEvent } from "../market/event.ts";
import type { ApiEnv } from "./api-env.ts";
import { Problem } from "./problem.ts";

/** The part of a task's room that listeners use. */
export interface EventSource {
  fetch(url: string, init: RequestInit): Promise<Response>;
}

const HEARTBEAT_MS = 15_000;
/** How long a client waits before it reconnects. */
const RETRY_MS = 2_000;

/** Connects to the events after `after`. @throws Problem task_not_found */
export async function listen(room: EventSource, after: number): Promise<WebSocket> {
  const response = await room.fetch(`https://task-room/events?after=${after}`, {
    headers: { Upgrade: "websocket" },
  });
  if (response.status === 404) throw new Problem("task_not_found");
  if (response.webSocket === null) throw new Problem("unavailable");
  return response.webSocket;
}

/** The events as SSE until the last one, with a comment as heartbeat. */
export function serveEvents(c: Context<ApiEnv>, socket: WebSocket, after: number): Response {
  const response = streamSSE(c, async (stream) => {
    await stream.write(`retry: ${RETRY_MS}\n\n`);
    const heartbeat = setInterval(() => void stream.write(": heartbeat\n\n"), HEARTBEAT_MS);
    stream.onAbort(() => socket.close(1000));
    try {
      await readEvents(socket, async (event) => {
        if (event.seq <= after) return;
        await stream.writeSSE({
          id: String(event.seq),
          event: event.type,
          data: JSON.stringify(event),
        });
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

/**
 * Waits for the task's last event, at most `waitMs`. A room that restarts closes its sockets: then it is asked again.
 *
 * @param connect a new socket on the task's events
 * @param isEnd the event that is waited for, where it is not the last one
 */
export async function waitForEnd(
  connect: () => Promise<WebSocket>,
  waitMs: number,
  isEnd: (event: TaskEvent) => boolean = isLastEvent,
): Promise<void> {
  const untilMs = Date.now() + waitMs;
  while (Date.now() < untilMs) {
    if (await heardEnd(await connect(), untilMs, isEnd)) return;
  }
}

/** True once the event came; false where the socket closed before, at `untilMs` at the latest. */
async function heardEnd(
  socket: WebSocket,
  untilMs: number,
  isEnd: (event: TaskEvent) => boolean,
): Promise<boolean> {
  const timer = setTimeout(() => socket.close(1000), untilMs - Date.now());
  const heard: TaskEvent[] = [];
  try {
    await readEvents(socket, async (event) => {
      heard.push(event);
      if (isEnd(event)) socket.close(1000);
    });
  } finally {
    clearTimeout(timer);
  }
  return heard.some(isEnd);
}

/** Hands every event to `consume` in order, until the room or the client closes. */
async function readEvents(socket: WebSocket, consume: (event: TaskEvent) => Promise<void>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let queue: Promise<void> = Promise.resolve();
    socket.addEventListener("message", ({ data }) => {
      queue = queue.then(() => consume(JSON.parse(String(data)) as TaskEvent));
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
