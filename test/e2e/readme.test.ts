/** The README's API examples, run as they stand, one after the other, against the local stack. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { verifyReceipt } from "../../bench/receipt/verify-receipt.ts";
import { spawnStack, type SpawnedStack } from "../../emulators/stack/spawn-stack.ts";

const run = promisify(execFile);
/** Between the examples' outputs. */
const RULER = "=====";

let directory: string;
let stack: SpawnedStack;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-readme-"));
  stack = await spawnStack({ directory, port: 0, emulatorPort: 0, quiet: true });
});

afterAll(async () => {
  await stack.stop();
  await rm(directory, { recursive: true, force: true });
});

test("every API example of the README works", async () => {
  const readme = await readFile(join(import.meta.dirname, "../../README.md"), "utf8");
  const examples = [...readme.matchAll(/^```sh api\n(.*?)^```$/gms)].map((match) => match[1] ?? "");
  expect(examples).toHaveLength(29);
  const script = ["set -eu", ...examples.map((example) => `${example}\necho; echo "${RULER}"`)].join("\n");
  const { stdout } = await run("bash", ["-c", script], {
    env: { ...process.env, URL: stack.url, ADMIN_SECRET: stack.adminSecret } as NodeJS.ProcessEnv,
  });
  const [health, , , task, events, trace, receipt, list, cancelled, tools, agents, policy, ...rest] = stdout
    .split(`${RULER}\n`)
    .map((text) => text.trim());

  expect(JSON.parse(health ?? "")).toMatchObject({ object: "health", ok: true });
  expect(JSON.parse(task ?? "")).toMatchObject({
    object: "task",
    state: "finished",
    metadata: { ticket: "42" },
    verdict: { verifier: "tests" },
  });
  expect(events).toMatch(/^retry: \d+\n\nevent: \S+\ndata: .*"seq":3,/);
  expect(events).toMatch(/event: task-finished/);
  const { steps, calls } = JSON.parse(trace ?? "");
  expect(steps.length).toBeGreaterThan(0);
  expect(calls.map((call: { status: string }) => call.status)).not.toContain("started");
  expect((await verifyReceipt(JSON.parse(receipt ?? ""), null)).agrees).toBe(true);
  expect(JSON.parse(list ?? "").data).toHaveLength(1);
  expect(JSON.parse(cancelled ?? "")).toMatchObject({ state: "finished" });
  expect(tools).toMatch(/"type":"mcp".*"tools":null.*"object":"task".*"object":"tool".*"deleted":true/s);
  const house = JSON.parse(agents ?? "").agents;
  expect(house.every((agent: { emulated: boolean }) => agent.emulated)).toBe(true);
  expect(JSON.parse(policy ?? "")).toMatchObject({ object: "policy", name: "sale", fitted: null });
  const [
    ,
    ,
    ,
    quotes,
    changed,
    told,
    secret,
    keys,
    rotated,
    once,
    escalated,
    webhook,
    limits,
    suspended,
    deleted,
    stuck,
    metrics,
  ] = rest;
  expect(quotes).toMatch(/"object":"quote".*"state":"open".*"object":"task"/s);
  expect(changed).toMatch(/"admitted":\["agt_house-8b",.*"version":2,.*"field":"disabled","before":\[\]/s);
  expect(JSON.parse(told ?? "")).toMatchObject({ object: "outcome", attempt: 1, outcome: "pass" });
  expect(JSON.parse(secret ?? "")).toMatchObject({ object: "verifier_secret", overlapUntil: null });
  expect(JSON.parse(keys ?? "").data).toMatchObject([
    { name: "laptop", scopes: ["tasks", "read", "admin"], lastUsedAt: expect.any(String) },
    { name: "dashboard", scopes: ["read"], lastUsedAt: null },
  ]);
  expect(rotated).toMatch(/"key":"sr_.*"state":"revoked"/s);
  const [first, again] = (once ?? "").split("\n").filter((line) => line !== "");
  expect(first).toMatch(/"name":"deploy bot".*"key":"sr_/);
  expect(again).toBe(first);
  expect(escalated).toMatch(/"object":"task".*"state":"finished".*"earlierAttempts":\[/s);
  expect(webhook).toMatch(
    /"object":"webhook".*"events":null.*"object":"list","data":\[\],"nextCursor":null/s,
  );
  // The first line is the operator's answer.
  expect(limits).toMatch(/"concurrentTasks":50.*"tokensPerMinute":2000000.*"tokens":2000000.*"traces":0/s);
  expect(suspended).toMatch(/"suspendedAt":"\d.*"suspendedAt":null/s);
  expect(JSON.parse(stuck ?? "")).toEqual({ object: "list", data: [], nextCursor: null });
  // The tenant whose task that was is erased by now.
  expect(metrics).toMatch(/^saleroom_tasks_ended_total\{.*"finished".*\} [1-9]/m);
  expect(metrics).toMatch(/\n# EOF$/);
  const deletion = JSON.parse(deleted ?? "");
  expect(deletion).toMatchObject({
    before: { taskRooms: 5 },
    after: { taskRooms: 0, vectors: 0, marketRooms: 0 },
  });
  expect(new Set(Object.values(deletion.after.rows))).toEqual(new Set([0]));
});
