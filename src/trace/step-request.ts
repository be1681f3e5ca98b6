/** What a trace's agent is asked for its next step. */
import { z } from "zod";
import type { StepRequest } from "../agents/model-port.ts";
import { drawNonce } from "../market/draw.ts";
import type { JsonValue } from "../market/step.ts";
import type { WrapUpLimit } from "../market/wrap-up.ts";
import { SUBMIT_DESCRIPTION } from "./submit.ts";
import type { Progress, TraceRun } from "./trace-run.ts";

/**
 * The same conversation for whoever holds the trace, with the step's tools even where none of them will run: what comes
 * before the last message is what the step before was asked, so that the provider's prompt cache stays warm.
 *
 * After an answer of no use a model is to draw anew: with the same seed it may say the same.
 */
export function stepRequest(
  { desk, tools }: TraceRun,
  { steps, redraws }: Progress,
  wrapUp: WrapUpLimit | null,
): StepRequest {
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
        inputSchema: jsonSchema ?? shownSchema(inputSchema),
      })),
      SUBMIT_DESCRIPTION,
    ],
    maxOutputTokens: Math.min(desk.limits.maxOutputTokens, desk.agent.maxOutputTokens),
    seed: (desk.seed + redraws) % 2 ** 31,
    ...(wrapUp !== null && { wrapUp }),
  };
}

const shown = new WeakMap<z.ZodType, JsonValue>();

/** Of the house's own tools, which are the same for every step of every trace. */
function shownSchema(schema: z.ZodType): JsonValue {
  const known = shown.get(schema);
  if (known !== undefined) return known;
  const made = z.toJSONSchema(schema) as JsonValue;
  shown.set(schema, made);
  return made;
}
