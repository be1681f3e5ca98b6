/**
 * `npm run bench:chaos -- [--tasks 200 --kills 50 --seed S --failpoint-kills 3 --quick --json FILE]`: the real stack, its
 * agents faulty, killed with SIGKILL at random moments and at every commit and send; judged by the emulated models' log
 * and the rooms' own rows.
 *
 * Prints the counts; exits 1 on any violation, and where a failpoint was killed at less often than asked.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { judge } from "./judge/judge.ts";
import { parseChaosOptions, USAGE } from "./options.ts";
import { missingPlaces, reportLines } from "./report.ts";
import { runChaos } from "./run-chaos.ts";

const progress = (line: string): void => void process.stderr.write(`${line}\n`);

async function main(): Promise<number> {
  const options = parseChaosOptions(process.argv.slice(2));
  if (!options.ok) {
    process.stderr.write(`${options.failure}\n\n${USAGE}`);
    return 2;
  }
  const { json, keep, ...asked } = options.value;
  const directory = mkdtempSync(join(tmpdir(), "saleroom-chaos-"));
  try {
    const run = await runChaos({ ...asked, directory, progress });
    const violations = judge(run.evidence);
    const missing = missingPlaces(run, asked.failpointKills, asked.quick);
    process.stdout.write(`${reportLines(run, { violations, missing, seed: asked.seed }).join("\n")}\n`);
    if (json !== null) {
      const { evidence: _evidence, ...figures } = run;
      const written = { emulated: true, seed: asked.seed, violations, missing, ...figures };
      writeFileSync(json, `${JSON.stringify(written, null, 2)}\n`);
    }
    return violations.length === 0 && missing.length === 0 ? 0 : 1;
  } finally {
    if (keep) process.stderr.write(`the state is kept in ${directory}\n`);
    else rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main();
