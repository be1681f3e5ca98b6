/** The start of a trace's call, as the allowance commits it. */
import type { StartedCall } from "../market/call.ts";
import { ZERO_MICROS } from "../market/money.ts";
import type { Spending } from "./allowance.ts";
import type { Room } from "./room.ts";
import type { StepStartAnswer, TaskRoomApi, TraceCallTerms } from "./task-room-api.ts";
import type { TraceStage } from "./trace-stage.ts";

export type StartTraceCall = Parameters<TaskRoomApi["startTraceCall"]>;

export function traceCall(
  room: Room,
  trace: TraceStage,
  {
    generation,
    call,
    terms,
  }: { readonly generation: number; readonly call: StartedCall; readonly terms: TraceCallTerms },
): Spending<StepStartAnswer> {
  const { cut, reserveMicros = ZERO_MICROS } = terms;
  return {
    isHeld: () => trace.isHeld(generation),
    work: (refusal) => trace.startCall(generation, call, { ...terms, refusal }),
    ...(cut !== undefined && { bills: () => room.bookCall(cut) }),
    reserveMicros,
  };
}
