/** The demo's command line. */
import { parseArgs } from "node:util";
import { fail, ok, type Result } from "../../src/market/result.ts";

export interface DemoOptions {
  /** Where the figures go as JSON. */
  readonly json: string | null;
  /** The user's own tasks instead of the workload. */
  readonly tasks: string | null;
  /** Recorded runs instead of the workload. */
  readonly replay: string | null;
  /** Leave the stack up after the run. */
  readonly keep: boolean;
  /** Tasks under way at one time. */
  readonly concurrency: number;
  /** Decides which tasks `only` takes, and in which order all are submitted; null: the workload's own order. */
  readonly seed: number | null;
  /** How many tasks; null: all. */
  readonly only: number | null;
  readonly help: boolean;
}

export const USAGE = `npm run demo [-- options]

  --tasks FILE.jsonl   your own tasks, one JSON object a line: prompt, optional verifier, limits, tools, metadata
  --replay DIR         recorded runs (DIR/traces/*.json), replayed step by step and billed
  --json FILE          write the figures as JSON, per task and in total
  --only N             run N of the tasks, taken evenly from the whole
  --seed S             a whole number: shuffles the tasks (and --only takes the first N of them)
  --concurrency N      tasks under way at one time (default 8)
  --keep               leave the stack up afterwards, and say where
`;

const DEFAULT_CONCURRENCY = 8;

/** A failure is one sentence for people. */
export function parseOptions(args: readonly string[]): Result<DemoOptions, string> {
  const parsed = parseRaw(args);
  if (!parsed.ok) return parsed;
  const { values } = parsed.value;
  const numbers = { concurrency: values.concurrency, seed: values.seed, only: values.only };
  for (const [name, text] of Object.entries(numbers)) {
    const least = name === "seed" ? 0 : 1;
    if (text !== undefined && !(/^\d{1,9}$/.test(text) && Number(text) >= least)) {
      return fail(`--${name} takes a whole number from ${least}, not ${JSON.stringify(text)}`);
    }
  }
  if (values.tasks !== undefined && values.replay !== undefined) {
    return fail("--tasks and --replay exclude each other");
  }
  return ok({
    json: values.json ?? null,
    tasks: values.tasks ?? null,
    replay: values.replay ?? null,
    keep: values.keep,
    concurrency: Number(values.concurrency ?? DEFAULT_CONCURRENCY),
    seed: values.seed === undefined ? null : Number(values.seed),
    only: values.only === undefined ? null : Number(values.only),
    help: values.help,
  });
}

function parseRaw(args: readonly string[]) {
  try {
    return ok(
      parseArgs({
        args: [...args],
        options: {
          json: { type: "string" },
          tasks: { type: "string" },
          replay: { type: "string" },
          keep: { type: "boolean", default: false },
          concurrency: { type: "string" },
          seed: { type: "string" },
          only: { type: "string" },
          help: { type: "boolean", short: "h", default: false },
        },
      }),
    );
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
