/** Calibrations as the operator's API answers them. */
import { z } from "zod";
import { callOperator, FitError, type OperatorAccess } from "./operator-access.ts";

const micros = z.number().min(0);

const summarySchema = z.object({
  id: z.string(),
  state: z.enum(["quoted", "expired", "running", "ended"]),
  progress: z.object({ waiting: z.number(), running: z.number(), ended: z.number(), skipped: z.number() }),
});

const calibrationSchema = summarySchema.extend({
  asked: z.number(),
  suitable: z.number(),
  examined: z.number(),
  /** By reason. */
  unsuitable: z.record(z.string(), z.number()),
  runCount: z.number(),
  runsAtOnce: z.number(),
  /** Null: unknown. */
  expectedMicros: micros.nullable(),
  boundMicros: micros,
  costMicros: micros,
  expiresAt: z.string(),
  agents: z.array(
    z.object({
      agentId: z.string(),
      runs: z.number(),
      expectedMicrosPerRun: micros.nullable(),
      basis: z.enum(["own_mean", "scaled_by_price", "unknown"]),
      traces: z.number(),
    }),
  ),
  tasks: z.array(z.object({ taskId: z.string(), tools: z.array(z.string()) })),
  runs: z.array(
    z.object({
      agentId: z.string(),
      status: z.enum(["quoted", "waiting", "running", "ended", "skipped"]),
      outcome: z.enum(["pass", "fail", "unknown"]).nullable(),
      skipReason: z.string().nullable(),
      costMicros: micros.nullable(),
    }),
  ),
});

export type Calibration = z.output<typeof calibrationSchema>;

const listSchema = z.object({ data: z.array(summarySchema) });

/** The newest calibration that is accepted and not over; null: there is none. @throws FitError */
export async function runningCalibration(access: OperatorAccess): Promise<string | null> {
  const { data } = await answer(access, { method: "GET", path: "calibrations" }, listSchema);
  return data[0]?.id ?? null;
}

/** Runs nothing. @throws FitError */
export async function quoteCalibration(access: OperatorAccess, tasks: number): Promise<Calibration> {
  const request = { method: "POST", path: "calibrations", body: { tasks } };
  return answer(access, request, calibrationSchema);
}

/** Its runs begin; once more, nothing is added. @throws FitError */
export async function acceptCalibration(access: OperatorAccess, id: string): Promise<Calibration> {
  return answer(access, { method: "POST", path: `calibrations/${id}/accept` }, calibrationSchema);
}

/** @throws FitError */
export async function readCalibration(access: OperatorAccess, id: string): Promise<Calibration> {
  return answer(access, { method: "GET", path: `calibrations/${id}` }, calibrationSchema);
}

async function answer<Schema extends z.ZodType>(
  access: OperatorAccess,
  request: Parameters<typeof callOperator>[1],
  schema: Schema,
): Promise<z.output<Schema>> {
  const response = await callOperator(access, request);
  const read = schema.safeParse(await response.json());
  if (!read.success) {
    throw new FitError(`${request.path} was answered with no calibration: ${z.prettifyError(read.error)}`);
  }
  return read.data;
}
