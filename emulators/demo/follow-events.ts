/**
 * A task's events from its SSE stream, to the last one, over as many connections as that takes.
 *
 * A dropped or silent stream is taken up again after the last event that arrived (`Last-Event-ID`).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createParser, type EventSourceMessage } from "eventsource-parser";
import { isLastEvent, type TaskEvent } from "../../src/market/event.ts";
import type { TextEvent } from "../../src/market/live-text.ts";
import type { Access } from "./api.ts";

/** Heartbeats come more often than this: a stream that is silent for longer is dead. */
const SILENCE_MS = 60_000;
const RECONNECT_MS = 250;
const MAX_FRUITLESS = 40;

export interface Followed {
  readonly access: Access;
  readonly taskId: string;
  /** Connections in a row that brought nothing new, before the task is given up; default: ten seconds' worth. */
  readonly maxFruitless?: number;
  /** Hears the text of steps while it is written, between the events that are yielded; absent: it is not asked for. */
  readonly onText?: (event: TextEvent) => void;
  /** True: of a task that was redriven, everything, to where the stream is closed. Default: to the first end. */
  readonly toClose?: boolean;
}

/** @throws Error when the stream cannot be had, or brings nothing new again and again */
export async function* followEvents({
  access,
  taskId,
  maxFruitless = MAX_FRUITLESS,
  onText,
  toClose = false,
}: Followed): AsyncGenerator<TaskEvent> {
  let lastId = 0;
  let hasEnded = false;
  for (let fruitless = 0; fruitless < maxFruitless; fruitless += 1) {
    try {
      for await (const message of readStream({ access, taskId, hearsText: onText !== undefined, lastId })) {
        const event = JSON.parse(message.data) as TaskEvent | TextEvent;
        fruitless = 0;
        if (event.type === "text-delta" || event.type === "text-withdrawn") {
          onText?.(event);
          continue;
        }
        lastId = Number(message.id ?? event.seq);
        yield event;
        hasEnded = isLastEvent(event);
        if (hasEnded && !toClose) return;
      }
      if (hasEnded) return;
    } catch (error) {
      if (error instanceof StreamRefused) throw error;
    }
    await sleep(RECONNECT_MS);
  }
  throw new Error(`the event stream of ${taskId} stops after event ${lastId}`);
}

class StreamRefused extends Error {}

interface Connection {
  readonly access: Access;
  readonly taskId: string;
  readonly hearsText: boolean;
  /** 0: from the first event. */
  readonly lastId: number;
}

async function* readStream({
  access,
  taskId,
  hearsText,
  lastId,
}: Connection): AsyncGenerator<EventSourceMessage> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const response = await fetch(`${access.url}/v1/tasks/${taskId}/events${hearsText ? "?text=true" : ""}`, {
      headers: {
        authorization: `Bearer ${access.key}`,
        accept: "text/event-stream",
        ...(lastId > 0 && { "last-event-id": String(lastId) }),
      },
      signal: silence.signal,
    });
    if (!response.ok || response.body === null) {
      const text = await response.text();
      const message = `the event stream of ${taskId} answered ${response.status}: ${text}`;
      throw response.status < 500 ? new StreamRefused(message) : new Error(message);
    }
    const arrived: EventSourceMessage[] = [];
    const parser = createParser({ onEvent: (message) => arrived.push(message) });
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      timer.refresh();
      parser.feed(chunk);
      yield* arrived.splice(0);
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
}
