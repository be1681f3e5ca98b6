/** The deployment's health, over HTTP and in the log of every isolate. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import worker from "../../../src/index.ts";
import { call, fingerprint, OPERATOR, ORIGIN } from "./support.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

test("the operator is told what this deployment lacks", async () => {
  const response = await call("/admin/health", { headers: OPERATOR });
  expect(response.status).toBe(503);
  const { ok, checks } = await response.json<{ ok: boolean; checks: { name: string; ok: boolean }[] }>();
  expect(ok).toBe(false);
  // The tests' Worker has a migrated D1, and neither models nor an index.
  expect(checks.filter((check) => check.ok).map(({ name }) => name)).toEqual(["history"]);
});

test("nobody else is told anything, and nothing is written there", async () => {
  const refusal = await fingerprint(await call("/admin/tenants", { method: "POST" }));
  expect(await fingerprint(await call("/admin/health"))).toEqual(refusal);
  const written = await call("/admin/health", { method: "POST", headers: OPERATOR });
  expect([written.status, written.headers.get("Allow")]).toEqual([405, "GET"]);
});

test("an isolate's first event finds out in the background whether the index takes the model's vectors", async () => {
  const logged = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const asked = vi.fn<() => Promise<{ dimensions: number }>>(async () => ({ dimensions: 5 }));
  const deployment = { ...env, VECTORIZE: { describe: asked } } as unknown as Env;
  for (let event = 0; event < 2; event += 1) {
    const ctx = createExecutionContext();
    const request = new Request(`${ORIGIN}/healthz`) as Request<unknown, IncomingRequestCfProperties>;
    expect((await worker.fetch(request, deployment, ctx)).status).toBe(200);
    await waitOnExecutionContext(ctx);
  }
  expect(asked).toHaveBeenCalledTimes(1);
  const lines = logged.mock.calls.map(([line]) => JSON.parse(String(line)) as object);
  expect(lines).toMatchObject([{ event: "memory-unusable", reason: "wrong_dimension" }]);
});
