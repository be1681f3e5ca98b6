/**
 * `npm run bench:tokens -- [--replay DIR] [--json FILE]`: auction tokens as a share of all, on recorded traces.
 *
 * DIR has a folder `traces` of recorded runs; what it writes are figures and the recordings' names, no text of theirs.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseArgs } from "node:util";
import { textTable } from "../../emulators/demo/text-table.ts";
import { readRecordings } from "../../emulators/demo/replay/recording.ts";
import { PAPER } from "../market/constants.ts";
import { measureTokens, shareOfAuction, tokensInAll, type TraceTokens } from "./measure-tokens.ts";

const { values } = parseArgs({
  options: { replay: { type: "string", default: "../shared/replay" }, json: { type: "string" } },
});

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

function report(rows: readonly TraceTokens[]): string[] {
  const cells = rows.map((row) => [
    row.name,
    String(row.steps),
    String(row.trace),
    String(row.first.bids),
    String(row.first.verdicts),
    String(row.refined.refinement),
    percent(shareOfAuction([row], "first")),
    percent(shareOfAuction([row], "refined")),
  ]);
  const below = (which: "first" | "refined") =>
    rows.filter((row) => shareOfAuction([row], which) < PAPER.auctionTokenShare).length;
  const line = (which: "first" | "refined", what: string) =>
    `${what}: ${percent(shareOfAuction(rows, which))} of all tokens; below ${percent(PAPER.auctionTokenShare)} on ${below(which)} of ${rows.length} traces`;
  return [
    "Auctions of the house's emulated pool of four on recorded tasks, prompts counted; traces as their provider billed them.",
    "",
    ...textTable(
      [
        { title: "recorded run" },
        ...[
          "steps",
          "trace",
          "bids",
          "verdicts",
          "refinement",
          "share, first round",
          "share, with refinement",
        ].map((title) => ({ title, align: "right" as const })),
      ],
      cells,
    ),
    "",
    line("first", "first round alone"),
    line("refined", "with refinement"),
  ];
}

const recordings = readRecordings(resolve(values.replay));
if (recordings.ok) {
  const rows = measureTokens(recordings.value);
  process.stdout.write(`${report(rows).join("\n")}\n`);
  if (values.json !== undefined) {
    const file = resolve(values.json);
    const shares = { first: shareOfAuction(rows, "first"), refined: shareOfAuction(rows, "refined") };
    const traces = rows.map((row) => ({
      ...row,
      auctionFirst: tokensInAll(row.first),
      auctionRefined: tokensInAll(row.refined),
    }));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${JSON.stringify({ shares, traces }, null, 2)}\n`);
  }
} else {
  process.stderr.write(`${recordings.failure}\n`);
  process.exitCode = 1;
}
