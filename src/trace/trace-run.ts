/** What a slice of a trace works with. */
import type { ModelPort, StepRequest } from "../agents/model-port.ts";
import type { Heartbeat } from "../auction/heartbeat.ts";
import type { Config } from "../config.ts";
import type { CallId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import type { Verdict } from "../market/report.ts";
import type { SandboxedSpec } from "../market/verifier-spec.ts";
import type { Step } from "../market/step.ts";
import type { TraceTimes, WrapUpLimit } from "../market/wrap-up.ts";
import type { CheckResult } from "../taskroom/waiting.ts";
import type { Check } from "./checker/send-check.ts";
import type { TaskRoomApi, TraceCallTerms, TraceDesk } from "../taskroom/task-room-api.ts";
import type { LiveText } from "./live-text.ts";
import type { Tool } from "./tools/tool.ts";
import type { OpenTools, ToolSlice } from "./tools/toolbox.ts";

export interface TraceDeps {
  readonly config: Config;
  readonly models: ModelPort;
  /** Opens the tools that a task allows. Never rejects. */
  openTools(slice: ToolSlice): Promise<OpenTools>;
  /** Resolves after `ms`, or earlier when the signal aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /**
   * Decides about a result by itself alone; never throws for a bad one. Where the signal aborts, nobody waits for the
   * verdict any more.
   */
  verify(desk: SandboxedDesk, result: string, signal: AbortSignal): Promise<Verdict>;
  /** Asks a tenant's checker once. Never rejects; ends when the signal aborts. */
  check(check: Check, signal: AbortSignal): Promise<CheckResult>;
}

/** What a verifier that asks nobody must know of a trace; null: the task has none. */
export type SandboxedDesk = Pick<TraceDesk, "taskId" | "attempt"> & {
  readonly verifier: SandboxedSpec | null;
};

/** A call of a step as it is to be recorded and made. */
export interface PlannedCall {
  readonly callId: CallId;
  readonly request: StepRequest;
  readonly boundMicros: Micros;
  readonly terms: TraceCallTerms;
}

/** How far a trace has come, as far as is committed. */
export interface Progress {
  readonly steps: readonly Step[];
  /** Useless answers for the step that is due that this slice has had. */
  readonly redraws: number;
  /** Steps, from 1, each as often as a call for it was refused as longer than the agent's window. */
  readonly refused: readonly number[];
  /** The limit for which the agent was asked to wrap up; null: it was not. */
  readonly wrapUp: WrapUpLimit | null;
  /** Of this attempt's calls to its agent, in milliseconds; 0: none has ended. */
  readonly longestCallMs: number;
  /** The call for the step that is due, where it is started already; null: it is not. */
  readonly begun: PlannedCall | null;
}

/** With one more step. */
export function withStep(
  progress: Progress,
  { step, callMs }: { readonly step: Step; readonly callMs: number },
): Progress {
  const longestCallMs = Math.max(progress.longestCallMs, callMs);
  return { ...progress, steps: [...progress.steps, step], redraws: 0, longestCallMs, begun: null };
}

/** Null: its room is of the version before, and tells of no times. */
export function timesOf(
  { desk }: Pick<TraceRun, "desk">,
  { longestCallMs }: Pick<Progress, "longestCallMs">,
): TraceTimes | null {
  const { awardedAtMs, deadlineAtMs } = desk;
  return awardedAtMs === undefined ? null : { awardedAtMs, deadlineAtMs, longestCallMs };
}

/**
 * Whether its room is of the version before: it goes on behind a submission that is committed with its tools' answers, and
 * would have a call that was refused for its length made without end.
 */
export function isOlderRoom({ desk }: Pick<TraceRun, "desk">): boolean {
  return desk.refused === undefined;
}

/** A trace under way in this slice. */
export interface TraceRun {
  readonly deps: TraceDeps;
  readonly room: TaskRoomApi;
  readonly desk: TraceDesk;
  readonly generation: number;
  /** When its slice is over, in milliseconds since 1970: no other call is begun then. */
  readonly untilMs: number;
  readonly heartbeat: Heartbeat;
  readonly live: LiveText;
  /** The tools that this task allows. */
  readonly tools: readonly Tool[];
}
