/** `GET /admin/health` over a real D1, with index, variables and secrets as each test has them. */
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { ApiDeps } from "../../../src/api/api-env.ts";
import { operatorRoutes } from "../../../src/api/operator-routes.ts";
import { problemResponse } from "../../../src/api/problem.ts";
import { createMemoryFit } from "../../../src/auction/memory-fit.ts";
import { poolSchema } from "../../../src/market/agent.ts";
import { checkDimension } from "../../../src/memory/vector-index.ts";
import { anAgent } from "../../support/builders.ts";
import { MemoryVectorize } from "../../support/memory-vectorize.ts";
import { openTestDatabase, type TestDatabase } from "../history/support.ts";

const SECRET = "the-operator";
const PKCS8 = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(async () => database.dispose());
afterEach(() => {
  vi.restoreAllMocks();
});

const external = poolSchema.parse([
  {
    id: "agt_far",
    name: "Far",
    model: "far-1",
    provider: "openai-compatible",
    baseUrlVariable: "FAR_URL",
    apiKeySecret: "FAR_KEY",
    usdPerMtok: { input: 1, output: 2 },
    priceSource: "made up for tests",
    contextTokens: 32_768,
    maxOutputTokens: 4_096,
  },
]);
const endpoint = {
  provider: "openai-compatible",
  baseUrl: "https://models.test/v1",
  apiKeySecret: "EMBED_KEY",
  model: "embed-small",
  dimension: 2,
  usdPerMtok: 1,
  priceSource: "made up for tests",
};

interface Deployment {
  readonly config?: object;
  readonly variables?: Readonly<Record<string, string>>;
}

async function health({ config = {}, variables = {} }: Deployment, authorization = `Bearer ${SECRET}`) {
  const deps = {
    config: {
      adminSecret: SECRET,
      receiptSigningKey: PKCS8,
      db: database.d1,
      ai: {},
      vectorize: new MemoryVectorize(),
      embedding: { provider: "workers-ai", dimension: 2 },
      pool: [anAgent()],
      variable: (name: string) => variables[name],
      ...config,
    },
  } as unknown as ApiDeps;
  const routes = operatorRoutes(deps);
  routes.onError((error, c) => problemResponse(error, c));
  const response = await routes.request("/health", { headers: { authorization } });
  const body = await response.json<{
    ok: boolean;
    checks: { name: string; ok: boolean; message: string }[];
  }>();
  const failing = (body.checks ?? []).filter((check) => !check.ok);
  return {
    status: response.status,
    body,
    failing: failing.map(({ name }) => name),
    text: JSON.stringify(body),
  };
}

describe("a deployment", () => {
  test("that has everything is healthy", async () => {
    const { status, body } = await health({});
    expect([status, body.ok]).toEqual([200, true]);
    expect(body.checks.map(({ name }) => name).toSorted()).toEqual([
      "dimensions",
      "embedding",
      "history",
      "index",
      "pool",
      "receipts",
    ]);
  });

  test("that names secrets is healthy once they are set", async () => {
    const config = { pool: external, embedding: endpoint };
    const variables = { FAR_URL: "https://far.test/v1", FAR_KEY: "k-far", EMBED_KEY: "k-embed" };
    expect((await health({ config, variables })).status).toBe(200);
    const bare = await health({ config });
    expect([bare.status, bare.failing]).toEqual([503, ["embedding", "pool"]]);
    expect(bare.text).toMatch(/EMBED_KEY/);
    expect(bare.text).toMatch(/FAR_KEY \(agt_far\)/);
    expect(bare.text).toMatch(/FAR_URL \(agt_far\)/);
  });

  test.each<[string, object, string[], RegExp]>([
    [
      "a model of another dimension than the index",
      { embedding: { provider: "workers-ai" } },
      ["dimensions"],
      /vectors of 2 numbers.*dimension of 768.*--dimensions=768/,
    ],
    [
      "an index that does not answer",
      { vectorize: { describe: async () => Promise.reject(new Error("INDEX_GET_ERROR")) } },
      ["index", "dimensions"],
      /INDEX_GET_ERROR/,
    ],
    ["no index", { vectorize: undefined }, ["index", "dimensions"], /does not answer/],
    ["no Workers AI", { ai: undefined }, ["embedding"], /the binding AI is missing/],
    ["no embedding model", { embedding: {} }, ["dimensions", "embedding"], /EMBEDDING/],
    ["no signing key", { receiptSigningKey: null }, ["receipts"], /RECEIPT_SIGNING_KEY is not set/],
    ["a signing key that is none", { receiptSigningKey: "c2VjcmV0" }, ["receipts"], /no Ed25519 private key/],
    [
      "no database",
      { db: { prepare: () => ({}), batch: async () => Promise.reject(new Error("D1 is down")) } },
      ["history"],
      /D1/,
    ],
  ])("with %s says so, and nothing else", async (_, config, failing, message) => {
    const seen = await health({ config });
    expect([seen.status, seen.body.ok, seen.failing]).toEqual([503, false, failing]);
    expect(seen.text).toMatch(message);
  });

  test("with a table missing says what to do", async () => {
    await database.d1.exec("ALTER TABLE verdicts RENAME COLUMN scores TO old_scores");
    const seen = await health({});
    await database.d1.exec("ALTER TABLE verdicts RENAME COLUMN old_scores TO scores");
    expect([seen.status, seen.failing]).toEqual([503, ["history"]]);
    expect(seen.text).toMatch(/no such column.*apply the migrations/);
  });

  test("whose index hangs is told from one that is well", async () => {
    vi.spyOn(AbortSignal, "timeout").mockImplementation(() => AbortSignal.abort(new Error("time is over")));
    const seen = await health({
      config: { vectorize: { describe: async () => new Promise(() => undefined) } },
    });
    expect(seen.status).toBe(503);
    expect(seen.failing).toContain("index");
  });

  test("tells strangers nothing, and nobody a secret", async () => {
    expect((await health({}, "Bearer somebody")).status).toBe(401);
    const config = { pool: external, receiptSigningKey: "MC4CAQAw-not-a-key" };
    const { text } = await health({ config, variables: { FAR_KEY: "k-far-secret" } });
    expect(text).not.toContain("k-far-secret");
    expect(text).not.toContain("MC4CAQAw-not-a-key");
    expect(text).not.toContain(PKCS8);
  });
});

describe("the check at an isolate's first event", () => {
  const logged = () => {
    const lines: { level: string; event: string; error?: string; reason?: string }[] = [];
    for (const method of ["log", "error"] as const)
      vi.spyOn(console, method).mockImplementation((line: string) => void lines.push(JSON.parse(line)));
    return lines;
  };

  test("asks once, and says that the memory can be used", async () => {
    const lines = logged();
    const index = new MemoryVectorize();
    const describeIndex = vi.spyOn(index, "describe");
    const fits = createMemoryFit(async () => checkDimension(index, { dimension: 2 }));
    expect([await fits(), await fits()]).toEqual([true, true]);
    expect(describeIndex).toHaveBeenCalledTimes(1);
    expect(lines).toEqual([{ level: "info", event: "memory-usable" }]);
  });

  test("says once what does not match and how to mend it", async () => {
    const lines = logged();
    const fits = createMemoryFit(async () => checkDimension(new MemoryVectorize(), { dimension: 768 }));
    expect([await fits(), await fits()]).toEqual([false, false]);
    expect(lines).toMatchObject([{ level: "error", event: "memory-unusable", reason: "wrong_dimension" }]);
    expect(lines[0]?.error).toMatch(/vectors of 2 numbers.*--dimensions=768/);
  });

  test("takes an index that did not answer to fit, and asks it again", async () => {
    const lines = logged();
    const index = new MemoryVectorize();
    vi.spyOn(index, "describe").mockRejectedValueOnce(new Error("INDEX_GET_ERROR"));
    const fits = createMemoryFit(async () => checkDimension(index, { dimension: 2 }));
    expect([await fits(), await fits()]).toEqual([true, true]);
    expect(lines.map(({ event }) => event)).toEqual(["memory-unusable", "memory-usable"]);
  });
});
