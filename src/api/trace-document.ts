/**
 * A task's trace as one JSON document. It is written out page by page as its client reads it: neither the room nor the Worker
 * holds all of it, and whoever reads slowly holds up nobody.
 */
import type { Context } from "hono";
import { logError } from "../log.ts";
import type { TaskId } from "../market/ids.ts";
import { TRACE_START, type TaskRoomApi, type TracePage } from "../taskroom/task-room-api.ts";
import type { ApiEnv } from "./api-env.ts";
import { Problem } from "./problem.ts";

type TraceRoom = Pick<TaskRoomApi, "readTracePage" | "readTrace">;

/** @throws Problem task_not_found */
export async function serveTrace(c: Context<ApiEnv>, room: TraceRoom, taskId: TaskId): Promise<Response> {
  const first = await firstPage(room);
  if (first === null) throw new Problem("task_not_found");
  const document = streamOf(written(taskId, pagesFrom(room, first))).pipeThrough(new TextEncoderStream());
  return c.body(document, 200, { "content-type": "application/json" });
}

/** A room of the version before has no pages: what it gives is the only one. */
async function firstPage(room: TraceRoom): Promise<TracePage | null> {
  try {
    return await room.readTracePage(TRACE_START);
  } catch (error) {
    if (!hasNoPages(error)) throw error;
    const whole = await room.readTrace();
    return whole === null ? null : { ...whole, next: null };
  }
}

/** In workerd's words: there is nothing else to tell it by. */
function hasNoPages(error: unknown): boolean {
  const unknownCall = 'does not implement the method "readTracePage"';
  return error instanceof TypeError && error.message.includes(unknownCall);
}

function streamOf(texts: AsyncGenerator<string>): ReadableStream<string> {
  return new ReadableStream({
    pull: async (controller) => {
      const text = await texts.next();
      if (text.done === true) controller.close();
      else controller.enqueue(text.value);
    },
    cancel: async () => {
      await texts.return(undefined);
    },
  });
}

async function* pagesFrom(room: TraceRoom, first: TracePage): AsyncGenerator<TracePage> {
  yield first;
  for (let after = first.next; after !== null;) {
    const page = await room.readTracePage(after);
    if (page === null) throw new Error("the task was erased while its trace was read");
    yield page;
    after = page.next;
  }
}

/** An answer that has begun cannot say what went wrong: it breaks off, and is no JSON. */
async function* written(taskId: TaskId, pages: AsyncIterable<TracePage>): AsyncGenerator<string> {
  let part: "steps" | "calls" = "steps";
  let separator = "";
  const items = (values: readonly unknown[]) => {
    if (values.length === 0) return "";
    const text = separator + values.map((value) => JSON.stringify(value)).join(",");
    separator = ",";
    return text;
  };
  try {
    yield `{"object":"trace","taskId":${JSON.stringify(taskId)},"steps":[`;
    for await (const { steps, calls, next } of pages) {
      const more = items(steps);
      const isTurn = part === "steps" && next?.part !== "steps";
      if (isTurn) [part, separator] = ["calls", ""];
      yield `${more}${isTurn ? `],"calls":[` : ""}${items(calls)}`;
    }
    yield "]}";
  } catch (error) {
    logError("trace-broken-off", error, { taskId });
    throw error;
  }
}
