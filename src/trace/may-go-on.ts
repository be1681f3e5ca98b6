/** What a holder does about the answer to a commit: the one place where a trace obeys a stop. */
import type { EndedCall } from "../market/call.ts";
import type { DeskAnswer } from "../taskroom/task-room-api.ts";
import type { TraceRun } from "./trace-run.ts";

/**
 * False where this holder's work is over: asked to stop, it ends the task; replaced, or unable to reach its room, it leaves.
 * The room knows whether anybody has asked for a stop, and with that who pays for a call that was cut off.
 */
export async function mayGoOn(trace: TraceRun, call: EndedCall | null, answer: DeskAnswer): Promise<boolean> {
  if (answer === "continue") return true;
  if (answer === "stop" || call !== null) await trace.room.endTrace(trace.generation, call, "stopped");
  return false;
}
