/**
 * What a tenant may ask to be checked about a trace's result.
 *
 * Only the shape stands here, because every room names it; the checks themselves run in `trace/verifiers`.
 * A task without a verifier finishes `unknown`: done is not the same as right.
 */
import { z } from "zod";

const MAX_PATTERN_CHARS = 2_000;
const MAX_TEST_CHARS = 65_536;
const MAX_EXPECTED_CHARS = 65_536;
const MAX_SCHEMA_CHARS = 65_536;
const FLAGS = /^[imsu]*$/;

/** The result, trimmed unless `trim` is false, is exactly `expected`. */
const equalsSpec = z.strictObject({
  type: z.literal("equals"),
  expected: z.string().max(MAX_EXPECTED_CHARS),
  trim: z.boolean().default(true),
  ignoreCase: z.boolean().default(false),
});

/** Some part of the result matches an ECMAScript regular expression (anchor it to match the whole). */
const regexSpec = z
  .strictObject({
    type: z.literal("regex"),
    pattern: z.string().min(1).max(MAX_PATTERN_CHARS),
    flags: z.string().regex(FLAGS, "flags may be any of i, m, s, u").default(""),
  })
  .superRefine(({ pattern, flags }, context) => {
    if (!FLAGS.test(flags)) return;
    try {
      // Compiling costs nothing; only matching can run away, and that happens in the sandbox.
      void RegExp(pattern, flags);
    } catch (error) {
      const message = error instanceof Error ? error.message : "not a regular expression";
      context.addIssue({ code: "custom", path: ["pattern"], message });
    }
  });

/** The result is JSON (bare, or in one fenced block) that satisfies a JSON Schema (draft 2020-12). */
const jsonSchemaSpec = z.strictObject({
  type: z.literal("json_schema"),
  schema: z
    .union([z.record(z.string(), z.unknown()), z.boolean()])
    .refine(
      (schema) => JSON.stringify(schema).length <= MAX_SCHEMA_CHARS,
      `at most ${MAX_SCHEMA_CHARS} characters`,
    ),
});

/** The result is JavaScript; `code` holds unit tests (`test`, `assert`) that run against it in the sandbox. */
const testsSpec = z.strictObject({
  type: z.literal("tests"),
  code: z.string().min(1).max(MAX_TEST_CHARS),
});

const MIN_WAIT_S = 10;
const DAY_S = 86_400;
/** A week: whoever has not looked at a result by then will not. */
const MAX_USER_WAIT_S = 7 * DAY_S;

/** The tenant itself says so, with `POST /v1/tasks/:id/outcome`. */
const userSpec = z.strictObject({
  type: z.literal("user"),
  /** Seconds from the result on. The wait has this limit alone: the task's deadline is for its agents' work. */
  timeoutS: z.int().min(MIN_WAIT_S).max(MAX_USER_WAIT_S).default(DAY_S),
});

/** Verifiers that ask somebody: a calibration's runs, which no client asked for, ask nobody. */
export const ASKING_VERIFIERS: readonly string[] = ["user", "http", "judge"];

/** Decided where the trace runs, by the result alone. */
export const sandboxedSpecSchema = z.discriminatedUnion("type", [
  equalsSpec,
  regexSpec,
  jsonSchemaSpec,
  testsSpec,
]);
export type SandboxedSpec = z.infer<typeof sandboxedSpecSchema>;

/** A verifier as a tenant writes it. */
export const verifierSpecSchema = z.discriminatedUnion("type", [...sandboxedSpecSchema.options, userSpec]);

export type VerifierSpec = z.infer<typeof verifierSpecSchema>;
export type VerifierType = VerifierSpec["type"];

/** Whom a task waits for whose verdict is somebody else's to give. */
export type Awaited = "user" | "checker";

/** What a verifier found. `unknown`: it could not decide, through no fault of the result. */
export const verdictOutcomeSchema = z.enum(["pass", "fail", "unknown"]);
export type VerdictOutcome = z.infer<typeof verdictOutcomeSchema>;
