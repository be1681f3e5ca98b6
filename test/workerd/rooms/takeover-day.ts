/** A market day on which agents leave their traces: a test says after how many steps, and who goes on. */
import { vi } from "vitest";
import type { StepRequest } from "../../../src/agents/model-port.ts";
import type { CallFailureReason } from "../../../src/market/call.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import type { TraceDeps } from "../../../src/trace/trace-run.ts";
import { ScriptedModels, type ScriptedStep } from "../../support/scripted-models.ts";
import type { EscalatedTask } from "./escalation-day.ts";
import { countingTool, traceDeps, type MarketDay } from "./market-day.ts";

export const LOOK: ScriptedStep = { tool: "http", input: {} };

/** One slice of an attempt, with these answers for the steps from 1 on; returns the calls that were made. */
export async function slice(
  { tenantId }: MarketDay,
  { taskId }: Pick<EscalatedTask, "taskId">,
  of: {
    readonly attempt: number;
    readonly steps: readonly (ScriptedStep | readonly ScriptedStep[])[];
    readonly generation?: number;
    readonly models?: ScriptedModels;
  } & Partial<Omit<TraceDeps, "models">>,
): Promise<readonly string[]> {
  const { attempt, steps, generation = attempt, models = new ScriptedModels({ steps }), ...deps } = of;
  const message = { kind: "trace", tenantId, taskId, attempt, generation } as const;
  await runSlice({ ...traceDeps(models, { tools: [countingTool()] }), ...deps }, message);
  return models.asked;
}

/** What the models are asked for, step by step. The steps of a slice are one list, which grows. */
export function requestsOf(models: ScriptedModels): readonly StepRequest[] {
  const requests: StepRequest[] = [];
  const step = models.step.bind(models);
  vi.spyOn(models, "step").mockImplementation(async (agent, request) => {
    requests.push(request as StepRequest);
    return step(agent, request);
  });
  return requests;
}

/** The attempt's agent makes these steps, all of its trace counted, and then its provider fails for good. */
export async function leaveAfter(
  day: MarketDay,
  task: Pick<EscalatedTask, "taskId">,
  of: {
    readonly attempt: number;
    readonly steps: number;
    readonly generation?: number;
    readonly fails?: CallFailureReason;
  },
): Promise<readonly string[]> {
  const { steps, fails = "misconfigured", ...rest } = of;
  return slice(day, task, { ...rest, steps: [...Array.from({ length: steps }, () => LOOK), { fails }] });
}
