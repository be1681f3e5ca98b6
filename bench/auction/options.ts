/** The command line of `npm run bench:auction`. */
import { parseArgs } from "node:util";
import { fail, ok, type Result } from "../../src/market/result.ts";

export interface BenchOptions {
  /** Pool sizes, in the order given. */
  readonly agents: readonly number[];
  /** Null: the table only. */
  readonly json: string | null;
  /** Auctions per pool size and arm that count. */
  readonly rounds: number;
  /** Rounds of the market room's rate. */
  readonly rateRounds: number;
  /** Length of one measurement of a rate. */
  readonly rateMs: number;
  readonly help: boolean;
}

export const USAGE = `npm run bench:auction -- [options]

  --agents 4,8,16,32   pool sizes (default)
  --json FILE          write everything that was measured
  --quick              fewer rounds: minutes instead of a quarter of an hour
`;

const MAX_AGENTS = 100;
const FULL = { rounds: 20, rateRounds: 7, rateMs: 2_000 };
const QUICK = { rounds: 5, rateRounds: 3, rateMs: 1_000 };

/** A failure is one sentence for people. */
export function parseOptions(args: readonly string[]): Result<BenchOptions, string> {
  const parsed = readArgs(args);
  if (!parsed.ok) return parsed;
  const { agents, json, quick, help } = parsed.value;
  const sizes = agents.split(",").map(Number);
  if (!sizes.every((size) => Number.isInteger(size) && size >= 2 && size <= MAX_AGENTS)) {
    return fail(`--agents takes whole numbers from 2 to ${MAX_AGENTS}, not ${agents}`);
  }
  return ok({ agents: sizes, json: json ?? null, help, ...(quick ? QUICK : FULL) });
}

function readArgs(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        agents: { type: "string", default: "4,8,16,32" },
        json: { type: "string" },
        quick: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    return ok(values);
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
