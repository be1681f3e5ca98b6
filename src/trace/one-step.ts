/**
 * One step of a trace: record the call, ask the winner, commit its answer, run the tools that it asked for. Where the call
 * fails, the task's room says whether there is another one.
 */
import { z } from "zod";
import type { Answer, StepAnswer, StepRequest } from "../agents/model-port.ts";
import { drawNonce } from "../market/draw.ts";
import type { CallFailure, EndedCall } from "../market/call.ts";
import { newId } from "../market/ids.ts";
import { NO_USAGE } from "../market/money.ts";
import type { AnsweredStep, JsonValue, Step } from "../market/step.ts";
import type { DeskAnswer } from "../taskroom/task-room-api.ts";
import { answerToolCalls } from "./answer-tool-calls.ts";
import { mayGoOn } from "./may-go-on.ts";
import type { TraceRun } from "./trace-run.ts";
import { SUBMIT_DESCRIPTION, submittedResult } from "./submit.ts";

/** What a call leads to: the next step, another call of the same one, a result to verify, or the end of this slice. */
export type Move =
  | { readonly next: "step"; readonly step: Step }
  /** `answered`: with words that are of no use, and not with an error. */
  | { readonly next: "again"; readonly answered: boolean }
  | { readonly next: "verify"; readonly result: string }
  | { readonly next: "leave" };

const LEAVE: Move = { next: "leave" };

/**
 * Makes a call for the step after `steps`. A holder that must stop ends the task; one that has lost it just leaves.
 *
 * @param redraws useless answers for it that this slice has had
 */
export async function oneStep(trace: TraceRun, steps: readonly Step[], redraws: number): Promise<Move> {
  const { deps, desk, room, generation, heartbeat } = trace;
  const { source, modelCallMs, modelStallMs } = deps.config;
  const step = steps.length + 1;
  const request = stepRequest(trace, steps, redraws);
  const callId = newId("cal", source);
  const boundMicros = deps.models.stepBound(desk.agent, request);
  const started = { callId, kind: "trace", agentId: desk.agent.id, boundMicros } as const;
  const begun = await room.startTraceCall(generation, started);
  if (begun === "cost_limit" || begun === "budget") {
    await room.endTrace(generation, null, begun);
    return LEAVE;
  }
  if (!(await mayGoOn(trace, null, begun))) return LEAVE;

  const deadlineAtMs = Math.min(source.now() + modelCallMs, desk.deadlineAtMs);
  const timeout = AbortSignal.timeout(Math.max(1, deadlineAtMs - source.now()));
  const signal = AbortSignal.any([heartbeat.signal, timeout]);
  const limits = { signal, deadlineAtMs, stallMs: modelStallMs };
  const answer = noteEmpty(await deps.models.step(desk.agent, request, limits));
  const ended: EndedCall = { callId, bill: answer.bill, ms: answer.ms };
  if (!answer.ok) return afterFailure(trace, ended, answer.failure);
  // A provider that reported no usage leaves the call unconfirmed: it counts at its bound.
  const billed = answer.bill.status === "billed" ? answer.bill : { usage: NO_USAGE, costMicros: boundMicros };
  const answered: AnsweredStep = {
    step,
    text: answer.value.text,
    toolCalls: answer.value.toolCalls,
    assistant: answer.value.assistant,
    usage: billed.usage,
    costMicros: billed.costMicros,
  };
  const result = submittedResult(answer.value);
  const committed = await room.commitAnswer(generation, ended, answered, result);
  if (!(await mayGoOn(trace, null, committed))) return LEAVE;
  if (result !== null) return { next: "verify", result };
  const finished = await answerToolCalls(trace, answered);
  return finished === null ? LEAVE : { next: "step", step: finished };
}

/** The task's room decides whether there is another call; the wait for it ends early for whoever is to stop. */
async function afterFailure(trace: TraceRun, ended: EndedCall, failure: CallFailure): Promise<Move> {
  const { deps, desk, room, generation, heartbeat } = trace;
  const { signal } = heartbeat;
  if (signal.aborted) {
    await mayGoOn(trace, ended, signal.reason as DeskAnswer);
    return LEAVE;
  }
  if (deps.config.source.now() >= desk.deadlineAtMs) {
    await room.endTrace(generation, ended, "deadline");
    return LEAVE;
  }
  const waitMs = await room.failTraceCall(generation, ended, failure);
  if (waitMs === null) return LEAVE;
  await deps.sleep(waitMs, signal);
  const goesOn = !signal.aborted || (await mayGoOn(trace, null, signal.reason as DeskAnswer));
  const answered = failure.reason === "empty" || failure.reason === "malformed";
  return goesOn ? { next: "again", answered } : LEAVE;
}

/** Neither words nor calls: as a step it would be asked again just as it was. */
function noteEmpty(answer: Answer<StepAnswer>): Answer<StepAnswer> {
  if (!answer.ok || answer.value.toolCalls.length > 0 || answer.value.text.trim() !== "") return answer;
  const { bill, ms, requests } = answer;
  return {
    ok: false,
    failure: { reason: "empty", message: "neither text nor tool calls" },
    bill,
    ms,
    requests,
  };
}

/** After an answer of no use a model is to draw anew: with the same seed it may say the same. */
function stepRequest({ desk, tools }: TraceRun, steps: readonly Step[], redraws: number): StepRequest {
  return {
    prompt: {
      task: desk.prompt,
      strategy: desk.strategy,
      ...(desk.steps.some(({ writtenBy }) => writtenBy !== undefined) && { continues: true }),
      earlier: (desk.earlierAttempts ?? []).map(({ verdict, result }) => ({ ...verdict, result })),
      nonce: drawNonce(desk.seed, `trace/${desk.attempt}`),
    },
    history: steps,
    tools: [
      ...tools.map(({ name, description, inputSchema, jsonSchema }) => ({
        name,
        description,
        inputSchema: jsonSchema ?? (z.toJSONSchema(inputSchema) as JsonValue),
      })),
      SUBMIT_DESCRIPTION,
    ],
    maxOutputTokens: Math.min(desk.limits.maxOutputTokens, desk.agent.maxOutputTokens),
    seed: (desk.seed + redraws) % 2 ** 31,
  };
}
