/** The call log: what it keeps, when, and that it outlives its process. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Emulators } from "./support/start-emulators.ts";
import { startEmulators } from "./support/start-emulators.ts";

interface Row {
  readonly id: number;
  readonly wire: string;
  readonly bareModel: string;
  readonly fingerprint: string;
  readonly inFlight: number;
  readonly status: string | null;
  readonly usage: Record<string, number> | null;
}
interface Summary {
  readonly models: Record<string, string | number>[];
  readonly maxInFlight: number;
}

let directory: string;
let emulators: Emulators;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "saleroom-call-log-"));
  emulators = await startEmulators({}, { persist: directory });
});
afterAll(async () => {
  await emulators.dispose();
  await rm(directory, { recursive: true, force: true });
});

const messages = [{ role: "user", content: "one two" }];
const overHttp = async (body: object) =>
  fetch(`${emulators.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer any" },
    body: JSON.stringify({ model: "house-emulated-8b", messages, ...body }),
  });
const list = async (query = "") =>
  (await emulators.admin<{ calls: Row[] }>("GET", `/emulator/calls${query}`)).calls;
const summary = async () => emulators.admin<Summary>("GET", "/emulator/calls/summary");

it("keeps both wires' calls, with one fingerprint for the same messages", async () => {
  await overHttp({ seed: 3 });
  await emulators.caller("/run", { model: "@cf/saleroom/house-emulated-8b", inputs: { messages } });
  const calls = await list();
  expect(calls).toMatchObject([
    {
      wire: "openai",
      model: "house-emulated-8b",
      bareModel: "house-emulated-8b",
      purpose: null,
      seed: 3,
      status: "ok",
      inFlight: 1,
      fault: null,
    },
    {
      wire: "workers-ai",
      model: "@cf/saleroom/house-emulated-8b",
      bareModel: "house-emulated-8b",
      seed: null,
      status: "ok",
      inFlight: 1,
    },
  ]);
  expect(calls[0]?.usage).toEqual({
    promptTokens: 12,
    cachedPromptTokens: 2,
    completionTokens: 7,
    reasoningTokens: 3,
  });
  expect(calls[0]?.fingerprint).toMatch(/^[0-9a-f]{32}$/);
  expect(calls[0]?.fingerprint).toBe(calls[1]?.fingerprint);
  expect(JSON.stringify(calls)).not.toContain("one two");
});

it("has a stream's usage before its first byte is read", async () => {
  const response = await overHttp({ stream: true });
  expect((await list()).at(-1)).toMatchObject({ status: "ok", usage: { completionTokens: 7 } });
  await response.text();
});

it("pages by id and filters by either wire's name", async () => {
  const all = await list();
  expect(await list(`?after=${all[0]?.id}&limit=1`)).toEqual(all.slice(1, 2));
  expect(await list("?model=@cf/saleroom/house-emulated-8b")).toEqual(all);
  expect(await list("?model=house-emulated-4b")).toEqual([]);
});

it("sums tokens by kind and counts calls in flight", async () => {
  await emulators.admin("DELETE", "/emulator/calls");
  await emulators.admin("PUT", "/emulator/faults/*", { latencyMs: 150 });
  await Promise.all(Array.from({ length: 4 }, async () => overHttp({})));
  await emulators.admin("DELETE", "/emulator/faults");
  expect(await summary()).toMatchObject({
    maxInFlight: 4,
    models: [
      {
        model: "house-emulated-8b",
        calls: 4,
        ok: 4,
        errors: 0,
        cut: 0,
        hung: 0,
        open: 0,
        promptTokens: 48,
        cachedPromptTokens: 8,
        completionTokens: 28,
        reasoningTokens: 12,
        maxInFlight: 4,
      },
    ],
  });
});

it("outlives its process, switches included; a dead process's calls are not in flight", async () => {
  await emulators.admin("PUT", "/emulator/faults/house-emulated-8b", { hang: { first: 1 } });
  const hung = overHttp({}).catch(() => null);
  await expect.poll(async () => (await list()).at(-1)?.status).toBe("hung");
  const before = await list();
  await emulators.dispose();
  await hung;
  emulators = await startEmulators({}, { persist: directory });
  expect(await list()).toEqual(before);
  expect(await emulators.admin("GET", "/emulator/faults/house-emulated-8b")).toEqual({ hang: { first: 1 } });
  await overHttp({});
  expect((await list()).at(-1)).toMatchObject({
    id: (before.at(-1)?.id ?? 0) + 1,
    status: "ok",
    inFlight: 1,
  });
});
