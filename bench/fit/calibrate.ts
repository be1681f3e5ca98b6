/**
 * `--calibrate N`: quotes calibration runs, has them confirmed, and waits for them.
 *
 * The runs are the tenant's tasks and go on whatever becomes of this process: called again, it takes up the waiting.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { outcomeLines, progressLine, quoteLines } from "./calibration-report.ts";
import {
  acceptCalibration,
  quoteCalibration,
  readCalibration,
  runningCalibration,
} from "./calibration-source.ts";
import { FitError, type OperatorAccess } from "./operator-access.ts";

const POLL_MS = 2_000;

export interface CalibrateOptions {
  /** How many past tasks. */
  readonly tasks: number;
  /** Longest wait for the runs. */
  readonly waitS: number;
  /** Asks the person at the terminal; null: there is none. */
  readonly confirm: (() => Promise<boolean>) | null;
  readonly yes: boolean;
  readonly print: (lines: readonly string[]) => void;
}

/**
 * True: the history now has all that was to be run. False: nothing was run, as nobody said yes.
 *
 * @throws FitError where the API refuses, and where the runs take longer than `waitS`
 */
export async function calibrate(access: OperatorAccess, options: CalibrateOptions): Promise<boolean> {
  const { print } = options;
  const running = await runningCalibration(access);
  if (running !== null) {
    print([`Calibration ${running} was accepted before and is under way; no other is begun.`]);
    await waitFor(access, running, options);
    return true;
  }
  const quote = await quoteCalibration(access, options.tasks);
  print(quoteLines(quote));
  if (quote.runCount === 0) {
    print([""]);
    return true;
  }
  if (!(await isConfirmed(options))) return false;
  print([""]);
  await acceptCalibration(access, quote.id);
  await waitFor(access, quote.id, options);
  return true;
}

async function isConfirmed({ yes, confirm, print }: CalibrateOptions): Promise<boolean> {
  if (yes) return true;
  if (confirm === null) {
    print(["", "Nothing was run. Add --yes to run it at this price."]);
    return false;
  }
  if (await confirm()) return true;
  print(["Nothing was run."]);
  return false;
}

/** Also for the history, which has the last outcomes a little after the runs have ended. */
async function waitFor(
  access: OperatorAccess,
  id: string,
  { print, waitS }: CalibrateOptions,
): Promise<void> {
  const untilMs = Date.now() + waitS * 1_000;
  let shown = "";
  for (;;) {
    const now = await readCalibration(access, id);
    const line = progressLine(now);
    if (line !== shown) print([line]);
    shown = line;
    if (now.state === "ended") {
      print(["", ...outcomeLines(now), ""]);
      return;
    }
    if (Date.now() >= untilMs) {
      throw new FitError(
        `calibration ${id} still runs after ${waitS} s; the same command again goes on waiting`,
      );
    }
    await sleep(POLL_MS);
  }
}
