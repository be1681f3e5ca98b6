/**
 * `npm run bench:chaos -- --quick`: the stack with faulty agents, killed at random moments and exactly at the commits and
 * sends on a task's way. Judged by the emulated models' log and the rooms' own rows.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { judge } from "../../bench/chaos/judge/judge.ts";
import { QUICK } from "../../bench/chaos/options.ts";
import { missingPlaces } from "../../bench/chaos/report.ts";
import { runChaos } from "../../bench/chaos/run-chaos.ts";

/** A machine that is busy otherwise takes several times as long. */
const LONGEST_MS = 8 * 60_000;

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-chaos-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

test(
  "killed anywhere, every task ends once, no step is lost or made twice, and nothing is paid twice",
  async () => {
    const progress = () => undefined;
    const run = await runChaos({ ...QUICK, seed: 7, directory, longestMs: LONGEST_MS / 2, progress });
    expect(judge(run.evidence)).toEqual([]);
    expect(missingPlaces(run, QUICK.failpointKills, true)).toEqual([]);
    expect(run.randomKills).toBe(QUICK.kills);
    expect(run.placeKills).toBeGreaterThan(0);
    expect(run.evidence.acknowledged.length).toBeGreaterThan(QUICK.tasks / 2);
    expect(run.evidence.log.some(({ fault }) => fault !== null)).toBe(true);
  },
  LONGEST_MS,
);
