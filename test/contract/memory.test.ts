/**
 * `src/memory` against the emulators' Worker: delayed visibility, namespaces, versions, and both embedding wires.
 *
 * The bindings are reached through the calling Worker, whose calls travel as JSON; the compiler says that the real ones fit.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { newId, type AuctionId, type TenantId } from "../../src/market/ids.ts";
import {
  claimPassage,
  dueAt,
  endClaim,
  openPassage,
  passageStep,
  type Passage,
} from "../../src/market/passage.ts";
import { cosine } from "../../src/market/similarity.ts";
import { createEmbedder, type EmbeddingAi } from "../../src/memory/embedder.ts";
import { embeddingConfigSchema } from "../../src/memory/embedding-config.ts";
import { checkDimension, createVectorIndex, type VectorizeBinding } from "../../src/memory/vector-index.ts";
import { carryVectors } from "../../src/tenancy/consume-memory.ts";
import type { MarketRoomApi } from "../../src/tenancy/market-room-api.ts";
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
  const { vector } = await overAi.embed(text, AbortSignal.timeout(10_000));
  if (!vector.ok) throw new Error(vector.failure.message);
  return vector.value;
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

/** A market room's window, over the same decisions, that one can look into. */
function aWindow() {
  const passages = new Map<AuctionId, Passage>();
  const vectors = new Map<AuctionId, Float32Array>();
  const nowMs = () => source.now();
  const room: Pick<MarketRoomApi, "claimVectors" | "reportVectors"> = {
    claimVectors: async (limit) =>
      [...passages]
        .filter(([, passage]) => (dueAt(passage) ?? Infinity) <= nowMs())
        .slice(0, limit)
        .map(([id, before]) => {
          const passage = claimPassage(before, nowMs());
          passages.set(id, passage);
          const { version, claim } = passage;
          const step = passageStep(passage, nowMs());
          const vector = vectors.get(id) ?? new Float32Array();
          const alone = passage.tries > 0;
          return step === "look" ? { id, version, claim, step } : { id, version, claim, step, vector, alone };
        }),
    reportVectors: async (reports) => {
      for (const { id, ...report } of reports) {
        const passage = passages.get(id);
        if (passage !== undefined) passages.set(id, endClaim(passage, report, nowMs()));
      }
    },
  };
  return {
    passages,
    config: { marketRoom: <Port>() => room as Port },
    put: ({ id, version, values }: { id: AuctionId; version: number; values: Float32Array }) => {
      vectors.set(id, values);
      passages.set(id, openPassage(passages.get(id) ?? null, version, nowMs()));
    },
  };
}

describe("carrying vectors", () => {
  it("goes on until the index shows the newest version, however late it shows anything", async () => {
    await later();
    const tenant = aTenant();
    const { passages, config, put } = aWindow();
    // More than one getByIds, and more than one batch.
    const entries = await Promise.all(Array.from({ length: 130 }, async (_, at) => entry(`task ${at}`)));
    for (const one of entries) put(one);
    const ids = entries.map(({ id }) => id);
    await carryVectors(config, index, tenant);
    const changed = entries.slice(0, 30);
    for (const one of changed) put({ ...one, version: 2 });
    await carryVectors(config, index, tenant);
    source.advance(5_000);
    await carryVectors(config, index, tenant);
    expect([...passages.values()].every(({ shownAtMs }) => shownAtMs === null)).toBe(true);
    await flush();
    source.advance(10_000);
    await carryVectors(config, index, tenant);
    expect([...passages.values()].every(({ shownAtMs }) => shownAtMs !== null)).toBe(true);
    const shown = await index.visibleVersions(tenant, ids);
    const isChanged = new Set(changed.map(({ id }) => id));
    expect(shown).toEqual(new Map(ids.map((id) => [id, isChanged.has(id) ? 2 : 1])));
  });

  it("tells the room what failed, and comes back to it", async () => {
    const tenant = aTenant();
    const { passages, config, put } = aWindow();
    const [good, bad] = [await entry("a task"), await entry("another")];
    put({ ...bad, values: Float32Array.of(1, 2, 3) });
    put(good);
    // Together they fail; then the bad one takes nothing down with it.
    await expect(carryVectors(config, index, tenant)).rejects.toThrow("40012");
    expect([...passages.values()]).toMatchObject([
      { tries: 1, written: 0 },
      { tries: 1, written: 0 },
    ]);
    await carryVectors(config, index, tenant);
    expect(await index.visibleVersions(tenant, [good.id])).toEqual(new Map());
    source.advance(60_000);
    await expect(carryVectors(config, index, tenant)).rejects.toThrow("40012");
    source.advance(20_000);
    await carryVectors(config, index, tenant);
    expect(await index.visibleVersions(tenant, [good.id])).toEqual(new Map([[good.id, 1]]));
    put({ ...bad, version: 2 });
    source.advance(60_000);
    await carryVectors(config, index, tenant);
    expect(await index.visibleVersions(tenant, [bad.id])).toEqual(new Map([[bad.id, 2]]));
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
        usdPerMtok: 1,
        priceSource: "made up for tests",
        ...fields,
      }),
    );
  const signal = () => AbortSignal.timeout(10_000);

  it("gives the same unit vector over both wires", async () => {
    const vector = await vectorOf("a task");
    expect(vector).toHaveLength(768);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    const other = await overHttp().embed("a task", signal());
    expect(other.vector.ok && cosine(other.vector.value, vector)).toBeCloseTo(1, 6);
  });

  it("bills what the wire reports, never more than the bound, and leaves at the bound what it does not", async () => {
    for (const text of ["a task", "ä task 🐟", "x".repeat(20_000)]) {
      const { bill } = await overHttp().embed(text, signal());
      const costMicros = bill.status === "billed" ? bill.costMicros : Number.NaN;
      expect(costMicros).toBeGreaterThan(0);
      expect(costMicros).toBeLessThanOrEqual(overHttp().bound(text));
    }
    expect((await overAi.embed("a task", signal())).bill).toEqual({ status: "unconfirmed" });
  });

  it("fails as the other side fails", async () => {
    expect(await overHttp({ dimension: 512 }).embed("a task", signal())).toMatchObject({
      vector: { failure: { reason: "wrong_dimension", message: expect.stringMatching(/768.*512/) } },
      bill: { status: "billed" },
    });
    expect(await overHttp({ model: "nobody" }).embed("a task", signal())).toMatchObject({
      vector: { failure: { reason: "misconfigured" } },
      bill: { status: "refused" },
    });
  });

  it.each([{ status429: true }, { status500: true }])(
    "is refused on either wire under %o",
    async (faults) => {
      await emulators.admin("PUT", `/emulator/faults/${MODEL}`, faults);
      for (const embedder of [overAi, overHttp()])
        expect(await embedder.embed("a task", signal())).toMatchObject({
          vector: { failure: { reason: "unreachable" } },
          bill: { status: "refused" },
        });
    },
  );

  it("waits no longer than it is told to", async () => {
    await emulators.admin("PUT", `/emulator/faults/${MODEL}`, { latencyMs: 5_000 });
    const startedMs = performance.now();
    for (const embedder of [overAi, overHttp()])
      expect(await embedder.embed("a task", AbortSignal.timeout(100))).toMatchObject({
        vector: { failure: { reason: "unreachable", message: expect.stringContaining("timeout") } },
        bill: { status: "unconfirmed" },
      });
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });
});
