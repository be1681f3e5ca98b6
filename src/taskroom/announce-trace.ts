/** Says to the queue that a trace waits to be taken up. */
import { logError } from "../log.ts";
import { FIRST_LEASE } from "../market/lease.ts";
import type { Room } from "./room.ts";

/** The message may get lost: the lease's timer announces again what nobody took. Never rejects. */
export async function announceTrace(room: Room): Promise<void> {
  const { tenantId, taskId } = room.mustOpening();
  const task = room.openTask();
  if (task?.award == null) return;
  const { attempt } = task.award;
  const generation = task.lease?.generation ?? FIRST_LEASE.generation;
  try {
    await room.config.workQueue.send({ kind: "trace", tenantId, taskId, attempt, generation });
  } catch (error) {
    logError("announce-trace", error, { taskId });
  }
}
