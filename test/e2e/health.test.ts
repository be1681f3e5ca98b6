/** A stack whose parts do not fit does not come up, and says why. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spawnStack } from "../../emulators/stack/spawn-stack.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "saleroom-health-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("an index of another dimension than the embedding model's", async () => {
  const emulatorVars = { VECTORIZE_DIMENSIONS: "512" };
  const spawned = spawnStack({ directory, port: 0, emulatorPort: 0, emulatorVars });
  await expect(spawned).rejects.toMatchObject({
    code: "unhealthy",
    message: expect.stringMatching(/vectors of 512 numbers.*dimension of 768/),
  });
});
