/**
 * The tool calls of one step, answered side by side and committed together.
 *
 * At least once: a holder that dies in here is followed by one that runs the same calls with the same idempotency keys.
 */
import { toStep, type AnsweredStep, type Step, type ToolOutcome } from "../market/step.ts";
import { mayGoOn } from "./may-go-on.ts";
import type { TraceRun } from "./trace-run.ts";
import { runTool } from "./tools/run-tool.ts";

/** More tool calls in one step than this are refused, each with an error that says so. */
const MAX_CALLS_PER_STEP = 8;

/** The finished step, or null where the trace may not go on. */
export async function answerToolCalls(trace: TraceRun, answered: AnsweredStep): Promise<Step | null> {
  const { desk, room, generation, heartbeat, tools } = trace;
  if (answered.toolCalls.length === 0) return toStep(answered, []);
  const outcomes = await Promise.all(
    answered.toolCalls.map(async (call, index): Promise<ToolOutcome> => {
      if (index >= MAX_CALLS_PER_STEP) {
        const message = `At most ${MAX_CALLS_PER_STEP} tool calls run in one step; ask again for this one.`;
        return { ok: false, error: { code: "too_many_calls", message } };
      }
      return runTool(tools, call, {
        idempotencyKey: `${desk.taskId}-${desk.attempt}-${answered.step}-${index}`,
        signal: heartbeat.signal,
      });
    }),
  );
  const committed = await room.commitTools(generation, answered.step, outcomes);
  return (await mayGoOn(trace, null, committed)) ? toStep(answered, outcomes) : null;
}
