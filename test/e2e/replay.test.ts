/** `npm run demo -- --replay DIR` on a seeded 145-step trace of our own: CI has no recordings of real models. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-replay-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

test("a recorded run of 145 steps is replayed to its end and billed to the micro-dollar", async () => {
  const recordings = join(directory, "recordings");
  const figures = join(directory, "figures.json");
  const generate = join(root, "emulators/recorded/generate.ts");
  await run(process.execPath, [generate, join(recordings, "traces"), "7"]);
  const demo = [join(root, "emulators/demo/main.ts"), "--replay", recordings, "--json", figures];
  const { stdout } = await run(process.execPath, demo, { env: { ...process.env, NO_COLOR: "1" } });

  expect(stdout).toContain("emulated");
  expect(stdout).toMatch(/agrees? to the micro-dollar/);
  const json = JSON.parse(await readFile(figures, "utf8"));
  expect(JSON.stringify(json)).toContain('"steps":145');
});

test("a bad line in --tasks is named by number and reason, and nothing runs", async () => {
  const file = join(directory, "tasks.jsonl");
  await writeFile(file, '{"prompt": "fine"}\n{"prompt": "bad", "limits": {"maxSteps": 0}}\n');
  const demo = run(process.execPath, [join(root, "emulators/demo/main.ts"), "--tasks", file]);
  await expect(demo).rejects.toMatchObject({ code: 1 });
  const { stdout, stderr } = await demo.catch((error: { stdout: string; stderr: string }) => error);
  expect(stdout + stderr).toMatch(/line 2.*maxSteps/s);
  expect(stdout).not.toContain("stack up");
});
