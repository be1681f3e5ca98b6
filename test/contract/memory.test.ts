/**
 * `src/memory` against the emulators' Worker: delayed visibility, namespaces, versions, and both embedding wires.
 *
 * The bindings are reached through the calling Worker, whose calls travel as JSON; the compiler says that the real ones fit.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { newId, type TenantId } from "../../src/market/ids.ts";
import { cosine } from "../../src/market/similarity.ts";
import { createEmbedder, type EmbeddingAi } from "../../src/memory/embedder.ts";
import { embeddingConfigSchema } from "../../src/memory/embedding-config.ts";
import { checkDimension, createVectorIndex, type VectorizeBinding } from "../../src/memory/vector-index.ts";
import { fixedSource } from "../support/builders.ts";
import { startEmulators, type Emulators } from "./support/start-emulators.ts";

const MODEL = "@cf/baai/bge-base-en-v1.5";

let emulators: Emulators;
beforeAll(async () => {
  emulators = await startEmulators();
});
beforeEach(async () => {
  await emulators.admin("DELETE", "/emulator/vectorize");
  await emulators.admin("DELETE", "/emulator/faults");
});
afterAll(async () => {
  await emulators.dispose();
});

async function called<T>(path: string, body: unknown): Promise<T> {
  const { value, error } = await emulators.caller<{ value: T; error?: { message: string } }>(path, body);
  if (error !== undefined) throw new Error(error.message);
  return value;
}
const vectorize = async <T>(method: string, ...args: unknown[]) => called<T>("/vectorize", { method, args });

const binding: VectorizeBinding = {
  describe: async () => vectorize("describe"),
  query: async (vector, options) => vectorize("query", Array.from(vector), options),
  upsert: async (vectors) =>
    vectorize(
      "upsert",
      vectors.map((one) => ({ ...one, values: Array.from(one.values) })),
    ),
  getByIds: async (ids) => vectorize("getByIds", ids),
  deleteByIds: async (ids) => vectorize("deleteByIds", ids),
};
const ai: EmbeddingAi = { run: async (model, inputs) => called("/run", { model, inputs }) };

const source = fixedSource();
const aTenant = (): TenantId => newId("ten", source);
const index = createVectorIndex(binding);
const overAi = createEmbedder(
  { ai, fetch, variable: () => undefined },
  embeddingConfigSchema.parse({ provider: "workers-ai" }),
);

async function vectorOf(text: string): Promise<Float32Array> {
  const answer = await overAi.embed(text, AbortSignal.timeout(10_000));
  if (!answer.ok) throw new Error(answer.failure.message);
  return answer.value;
}
const entry = async (text: string, version = 1) => ({
  id: newId("auc", source),
  version,
  values: await vectorOf(text),
});
const later = async () => emulators.admin("PUT", "/emulator/vectorize", { delayMs: 3_600_000 });
const flush = async () => emulators.admin("POST", "/emulator/vectorize/flush");

describe("the vector index", () => {
  it("fits the platform's own types", () => {
    expectTypeOf<Vectorize>().toExtend<VectorizeBinding>();
    expectTypeOf<Env["VECTORIZE"]>().toExtend<VectorizeBinding>();
    expectTypeOf<Ai>().toExtend<EmbeddingAi>();
    expectTypeOf<Env["AI"]>().toExtend<EmbeddingAi>();
  });

  it("shows an entry when it is visible, nearest first", async () => {
    await later();
    const tenant = aTenant();
    const [ships, trains] = [
      await entry("when do the ships sail"),
      await entry("a proof about prime numbers"),
    ];
    await index.upsert(tenant, [trains, ships]);
    const asked = await vectorOf("the day on which ships sail");
    expect(await index.query(tenant, asked, 5)).toEqual([]);
    expect(await index.visibleVersions(tenant, [ships.id])).toEqual(new Map());
    await flush();
    const found = await index.query(tenant, asked, 5);
    expect(found.map(({ id }) => id)).toEqual([ships.id, trains.id]);
    expect(found[0]?.similarity).toBeCloseTo(cosine(asked, ships.values), 5);
  });

  it("knows the version that is visible, not the one that was written", async () => {
    const tenant = aTenant();
    const first = await entry("one task");
    await index.upsert(tenant, [first]);
    await later();
    await index.upsert(tenant, [{ ...first, version: 2 }]);
    expect(await index.visibleVersions(tenant, [first.id])).toEqual(new Map([[first.id, 1]]));
    await flush();
    expect(await index.visibleVersions(tenant, [first.id])).toEqual(new Map([[first.id, 2]]));
  });

  it("keeps tenants apart in every method", async () => {
    const [ann, bob] = [aTenant(), aTenant()];
    const hers = await entry("the same task");
    const his = await entry("the same task");
    await index.upsert(ann, [hers]);
    await index.upsert(bob, [his]);
    expect((await index.query(ann, hers.values, 20)).map(({ id }) => id)).toEqual([hers.id]);
    expect(await index.visibleVersions(ann, [hers.id, his.id])).toEqual(new Map([[hers.id, 1]]));
    await index.remove(ann, [hers.id, his.id]);
    expect(await index.query(ann, hers.values, 20)).toEqual([]);
    expect(await index.visibleVersions(bob, [his.id])).toEqual(new Map([[his.id, 1]]));
  });

  it("removes what is not visible yet", async () => {
    await later();
    const tenant = aTenant();
    const one = await entry("forget me");
    await index.upsert(tenant, [one]);
    await index.remove(tenant, [one.id]);
    await flush();
    expect(await index.visibleVersions(tenant, [one.id])).toEqual(new Map());
  });

  it("passes no limit of the platform", async () => {
    const tenant = aTenant();
    const values = await vectorOf("many");
    const vectors = Array.from({ length: 1_001 }, () => ({ id: newId("auc", source), version: 1, values }));
    await index.upsert(tenant, vectors);
    const ids = vectors.map(({ id }) => id).slice(900);
    expect((await index.visibleVersions(tenant, ids)).size).toBe(101);
    expect(await index.query(tenant, values, 1_000)).toHaveLength(20);
    await index.remove(tenant, ids);
    expect((await index.visibleVersions(tenant, ids)).size).toBe(0);
  });

  it("has the embedder's dimension", async () => {
    expect(await checkDimension(binding, overAi)).toEqual({ ok: true, value: null });
    const wrong = await checkDimension(binding, { dimension: 1_024 });
    expect(wrong).toMatchObject({ ok: false, failure: { reason: "wrong_dimension" } });
  });
});

describe("the embedder", () => {
  const endpoint = { provider: "openai-compatible", baseUrlVariable: "URL", apiKeySecret: "KEY" } as const;
  const overHttp = (fields: object = {}, key = "any") =>
    createEmbedder(
      { fetch, variable: (name) => ({ URL: `${emulators.origin}/v1`, KEY: key })[name] },
      embeddingConfigSchema.parse({
        ...endpoint,
        model: MODEL,
        dimension: 768,
        ...fields,
      }),
    );
  const signal = () => AbortSignal.timeout(10_000);

  it("gives the same unit vector over both wires", async () => {
    const vector = await vectorOf("a task");
    expect(vector).toHaveLength(768);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    const other = await overHttp().embed("a task", signal());
    expect(other.ok && cosine(other.value, vector)).toBeCloseTo(1, 6);
  });

  it("fails as the other side fails", async () => {
    expect(await overHttp({ dimension: 512 }).embed("a task", signal())).toMatchObject({
      failure: { reason: "wrong_dimension", message: expect.stringMatching(/768.*512/) },
    });
    expect(await overHttp({ model: "nobody" }).embed("a task", signal())).toMatchObject({
      failure: { reason: "misconfigured" },
    });
  });

  it.each([{ status429: true }, { status500: true }])(
    "is refused on either wire under %o",
    async (faults) => {
      await emulators.admin("PUT", `/emulator/faults/${MODEL}`, faults);
      for (const embedder of [overAi, overHttp()])
        expect(await embedder.embed("a task", signal())).toMatchObject({
          failure: { reason: "unreachable" },
        });
    },
  );

  it("waits no longer than it is told to", async () => {
    await emulators.admin("PUT", `/emulator/faults/${MODEL}`, { latencyMs: 5_000 });
    const startedMs = performance.now();
    for (const embedder of [overAi, overHttp()])
      expect(await embedder.embed("a task", AbortSignal.timeout(100))).toMatchObject({
        failure: { reason: "unreachable", message: expect.stringContaining("timeout") },
      });
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });
});
