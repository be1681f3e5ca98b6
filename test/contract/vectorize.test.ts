/** The emulated Vectorize binding: visibility, limits, filters, shapes. The compiler holds it to Cloudflare's `Vectorize` type. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { VectorizeBinding } from "../../src/memory/vector-index.ts";
import { vectorizeSuite } from "../support/vectorize-suite.ts";
import type { Emulators } from "./support/start-emulators.ts";
import { startEmulators } from "./support/start-emulators.ts";

interface Match {
  readonly id: string;
  readonly score: number;
  readonly values?: number[];
  readonly metadata?: Record<string, unknown>;
  readonly namespace?: string;
}
interface Matches {
  readonly count: number;
  readonly matches: Match[];
}

let emulators: Emulators;
beforeAll(async () => {
  emulators = await startEmulators({ VECTORIZE_DIMENSIONS: "3" });
});
beforeEach(async () => {
  await emulators.admin("DELETE", "/emulator/vectorize");
});
afterAll(async () => {
  await emulators.dispose();
});

const call = async <T>(method: string, ...args: unknown[]) => {
  const { value, error } = await emulators.caller<{ value: T; error?: { message: string } }>("/vectorize", {
    method,
    args,
  });
  if (error !== undefined) throw new Error(error.message);
  return value;
};
const query = async (vector: number[], options: object = {}) => call<Matches>("query", vector, options);
const upsert = async (...vectors: object[]) => call<{ mutationId: string }>("upsert", vectors);
const many = (n: number) => Array.from({ length: n }, (_, i) => ({ id: `v${i}`, values: [1, 0, 0] }));
const ids = (result: Matches) => result.matches.map((match) => match.id);

const X = { id: "x", values: [1, 0, 0] };
const Y = { id: "y", values: [0, 1, 0] };

describe("what the memory builds on", () => {
  const binding: VectorizeBinding = {
    describe: async () => call("describe"),
    query: async (vector, options) => call("query", Array.from(vector), options),
    upsert: async (vectors) =>
      call(
        "upsert",
        vectors.map((one) => ({ ...one, values: Array.from(one.values) })),
      ),
    getByIds: async (wanted) => call("getByIds", wanted),
    deleteByIds: async (wanted) => call("deleteByIds", wanted),
  };
  vectorizeSuite(() => ({
    binding,
    reset: async () => {
      await emulators.admin("DELETE", "/emulator/vectorize");
      await emulators.admin("PUT", "/emulator/vectorize", { delayMs: 3_600_000 });
    },
    flush: async () => {
      await emulators.admin("POST", "/emulator/vectorize/flush");
    },
  }));
});

describe("queries", () => {
  it("rank by exact cosine and return ids and scores only", async () => {
    await upsert(X, Y, { id: "xy", values: [3, 3, 0] }, { id: "-x", values: [-1, 0, 0] });
    const result = await query([2, 0, 0]);
    expect(result.count).toBe(4);
    expect(ids(result)).toEqual(["x", "xy", "y", "-x"]);
    expect(result.matches.map((match) => match.score)).toEqual([1, expect.closeTo(Math.SQRT1_2, 6), 0, -1]);
    expect(Object.keys(result.matches[0] ?? {})).toEqual(["id", "score"]);
    expect((await query([1, 0, 0], { topK: 2 })).count).toBe(2);
  });

  it("take a Float32Array, and hand values back as float32", async () => {
    await upsert({ id: "a", values: [0.1, 0.2, 0.3] });
    const { value } = await emulators.caller<{ value: Matches }>("/vectorize", {
      method: "query",
      asFloat32: true,
      args: [[0.1, 0.2, 0.3], { returnValues: true }],
    });
    expect(value.matches[0]).toMatchObject({ id: "a", values: Array.from(Float32Array.of(0.1, 0.2, 0.3)) });
    expect(value.matches[0]?.score).toBeCloseTo(1, 6);
  });

  it("keep namespaces apart; without one, all are searched", async () => {
    await upsert({ ...X, namespace: "a" }, { ...Y, namespace: "b" });
    expect(ids(await query([1, 1, 0], { namespace: "a" }))).toEqual(["x"]);
    expect(ids(await query([1, 1, 0], { namespace: "c" }))).toEqual([]);
    expect(ids(await query([1, 1, 0]))).toEqual(["x", "y"]);
    await upsert({ ...X, namespace: "b" });
    expect(ids(await query([1, 1, 0], { namespace: "a" }))).toEqual([]);
    expect((await query([1, 0, 0], { namespace: "b" })).matches[0]?.namespace).toBe("b");
  });

  it("return metadata whole, indexed or not at all", async () => {
    await upsert({ ...X, metadata: { n: 1, long: "é".repeat(60), list: ["a"] } });
    expect((await query([1, 0, 0], { returnMetadata: "none" })).matches[0]?.metadata).toBeUndefined();
    expect((await query([1, 0, 0], { returnMetadata: true })).matches[0]?.metadata).toMatchObject({
      list: ["a"],
    });
    expect((await query([1, 0, 0], { returnMetadata: "indexed" })).matches[0]?.metadata).toEqual({
      n: 1,
      long: "é".repeat(32),
    });
  });

  it("by id, and get by ids in the order asked", async () => {
    await upsert(X, { ...Y, namespace: "n", metadata: { k: true } });
    expect(ids(await call<Matches>("queryById", "y"))).toEqual(["y", "x"]);
    await expect(call("queryById", "nobody")).rejects.toThrow("VECTOR_QUERY_ERROR");
    expect(await call("getByIds", ["y", "nobody", "x"])).toEqual([
      { ...Y, namespace: "n", metadata: { k: true } },
      X,
    ]);
  });
});

describe("filters", () => {
  const vectors = [
    { id: "a", values: [1, 0, 0], metadata: { size: 1, kind: "code", deep: { flag: true } } },
    { id: "b", values: [1, 0.1, 0], metadata: { size: 2, kind: "question" } },
    { id: "c", values: [1, 0.2, 0] },
  ];
  it.each([
    [{ kind: "code" }, ["a"]],
    [{ kind: { $eq: "question" } }, ["b"]],
    [{ kind: { $ne: "code" } }, ["b", "c"]],
    [{ kind: { $in: ["code", "question"] } }, ["a", "b"]],
    [{ kind: { $nin: ["code"] } }, ["b", "c"]],
    [{ size: { $lt: 2 } }, ["a"]],
    [{ size: { $lte: 2 } }, ["a", "b"]],
    [{ size: { $gt: 1 } }, ["b"]],
    [{ size: { $gte: 1, $lt: 2 } }, ["a"]],
    [{ kind: { $gte: "d" } }, ["b"]],
    [{ size: 1, kind: "question" }, []],
    [{ "deep.flag": true }, ["a"]],
    [{ kind: null }, ["c"]],
  ])("%j", async (filter, expected) => {
    await upsert(...vectors);
    expect(ids(await query([1, 0, 0], { filter }))).toEqual(expected);
  });

  it.each([{}, { $or: [] }, { kind: { $regex: "x" } }, { kind: {} }, { a: "x".repeat(2048) }])(
    "refuse %j",
    async (filter) => {
      await expect(query([1, 0, 0], { filter })).rejects.toThrow("VECTOR_QUERY_ERROR");
    },
  );
});

describe("mutations", () => {
  it("are invisible until their delay is over, and describe says how far the index is", async () => {
    const first = await upsert(X);
    expect(await call("describe")).toMatchObject({
      vectorCount: 1,
      dimensions: 3,
      processedUpToMutation: first.mutationId,
    });
    await emulators.admin("PUT", "/emulator/vectorize", { delayMs: 3_600_000 });
    const second = await upsert({ ...X, values: [0, 0, 1] }, Y);
    const third = await call<{ mutationId: string }>("deleteByIds", ["y"]);
    expect(ids(await query([1, 0, 0]))).toEqual(["x"]);
    expect(await call("getByIds", ["x", "y"])).toEqual([X]);
    expect(await call("describe")).toMatchObject({ vectorCount: 1, processedUpToMutation: first.mutationId });
    await emulators.admin("POST", "/emulator/vectorize/flush");
    expect(await call("getByIds", ["x", "y"])).toEqual([{ ...X, values: [0, 0, 1] }]);
    expect(await call("describe")).toMatchObject({ vectorCount: 1, processedUpToMutation: third.mutationId });
    expect(new Set([first.mutationId, second.mutationId, third.mutationId]).size).toBe(3);
  });

  it("never overtake one another", async () => {
    await emulators.admin("PUT", "/emulator/vectorize", { delayMs: 3_600_000 });
    await upsert(X);
    await emulators.admin("PUT", "/emulator/vectorize", { delayMs: 0 });
    await upsert({ ...X, values: [0, 0, 1] });
    expect(await call("getByIds", ["x"])).toEqual([]);
    await emulators.admin("POST", "/emulator/vectorize/flush");
    expect(await call("getByIds", ["x"])).toEqual([{ ...X, values: [0, 0, 1] }]);
  });

  it("insert only what is new, replace whole on upsert, the last of one batch winning", async () => {
    await upsert({ ...X, metadata: { a: 1 } });
    await call("insert", [{ ...X, values: [0, 0, 1] }, Y]);
    expect(await call("getByIds", ["x", "y"])).toEqual([{ ...X, metadata: { a: 1 } }, Y]);
    await upsert({ ...X, metadata: { b: 1 } }, { ...X, values: [0, 0, 1] });
    expect(await call("getByIds", ["x"])).toEqual([{ ...X, values: [0, 0, 1] }]);
  });
});

describe("limits", () => {
  it.each([
    [
      "dimensions of a query",
      async () => query([1, 0]),
      "VECTOR_QUERY_ERROR (code = 40006): invalid query vector, expected 3 dimensions, and got 2 dimensions",
    ],
    [
      "dimensions of a vector",
      async () => upsert({ id: "a", values: [1] }),
      "VECTOR_UPSERT_ERROR (code = 40012)",
    ],
    [
      "dimensions on insert",
      async () => call("insert", [{ id: "a", values: [1] }]),
      "VECTOR_INSERT_ERROR (code = 40012)",
    ],
    [
      "id",
      async () => upsert({ id: "é".repeat(33), values: [1, 0, 0] }),
      "VECTOR_UPSERT_ERROR (code = 40008): id too long; max is 64 bytes, got 66 bytes",
    ],
    [
      "namespace",
      async () => upsert({ ...X, namespace: "n".repeat(65) }),
      "VECTOR_UPSERT_ERROR: namespace too long; max is 64 bytes",
    ],
    [
      "namespace of a query",
      async () => query([1, 0, 0], { namespace: "n".repeat(65) }),
      "VECTOR_QUERY_ERROR: namespace too long",
    ],
    [
      "metadata",
      async () => upsert({ ...X, metadata: { text: "m".repeat(10 * 1024) } }),
      "VECTOR_UPSERT_ERROR: metadata too large",
    ],
    ["metadata key", async () => upsert({ ...X, metadata: { "a.b": 1 } }), "invalid metadata key"],
    [
      "batch",
      async () => upsert(...many(1001)),
      "VECTOR_UPSERT_ERROR: too many vectors in payload; max vector count is 1000, got 1001",
    ],
    [
      "topK",
      async () => query([1, 0, 0], { topK: 101 }),
      "VECTOR_QUERY_ERROR (code = 40025): max top K is 100",
    ],
    [
      "topK with values",
      async () => query([1, 0, 0], { topK: 21, returnValues: true }),
      "max top K is 20, but got 21",
    ],
    [
      "topK with metadata",
      async () => query([1, 0, 0], { topK: 21, returnMetadata: "all" }),
      "max top K is 20, but got 21",
    ],
    [
      "returnMetadata false",
      async () => query([1, 0, 0], { returnMetadata: false }),
      "VECTOR_QUERY_ERROR (code = 40026)",
    ],
    [
      "ids to get",
      async () =>
        call(
          "getByIds",
          many(21).map(({ id }) => id),
        ),
      "VECTOR_GET_ERROR (code = 40007): too many ids in payload; max id count is 20, got 21",
    ],
    [
      "ids to delete",
      async () =>
        call(
          "deleteByIds",
          many(101).map(({ id }) => id),
        ),
      "VECTOR_DELETE_ERROR (code = 40007)",
    ],
  ])("%s", async (_name, refused, message) => {
    await expect(refused()).rejects.toThrow(message);
  });

  it("are not passed by what just fits", async () => {
    await upsert(...many(1000));
    expect((await query([1, 0, 0], { topK: 100, returnMetadata: "indexed" })).count).toBe(100);
    expect((await query([1, 0, 0], { topK: 20, returnMetadata: "all", returnValues: true })).count).toBe(20);
    await upsert({
      id: "i".repeat(64),
      values: [1, 0, 0],
      namespace: "n".repeat(64),
      metadata: { t: "m".repeat(10 * 1024 - 8) },
    });
  });
});
