/** The vector index over a binding with the platform's limits. */
import { describe, expect, test } from "vitest";
import { checkDimension, createVectorIndex } from "../../../src/memory/vector-index.ts";
import { MemoryVectorize } from "../../support/memory-vectorize.ts";
import { vectorizeSuite } from "../../support/vectorize-suite.ts";
import { ANN, BOB } from "./fakes.ts";

const vector = (id: string, version = 1, values = [1, 0]) => ({
  id,
  version,
  values: Float32Array.from(values),
});
const many = (n: number) => Array.from({ length: n }, (_, at) => `auc_${at}`);

function anIndex() {
  const binding = new MemoryVectorize();
  return { binding, index: createVectorIndex(binding) };
}

describe("the vector index", () => {
  test("stores id, vector, namespace and version, and nothing else", async () => {
    const { binding, index } = anIndex();
    await index.upsert(ANN, [{ ...vector("auc_a", 7), task: "secret" } as ReturnType<typeof vector>]);
    binding.flush();
    expect(await binding.getByIds(["auc_a"])).toEqual([
      { id: "auc_a", values: Float32Array.of(1, 0), namespace: ANN, metadata: { version: 7 } },
    ]);
  });

  test("finds the nearest of one tenant, best first", async () => {
    const { binding, index } = anIndex();
    await index.upsert(ANN, [vector("auc_far", 1, [0, 1]), vector("auc_near", 1, [0.8, 0.6])]);
    await index.upsert(BOB, [vector("auc_bob")]);
    expect(await index.query(ANN, Float32Array.of(1, 0), 5)).toEqual([]);
    binding.flush();
    expect(await index.query(ANN, Float32Array.of(1, 0), 5)).toEqual([
      { id: "auc_near", similarity: expect.closeTo(0.8, 6) },
      { id: "auc_far", similarity: 0 },
    ]);
    expect(await index.query(BOB, Float32Array.of(1, 0), 1)).toEqual([{ id: "auc_bob", similarity: 1 }]);
  });

  test("asks for no more than 20, and for none without a question", async () => {
    const { binding, index } = anIndex();
    await index.query(ANN, Float32Array.of(1, 0), 500);
    expect(await index.query(ANN, Float32Array.of(1, 0), 0)).toEqual([]);
    expect(binding.calls).toEqual([["query", 20]]);
  });

  test("keeps to the platform's batches", async () => {
    const { binding, index } = anIndex();
    await index.upsert(
      ANN,
      many(2_001).map((id) => vector(id)),
    );
    binding.flush();
    expect((await index.visibleVersions(ANN, many(45))).size).toBe(45);
    await index.remove(ANN, many(201));
    const counts = (name: string) => binding.calls.filter(([method]) => method === name).map(([, n]) => n);
    expect(counts("upsert")).toEqual([1_000, 1_000, 1]);
    expect(counts("getByIds").slice(0, 3)).toEqual([20, 20, 5]);
    expect(counts("deleteByIds")).toEqual([100, 100, 1]);
  });

  test("asks nothing about nothing", async () => {
    const { binding, index } = anIndex();
    await index.upsert(ANN, []);
    await index.remove(ANN, []);
    expect(await index.visibleVersions(ANN, [])).toEqual(new Map());
    expect(binding.calls).toEqual([]);
  });

  test("writes the newest of two versions, wherever it stands", async () => {
    const { binding, index } = anIndex();
    await index.upsert(ANN, [vector("auc_a", 2), vector("auc_a", 3), vector("auc_a", 1)]);
    binding.flush();
    expect(await index.visibleVersions(ANN, ["auc_a", "auc_a"])).toEqual(new Map([["auc_a", 3]]));
  });

  test("knows the visible version, not the written one", async () => {
    const { binding, index } = anIndex();
    await index.upsert(ANN, [vector("auc_a", 1)]);
    expect(await index.visibleVersions(ANN, ["auc_a"])).toEqual(new Map());
    binding.flush();
    await index.upsert(ANN, [vector("auc_a", 2)]);
    expect(await index.visibleVersions(ANN, ["auc_a"])).toEqual(new Map([["auc_a", 1]]));
  });

  test("neither sees nor removes what is another tenant's", async () => {
    const { binding, index } = anIndex();
    await index.upsert(BOB, [vector("auc_bob")]);
    await index.upsert(ANN, [vector("auc_ann")]);
    binding.put({ id: "auc_nobody", metadata: { version: 1 } });
    binding.flush();
    const all = ["auc_bob", "auc_ann", "auc_nobody"];
    expect(await index.visibleVersions(ANN, all)).toEqual(new Map([["auc_ann", 1]]));
    await index.remove(ANN, all);
    binding.flush();
    expect(await index.visibleVersions(ANN, all)).toEqual(new Map());
    expect(await index.visibleVersions(BOB, all)).toEqual(new Map([["auc_bob", 1]]));
  });

  test("removes what is written and not yet visible", async () => {
    const { binding, index } = anIndex();
    await index.upsert(ANN, [vector("auc_a")]);
    await index.remove(ANN, ["auc_a"]);
    binding.flush();
    expect(await index.visibleVersions(ANN, ["auc_a"])).toEqual(new Map());
  });

  test.each([undefined, {}, { version: "1" }, { version: 1.5 }])(
    "takes the metadata %o for no version",
    async (metadata) => {
      const { binding, index } = anIndex();
      binding.put({ id: "auc_a", namespace: ANN, metadata: metadata as never });
      expect(await index.visibleVersions(ANN, ["auc_a"])).toEqual(new Map());
    },
  );

  test("rejects as the binding does", async () => {
    const down = async () => Promise.reject(new Error("VECTOR_QUERY_ERROR: 500"));
    const index = createVectorIndex(Object.assign(new MemoryVectorize(), { query: down, getByIds: down }));
    await expect(index.query(ANN, Float32Array.of(1, 0), 3)).rejects.toThrow("VECTOR_QUERY_ERROR");
    await expect(index.visibleVersions(ANN, ["auc_a"])).rejects.toThrow("VECTOR_QUERY_ERROR");
  });
});

describe("the in-memory index", () => {
  const binding = () => new MemoryVectorize({ dimensions: 3 });
  let current = binding();
  vectorizeSuite(() => ({
    get binding() {
      return current;
    },
    reset: async () => {
      current = binding();
    },
    flush: async () => current.flush(),
  }));
});

describe("the dimension", () => {
  test("is that of the index, or the message says how to mend it", async () => {
    expect(await checkDimension(new MemoryVectorize(), { dimension: 2 })).toEqual({ ok: true, value: null });
    const answer = await checkDimension(new MemoryVectorize(), { dimension: 768 });
    expect(answer).toMatchObject({ ok: false, failure: { reason: "wrong_dimension" } });
    expect(JSON.stringify(answer)).toMatch(/vectors of 2 numbers.*dimension of 768.*--dimensions=768/);
  });

  test("is not known of an index that does not answer", async () => {
    const describeIndex = async () => Promise.reject(new Error("INDEX_GET_ERROR"));
    expect(await checkDimension({ describe: describeIndex }, { dimension: 2 })).toMatchObject({
      failure: { reason: "unreachable", message: expect.stringContaining("INDEX_GET_ERROR") },
    });
  });
});
