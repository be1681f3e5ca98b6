/**
 * Recorded agent runs, stored step by step (a row may have 2 MB, a whole run may have more).
 *
 * What is stored here was put here over HTTP; no recording comes with the code.
 */
import { DurableObject } from "cloudflare:workers";
import type { EmulatorEnv } from "../admin/config.ts";
import { recordedStepSchema } from "./trace-schema.ts";
import type { RecordedStep, RecordedTrace } from "./trace-schema.ts";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS recordings (
  name TEXT PRIMARY KEY, task_id TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL, submission TEXT NOT NULL, steps INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS steps (name TEXT NOT NULL, k INTEGER NOT NULL, step TEXT NOT NULL, PRIMARY KEY (name, k));
`;

export interface RecordingHead {
  readonly name: string;
  readonly taskId: string;
  readonly model: string;
  readonly steps: number;
}

/** A step of the recording that a conversation belongs to. */
export interface FoundStep {
  readonly name: string;
  /** Index of the step, from 0; the last one where the conversation is longer than the recording. */
  readonly k: number;
  readonly isLast: boolean;
  readonly step: RecordedStep;
  readonly submission: string;
}

export interface StepQuery {
  readonly model: string;
  /** Text that contains the recording's prompt. */
  readonly text: string;
  readonly k: number;
}

export class RecordingsObject extends DurableObject<EmulatorEnv> {
  readonly #sql: SqlStorage;

  constructor(ctx: DurableObjectState, env: EmulatorEnv) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#sql.exec(SCHEMA);
  }

  /** Stores a run, in place of one of the same name. */
  put(name: string, trace: RecordedTrace): RecordingHead {
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec("DELETE FROM steps WHERE name = ?", name);
      this.#sql.exec(
        "INSERT OR REPLACE INTO recordings VALUES (?, ?, ?, ?, ?, ?)",
        name,
        trace.task_id,
        trace.model,
        trace.prompt,
        trace.submission,
        trace.steps.length,
      );
      for (const [k, step] of trace.steps.entries()) {
        this.#sql.exec("INSERT INTO steps VALUES (?, ?, ?)", name, k, JSON.stringify(step));
      }
    });
    return { name, taskId: trace.task_id, model: trace.model, steps: trace.steps.length };
  }

  /** @param name null: all */
  remove(name: string | null): void {
    this.#sql.exec("DELETE FROM recordings WHERE ? IS NULL OR name = ?", name, name);
    this.#sql.exec("DELETE FROM steps WHERE ? IS NULL OR name = ?", name, name);
  }

  list(): RecordingHead[] {
    return this.#sql
      .exec<{ name: string; taskId: string; model: string; steps: number }>(
        "SELECT name, task_id AS taskId, model, steps FROM recordings ORDER BY name",
      )
      .toArray();
  }

  /** Names of the models that have recordings. */
  models(): string[] {
    return this.#sql
      .exec<{ model: string }>("SELECT DISTINCT model FROM recordings ORDER BY model")
      .toArray()
      .map((row) => row.model);
  }

  /** The step to answer with; null: no recording of this model has its prompt in the text. The longest prompt wins. */
  step(query: StepQuery): FoundStep | null {
    const found = this.#sql
      .exec<{ name: string; steps: number; submission: string }>(
        "SELECT name, steps, submission FROM recordings WHERE model = ? AND instr(?, prompt) > 0 ORDER BY length(prompt) DESC, name LIMIT 1",
        query.model,
        query.text,
      )
      .toArray()[0];
    if (found === undefined) return null;
    const k = Math.min(query.k, found.steps - 1);
    const step = this.recordedStep(found.name, k);
    return step === null
      ? null
      : { name: found.name, k, isLast: k === found.steps - 1, step, submission: found.submission };
  }

  recordedStep(name: string, k: number): RecordedStep | null {
    const row = this.#sql
      .exec<{ step: string }>("SELECT step FROM steps WHERE name = ? AND k = ?", name, k)
      .toArray()[0];
    return row === undefined ? null : recordedStepSchema.parse(JSON.parse(row.step));
  }
}
