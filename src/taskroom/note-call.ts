/** What the start of a trace's call says beside its money: that its agent is asked to wrap up, and what it is sent without. */
import type { WrapUpLimit } from "../market/wrap-up.ts";
import { wrapUpOf, type TaskDoc } from "./journal.ts";
import type { Room } from "./room.ts";
import type { LeftOut } from "./task-room-api.ts";

interface NotedCall {
  /** The step that it is for. */
  readonly step: number;
  readonly wrapUp: WrapUpLimit | undefined;
  readonly leftOut: LeftOut | undefined;
}

/** Told once, whoever makes the call how often; returns the task with it. */
export function noteCall(
  room: Room,
  { task, attempt }: { readonly task: TaskDoc; readonly attempt: number },
  { step, wrapUp, leftOut }: NotedCall,
): TaskDoc {
  let noted = task;
  const before = task.leftOut?.attempt === attempt ? task.leftOut.characters : 0;
  if (leftOut !== undefined && leftOut.characters > before) {
    room.append({ type: "context-compacted", attempt, step, ...leftOut });
    noted = { ...noted, leftOut: { attempt, ...leftOut } };
  }
  if (wrapUp !== undefined && wrapUpOf(task) === null) {
    room.append({ type: "wrap-up-asked", attempt, step, limit: wrapUp });
    // Its calls are counted anew: it may be refused for a moment, too.
    noted = { ...noted, wrapUp: { attempt, limit: wrapUp }, failedCalls: 0 };
  }
  return noted;
}
