/**
 * `npm run bench:replay -- --replay DIR [--kills 2 --only N --seed S --json FILE]`: recorded runs of a real model, each
 * killed in mid-trace with SIGKILL, against the same runs without a kill.
 *
 * Exits 1 where a final journal or a step differs, times, leases and recovery events aside; where a trace was killed less
 * often than asked; or where one does not pass its verifier. Hashes are compared: no word of a recording is printed.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chooseTasks } from "../../emulators/demo/choose-tasks.ts";
import { readRecordings, type Recording } from "../../emulators/demo/replay/recording.ts";
import { textTable } from "../../emulators/demo/text-table.ts";
import { claimPorts } from "../../emulators/stack/ports.ts";
import { MAIN_WORKER } from "../../emulators/stack/worker-options.ts";
import { Lives, QUICK_TIMES } from "../chaos/lives.ts";
import { differences, normalJournal, recoveries } from "./normal-journal.ts";
import { replayAll, type Replayed } from "./replay-run.ts";

const { values } = parseArgs({
  options: {
    replay: { type: "string" },
    kills: { type: "string", default: "2" },
    only: { type: "string" },
    seed: { type: "string", default: "1" },
    json: { type: "string" },
  },
});

/** A model's own latency in part, so that there is a call to be killed in. */
const LATENCY_SCALE = "0.02";
/** The recorded calls are large: under load they take longer than the short times allow. */
const VARS = { ...QUICK_TIMES, MODEL_CALL_MS: "30000", AUCTION_BID_MS: "20000", AUCTION_JURY_MS: "20000" };

interface Row {
  readonly name: string;
  readonly steps: number;
  readonly killedAfter: readonly number[];
  readonly recoveries: number;
  readonly lostCalls: number;
  readonly faults: readonly string[];
}

async function run(
  recordings: readonly Recording[],
  { kills, ports }: { readonly kills: number; readonly ports: readonly [number, number] },
): Promise<Replayed[]> {
  const directory = mkdtempSync(join(tmpdir(), "saleroom-replay-"));
  const lives = await Lives.prepare({
    directory,
    worker: MAIN_WORKER,
    ports,
    vars: VARS,
    emulatorVars: { LATENCY_SCALE },
  });
  try {
    return await replayAll(lives, recordings, { seed: Number(values.seed), kills });
  } finally {
    await lives.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

function rowOf(calm: Replayed, killed: Replayed, kills: number): Row {
  const faults = differences(
    normalJournal(calm.events, calm.steps),
    normalJournal(killed.events, killed.steps),
  );
  for (const { outcome, state } of [calm, killed])
    if (outcome !== "pass") faults.push(`ended ${state}, ${outcome ?? "without an outcome"}`);
  const { name, steps, killedAfter, lostCalls } = killed;
  if (killedAfter.length < kills) faults.push(`killed ${killedAfter.length} times`);
  return { name, steps: steps.length, killedAfter, recoveries: recoveries(killed.events), lostCalls, faults };
}

async function main(): Promise<number> {
  const read = readRecordings(values.replay ?? "");
  if (!read.ok) {
    process.stderr.write(`${read.failure}\n`);
    return 2;
  }
  const only = values.only === undefined ? null : Number(values.only);
  const recordings = chooseTasks(read.value, { seed: null, only });
  const kills = Number(values.kills);
  // The same ports: an emulated agent's tool calls name the emulators' address.
  const [port = 0, emulatorPort = 0] = await claimPorts([0, 0]);
  const calm = await run(recordings, { kills: 0, ports: [port, emulatorPort] });
  const killed = await run(recordings, { kills, ports: [port, emulatorPort] });
  const rows = calm.flatMap((one, at) => {
    const other = killed[at];
    return other === undefined ? [] : [rowOf(one, other, kills)];
  });
  const columns = ["recorded run", "steps", "killed after step", "taken up", "calls made again", ""];
  process.stdout.write(
    `${[
      ...textTable(
        columns.map((title) => ({ title })),
        rows.map((row) => [
          row.name,
          String(row.steps),
          row.killedAfter.join(", "),
          String(row.recoveries),
          String(row.lostCalls),
          row.faults.length === 0 ? "the same" : "DIFFERS",
        ]),
      ),
      "",
      ...rows.flatMap(({ name, faults }) => faults.slice(0, 5).map((fault) => `${name}: ${fault}`)),
      "Compared: every event and every step by hash; times, ids, leases and recovery events aside.",
    ].join("\n")}\n`,
  );
  if (values.json !== undefined)
    writeFileSync(values.json, `${JSON.stringify({ emulated: true, kills, rows }, null, 2)}\n`);
  return rows.every(({ faults }) => faults.length === 0) ? 0 : 1;
}

process.exitCode = await main();
