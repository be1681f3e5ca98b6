/** Anything that an adapter returns, as plain JSON: `undefined` and what JSON has no word for fall away. */
import { z } from "zod";
import type { JsonValue } from "../market/step.ts";

const jsonSchema = z.json();

export function toJson(value: unknown): JsonValue {
  return jsonSchema.parse(JSON.parse(JSON.stringify(value ?? null)));
}
