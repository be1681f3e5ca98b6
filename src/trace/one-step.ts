/** One step of a trace: record the call, ask the winner, commit its answer, run the tools that it asked for. */
import { z } from "zod";
import type { StepRequest } from "../agents/model-port.ts";
import { drawNonce } from "../market/draw.ts";
import type { EndedCall } from "../market/call.ts";
import { newId } from "../market/ids.ts";
import { NO_USAGE } from "../market/money.ts";
import type { AnsweredStep, JsonValue, Step } from "../market/step.ts";
import type { DeskAnswer } from "../taskroom/task-room-api.ts";
import { answerToolCalls } from "./answer-tool-calls.ts";
import { mayGoOn } from "./may-go-on.ts";
import type { TraceRun } from "./trace-run.ts";
import { SUBMIT_DESCRIPTION, submittedResult } from "./submit.ts";

/** What a step leads to: another one, a result to verify, or the end of this slice. */
export type Move =
  | { readonly next: "step"; readonly step: Step }
  | { readonly next: "verify"; readonly result: string }
  | { readonly next: "leave" };

const LEAVE: Move = { next: "leave" };

/** Makes the step after `steps`. A holder that must stop ends the task; one that has lost it just leaves. */
export async function oneStep(trace: TraceRun, steps: readonly Step[]): Promise<Move> {
  const { deps, desk, room, generation, heartbeat } = trace;
  const { source, modelCallMs } = deps.config;
  const step = steps.length + 1;
  const request = stepRequest(trace, steps);
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
  const answer = await deps.models.step(desk.agent, request, { signal, deadlineAtMs });
  const ended: EndedCall = { callId, bill: answer.bill, ms: answer.ms };
  if (!answer.ok) {
    if (heartbeat.signal.aborted) {
      await mayGoOn(trace, ended, heartbeat.signal.reason as DeskAnswer);
    } else {
      const outOfTime = source.now() >= desk.deadlineAtMs;
      await room.endTrace(generation, ended, outOfTime ? "deadline" : "agent_failed");
    }
    return LEAVE;
  }
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

function stepRequest({ desk, tools }: TraceRun, steps: readonly Step[]): StepRequest {
  return {
    prompt: {
      task: desk.prompt,
      strategy: desk.strategy,
      earlier: (desk.earlierAttempts ?? []).map(({ verdict, result }) => ({ ...verdict, result })),
      nonce: drawNonce(desk.seed, `trace/${desk.attempt}`),
    },
    history: steps,
    tools: [
      ...tools.map(({ name, description, inputSchema }) => ({
        name,
        description,
        inputSchema: z.toJSONSchema(inputSchema) as JsonValue,
      })),
      SUBMIT_DESCRIPTION,
    ],
    maxOutputTokens: Math.min(desk.limits.maxOutputTokens, desk.agent.maxOutputTokens),
    seed: desk.seed,
  };
}
