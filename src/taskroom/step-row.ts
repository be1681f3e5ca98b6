/** A step as the journal's table has it. */
import type { AnsweredStep, ToolOutcome } from "../market/step.ts";

export interface StepRow extends Record<string, SqlStorageValue> {
  attempt: number;
  body: string;
  outcomes: string | null;
}

/** `outcomes` null: the step waits for its tools. */
export interface StoredStep {
  readonly attempt: number;
  readonly answered: AnsweredStep;
  readonly outcomes: readonly ToolOutcome[] | null;
}

export function storedStep({ attempt, body, outcomes }: StepRow): StoredStep {
  return {
    attempt,
    answered: JSON.parse(body) as AnsweredStep,
    outcomes: outcomes === null ? null : (JSON.parse(outcomes) as ToolOutcome[]),
  };
}
