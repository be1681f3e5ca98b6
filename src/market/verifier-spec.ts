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

const MAX_URL_CHARS = 2_048;
const DEFAULT_CHECK_WAIT_S = 3_600;

/** The tenant's own checker says so: it is sent the result, and answers, or tells the outcome later. */
const httpSpec = z.strictObject({
  type: z.literal("http"),
  /** Of the public internet; checked where the task is taken, and with each request. */
  url: z.url().max(MAX_URL_CHARS),
  /** Seconds from the result on, retries and the wait for a later answer included. As for `user`. */
  timeoutS: z.int().min(MIN_WAIT_S).max(DAY_S).default(DEFAULT_CHECK_WAIT_S),
});

const MAX_RUBRIC_CHARS = 8_000;
/** Asked side by side, within an invocation's connections; odd, so that judges who all decide do not tie. */
const PANELS = [1, 3, 5] as const;

/** A panel of other agents says so, by the tenant's rubric (`panel.ts`). */
const judgeSpec = z.strictObject({
  type: z.literal("judge"),
  /** What a result must be to pass. */
  rubric: z.string().trim().min(1).max(MAX_RUBRIC_CHARS),
  /** Judges that are asked. */
  panel: z.literal(PANELS).default(3),
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
export const verifierSpecSchema = z.discriminatedUnion("type", [
  ...sandboxedSpecSchema.options,
  userSpec,
  httpSpec,
  judgeSpec,
]);

export type VerifierSpec = z.infer<typeof verifierSpecSchema>;
export type VerifierType = VerifierSpec["type"];

/** Whom a task waits for whose verdict is somebody else's to give. */
export type Awaited = "user" | "checker";

/** What a verifier found. `unknown`: it could not decide, through no fault of the result. */
export const verdictOutcomeSchema = z.enum(["pass", "fail", "unknown"]);
export type VerdictOutcome = z.infer<typeof verdictOutcomeSchema>;
