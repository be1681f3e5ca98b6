/**
 * The emulators' bindings and variables, parsed once.
 *
 * The only reader of raw variables. Every variable has a default, so that a Worker without `[vars]` runs.
 */
import { z } from "zod";
import type { CallLogObject } from "../log/call-log-object.ts";
import type { RecordingsObject } from "../recorded/recordings-object.ts";
import type { VectorIndexObject } from "../vectorize/vector-index-object.ts";

/** Raw bindings and variables, as `emulators/wrangler.toml` names them. */
export interface EmulatorEnv {
  readonly CALL_LOG: DurableObjectNamespace<CallLogObject>;
  readonly RECORDINGS: DurableObjectNamespace<RecordingsObject>;
  readonly VECTOR_INDEX: DurableObjectNamespace<VectorIndexObject>;
  readonly LATENCY_SCALE?: string;
  readonly VECTORIZE_DELAY_MS?: string;
  readonly VECTORIZE_DIMENSIONS?: string;
  readonly NATIVE_SHAPE_MODELS?: string;
  readonly EMULATOR_ORIGIN?: string;
}

const configSchema = z.object({
  LATENCY_SCALE: z.coerce.number().min(0).default(0.05),
  VECTORIZE_DELAY_MS: z.coerce.number().int().min(0).default(2000),
  VECTORIZE_DIMENSIONS: z.coerce.number().int().min(1).max(1536).default(768),
  NATIVE_SHAPE_MODELS: z.string().default(""),
  EMULATOR_ORIGIN: z.union([z.literal(""), z.url()]).default(""),
});

export interface EmulatorConfig {
  /** Multiplies the latency that a model of that size would have; 0 and more. */
  readonly latencyScale: number;
  readonly vectorizeDelayMs: number;
  readonly vectorizeDimensions: number;
  /** Bare names of models that answer the binding in the native shape. */
  readonly nativeShapeModels: ReadonlySet<string>;
  /** Origin for the tool calls of recorded agents; null: the origin of the chat call. */
  readonly origin: string | null;
}

/** @throws ZodError naming the variable that does not parse */
export function emulatorConfig(env: EmulatorEnv): EmulatorConfig {
  const vars = configSchema.parse(env);
  const names = vars.NATIVE_SHAPE_MODELS.split(",").map((name) => name.trim());
  return {
    latencyScale: vars.LATENCY_SCALE,
    vectorizeDelayMs: vars.VECTORIZE_DELAY_MS,
    vectorizeDimensions: vars.VECTORIZE_DIMENSIONS,
    nativeShapeModels: new Set(names.filter((name) => name !== "")),
    origin: vars.EMULATOR_ORIGIN === "" ? null : vars.EMULATOR_ORIGIN,
  };
}

/** There is one log, and one set of switches, for all models and both wires. */
export function callLog(env: EmulatorEnv): DurableObjectStub<CallLogObject> {
  return env.CALL_LOG.get(env.CALL_LOG.idFromName("all"));
}

/** All recordings live in one object. */
export function recordings(env: EmulatorEnv): DurableObjectStub<RecordingsObject> {
  return env.RECORDINGS.get(env.RECORDINGS.idFromName("all"));
}
