import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { applyMigrations } from "../../../emulators/stack/apply-migrations.ts";
import { claimPort, claimPorts } from "../../../emulators/stack/ports.ts";
import { lockState } from "../../../emulators/stack/state-lock.ts";
import { openTestDatabase } from "../history/support.ts";

const directory = mkdtempSync(join(tmpdir(), "saleroom-stack-test-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("a state directory has one holder, until it lets go", async () => {
  const path = join(directory, "state");
  const lock = await lockState(path);
  await expect(lockState(path)).rejects.toMatchObject({
    code: "state_in_use",
    message: expect.stringContaining(path),
  });
  await lock.release();
  await (await lockState(path)).release();
});

test("a taken port is named, and 0 is a free one", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await expect(claimPort(port)).rejects.toMatchObject({
    code: "port_taken",
    message: expect.stringContaining(String(port)),
  });
  await new Promise((resolve) => server.close(resolve));
  expect(await claimPort(port)).toBe(port);
  expect(new Set(await claimPorts([0, 0, 0])).size).toBe(3);
});

test("migrations are applied once", async () => {
  const database = await openTestDatabase();
  try {
    expect(await applyMigrations(database.d1, "migrations")).toEqual([]);
    const { results } = await database.d1.prepare("SELECT name FROM d1_migrations").all();
    expect(results.length).toBeGreaterThan(0);
  } finally {
    await database.dispose();
  }
});
