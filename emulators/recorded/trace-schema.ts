/** One recorded agent run, as `PUT /emulator/recordings/<name>` takes it. Unknown fields are dropped. */
import { z } from "zod";

export const recordedUsageSchema = z.object({
  prompt_tokens: z.int().min(0),
  completion_tokens: z.int().min(0),
  prompt_tokens_details: z.object({ cached_tokens: z.int().min(0).nullish() }).nullish(),
  completion_tokens_details: z.object({ reasoning_tokens: z.int().min(0).nullish() }).nullish(),
});

export const recordedStepSchema = z.object({
  text: z.string(),
  command: z.string(),
  output: z.string(),
  usage: recordedUsageSchema,
  cost_usd: z.number().min(0),
});

export const recordedTraceSchema = z.object({
  task_id: z.string().min(1),
  model: z.string().min(1),
  prompt: z.string().min(1),
  submission: z.string(),
  resolved: z.boolean().nullish(),
  steps: z.array(recordedStepSchema).min(1),
});

export type RecordedStep = z.infer<typeof recordedStepSchema>;
export type RecordedTrace = z.infer<typeof recordedTraceSchema>;
