/** `npm run bench:replay` on the seeded 145-step trace: killed twice in mid-trace, it ends with the journal of a run without kills. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
/** A machine that is busy otherwise takes several times as long. */
const LONGEST_MS = 8 * 60_000;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-replay-kills-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

test(
  "a trace of 145 steps that is killed twice has the events and the steps that it has without",
  async () => {
    const figures = join(directory, "figures.json");
    await run(process.execPath, [
      join(root, "emulators/recorded/generate.ts"),
      join(directory, "traces"),
      "7",
    ]);
    const bench = [join(root, "bench/replay/main.ts"), "--replay", directory, "--json", figures];
    const { stdout } = await run(process.execPath, bench);
    expect(stdout).toContain("the same");
    const { rows } = JSON.parse(await readFile(figures, "utf8")) as {
      rows: { steps: number; killedAfter: number[]; faults: string[] }[];
    };
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ steps: 145, faults: [] });
    expect(rows[0]?.killedAfter).toHaveLength(2);
  },
  LONGEST_MS,
);
