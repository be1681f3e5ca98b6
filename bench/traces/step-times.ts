/**
 * What a step takes beside its model. Pure.
 *
 * A step goes from the commit before it (or from when its trace was taken up) to its own: recording the call, the request,
 * reading the answer, its commit, its tools, theirs. Of that, the model's part is taken as the Worker saw it: from the
 * request until the last byte of the answer.
 */
import type { TaskEvent } from "../../src/market/event.ts";

export interface CallTimes {
  readonly ms: number;
}

export interface StepFacts {
  readonly events: readonly TaskEvent[];
  /** The first tool call's id of each step, by attempt and number: an emulated model puts its log's row into it. */
  readonly toolCallIds: ReadonlyMap<string, string>;
  /** By row of the models' log. */
  readonly calls: ReadonlyMap<string, CallTimes>;
  /** By task and step. */
  readonly tools: ReadonlyMap<string, CallTimes>;
  readonly taskId: string;
}

export interface StepTimes {
  /** The whole step, ms. */
  readonly wallMs: number;
  readonly modelMs: number;
  /** What its tools ran, and the way to the room before and after; 0: none ran. */
  readonly toolMs: number;
  /** What is not the model's, tools included. */
  readonly overheadMs: number;
  /** Tools ran in it; the last step of a trace has none. */
  readonly ranTools: boolean;
  /** A slice ended before it: it went through the queue. */
  readonly handedOn: boolean;
}

/** Steps whose call is known; one that was called twice counts with the second call, and stands out by it. */
export function stepTimes({ events, toolCallIds, calls, tools, taskId }: StepFacts): StepTimes[] {
  const times: StepTimes[] = [];
  let sinceMs: number | null = null;
  let handedOn = false;
  for (const event of events) {
    if (event.type === "trace-taken-up") {
      handedOn = event.stepsSoFar > 0;
      sinceMs ??= event.atMs;
    }
    if (event.type !== "step-committed") continue;
    const row = /-(\d+)$/.exec(toolCallIds.get(`${event.attempt}/${event.step}`) ?? "")?.[1];
    const call = row === undefined ? undefined : calls.get(row);
    if (call !== undefined && sinceMs !== null) {
      const wallMs = event.atMs - sinceMs;
      const ranTools = event.tools.some(({ name }) => name !== "submit");
      const toolMs = tools.get(`${taskId}/${event.step}`)?.ms ?? 0;
      times.push({
        wallMs,
        modelMs: call.ms,
        toolMs,
        overheadMs: wallMs - call.ms,
        ranTools,
        handedOn,
      });
    }
    sinceMs = event.atMs;
    handedOn = false;
  }
  return times;
}
