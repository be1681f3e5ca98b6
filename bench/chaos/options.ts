/** The bench's command line. */
import { parseArgs } from "node:util";
import { fail, ok, type Result } from "../../src/market/result.ts";

export interface ChaosArguments {
  readonly tasks: number;
  readonly kills: number;
  readonly seed: number;
  readonly failpointKills: number;
  readonly concurrency: number;
  readonly longestMs: number;
  readonly quick: boolean;
  /** Keeps the state for whoever looks into it. */
  readonly keep: boolean;
  readonly json: string | null;
  /** Failpoints that are wanted; null: all. */
  readonly sample: ReadonlySet<string> | null;
}

export const USAGE = `npm run bench:chaos [-- options]

  --tasks N            acknowledged tasks, at least (default 200)
  --kills N            kills at random moments, at least (default 50): they also end lives in which nothing wanted comes
  --failpoint-kills N  kills at each failpoint (default 3)
  --seed S             decides tasks, faults, behaviour and moments (default 1)
  --concurrency N      clients (default 16)
  --minutes N          what is still wanted after this long is given up (default 40)
  --quick              24 tasks, 4 kills, and a sample of the failpoints once
  --keep               keeps the state directory
  --json FILE          the figures as JSON
`;

/** Those of the way of a task, which any few tasks pass: they stand for all in a quick run. */
const SAMPLE: ReadonlySet<string> = new Set([
  "MarketRoom.admit.committed",
  "MarketRoom.clear.committed",
  "MarketRoom.ended.committed",
  "MarketRoom.spent.committed",
  "TaskRoom.award.committed",
  "TaskRoom.commitAnswer.before",
  "TaskRoom.commitAnswer.committed",
  "TaskRoom.commitAuction.committed",
  "TaskRoom.commitTools.committed",
  "TaskRoom.commitVerdict.committed",
  "TaskRoom.startTraceCall.committed",
  "TaskRoom.takeTrace.committed",
  "consume[trace].after",
  "history.batch.after",
  "model[binding].after",
  "request[model].after",
  "send[trace].before",
]);

/** What a continuous integration can afford. */
export const QUICK = {
  tasks: 24,
  kills: 4,
  failpointKills: 1,
  concurrency: 16,
  sample: SAMPLE,
} as const;

export function parseChaosOptions(args: readonly string[]): Result<ChaosArguments, string> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        tasks: { type: "string" },
        kills: { type: "string" },
        seed: { type: "string", default: "1" },
        "failpoint-kills": { type: "string" },
        concurrency: { type: "string", default: "16" },
        minutes: { type: "string", default: "40" },
        quick: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        json: { type: "string" },
      },
    });
    const { quick, keep, json = null } = values;
    const whole = (name: keyof typeof values, fallback: number) =>
      wholeNumber(name, values[name] ?? fallback);
    const seed = whole("seed", 1);
    return ok({
      quick,
      keep,
      json,
      seed,
      tasks: whole("tasks", quick ? QUICK.tasks : 200),
      kills: whole("kills", quick ? QUICK.kills : 50),
      failpointKills: whole("failpoint-kills", quick ? QUICK.failpointKills : 3),
      concurrency: whole("concurrency", 16),
      longestMs: whole("minutes", 40) * 60_000,
      sample: quick ? QUICK.sample : null,
    });
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(name: string, value: string | number | boolean): number {
  if (!/^\d{1,9}$/.test(String(value))) throw new Error(`--${name} takes a whole number, not ${value}`);
  return Number(value);
}
