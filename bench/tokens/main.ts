/**
 * `npm run bench:tokens -- [--replay DIR] [--seeds N] [--json FILE]`: auction tokens as a share of all, on recorded traces.
 *
 * DIR has a folder `traces` of recorded runs; what it writes are figures and the recordings' names, no text of theirs.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { readRecordings } from "../../emulators/demo/replay/recording.ts";
import { measureTokens, SEEDS, shareOfAuction } from "./measure-tokens.ts";
import { providerPerHouseToken } from "./provider-tokens.ts";
import { tokensReport } from "./report.ts";

const { values } = parseArgs({
  options: {
    replay: { type: "string", default: "../shared/replay" },
    seeds: { type: "string", default: String(SEEDS) },
    json: { type: "string" },
  },
});
const seeds = Number(values.seeds);
if (!Number.isInteger(seeds) || seeds < 1) throw new Error("--seeds must be a whole number above 0");

const recordings = readRecordings(resolve(values.replay));
if (recordings.ok) {
  const rows = measureTokens(recordings.value, seeds);
  const factor = providerPerHouseToken(recordings.value);
  process.stdout.write(`${tokensReport({ rows, seeds, factor }).join("\n")}\n`);
  if (values.json !== undefined) {
    const file = resolve(values.json);
    const shares = {
      first: shareOfAuction(rows, "first"),
      growing: shareOfAuction(rows, "growing"),
      full: shareOfAuction(rows, "full"),
    };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ seeds, shares, factor, traces: rows }, null, 2)}\n`);
  }
} else {
  process.stderr.write(`${recordings.failure}\n`);
  process.exitCode = 1;
}
