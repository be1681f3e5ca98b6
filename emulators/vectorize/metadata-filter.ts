/**
 * Vectorize's metadata filters: keys are joined by AND, a dot reaches into nested objects, operators compare.
 *
 * Unlike the platform, every property is filterable: which ones have a metadata index is not known here. Pure.
 */
import { z } from "zod";
import { MAX_FILTER_BYTES, MAX_FILTER_KEY_LENGTH, utf8Length } from "./limits.ts";
import type { VectorizeRefusal } from "./limits.ts";

const scalarSchema = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const operatorsSchema = z
  .strictObject({
    $eq: scalarSchema.optional(),
    $ne: scalarSchema.optional(),
    $lt: scalarSchema.optional(),
    $lte: scalarSchema.optional(),
    $gt: scalarSchema.optional(),
    $gte: scalarSchema.optional(),
    $in: z.array(scalarSchema).optional(),
    $nin: z.array(scalarSchema).optional(),
  })
  .refine((operators) => Object.keys(operators).length > 0, "no operator");

const keySchema = z
  .string()
  .min(1)
  .max(MAX_FILTER_KEY_LENGTH)
  .refine((key) => !key.startsWith("$") && !/["|]/.test(key), "not a valid filter key");

const filterSchema = z
  .record(keySchema, z.union([scalarSchema, operatorsSchema]))
  .refine((filter) => Object.keys(filter).length > 0, "filter must be a non-empty object");

export type MetadataFilter = z.infer<typeof filterSchema>;

/** @returns the filter, or why it is refused */
export function metadataFilter(
  input: unknown,
): { readonly filter: MetadataFilter } | { readonly refusal: VectorizeRefusal } {
  const parsed = filterSchema.safeParse(input);
  if (!parsed.success) {
    return {
      refusal: { code: 40026, message: `invalid filter: ${parsed.error.issues[0]?.message ?? "unknown"}` },
    };
  }
  const bytes = utf8Length(JSON.stringify(parsed.data));
  if (bytes >= MAX_FILTER_BYTES) {
    return {
      refusal: {
        code: null,
        message: `filter too large; must be less than ${MAX_FILTER_BYTES} bytes, got ${bytes} bytes`,
      },
    };
  }
  return { filter: parsed.data };
}

/** Whether a vector's metadata passes. A property that is missing equals null. */
export function passesFilter(
  metadata: Readonly<Record<string, unknown>> | null,
  filter: MetadataFilter,
): boolean {
  return Object.entries(filter).every(([key, condition]) => {
    const value = propertyAt(metadata, key);
    if (!isObject(condition)) return value === condition;
    return Object.entries(condition).every(
      ([operator, operand]) => HOLDS[operator]?.(value, operand) ?? false,
    );
  });
}

type Comparison = (value: unknown, operand: unknown) => boolean;

/** Every operator of `operatorsSchema`. Ranges hold only between values that compare. */
const HOLDS: Readonly<Record<string, Comparison>> = {
  $eq: (value, operand) => value === operand,
  $ne: (value, operand) => value !== operand,
  $in: (value, operand) => Array.isArray(operand) && operand.includes(value),
  $nin: (value, operand) => Array.isArray(operand) && !operand.includes(value),
  $lt: (value, operand) => (order(value, operand) ?? 0) < 0,
  $lte: (value, operand) => (order(value, operand) ?? 1) <= 0,
  $gt: (value, operand) => (order(value, operand) ?? 0) > 0,
  $gte: (value, operand) => (order(value, operand) ?? -1) >= 0,
};

/** Numbers with numbers, strings with strings by code unit; null: the two do not compare. */
function order(value: unknown, operand: unknown): number | null {
  if (typeof value === "number" && typeof operand === "number") return value - operand;
  if (typeof value === "string" && typeof operand === "string")
    return value < operand ? -1 : Number(value > operand);
  return null;
}

function propertyAt(metadata: Readonly<Record<string, unknown>> | null, key: string): unknown {
  let at: unknown = metadata;
  for (const part of key.split(".")) {
    if (!isObject(at) || !Object.hasOwn(at, part)) return null;
    at = at[part];
  }
  return at;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
