/**
 * What Saleroom's memory builds on in a Vectorize index of 3 dimensions: run against the emulator and against the
 * in-memory form, so that what holds over one holds over the other.
 */
import { beforeEach, expect, it } from "vitest";
import type { VectorizeBinding } from "../../src/memory/vector-index.ts";

export interface SuiteIndex {
  readonly binding: VectorizeBinding;
  /** Empties the index; from now on nothing is shown before it is flushed. */
  reset(): Promise<void>;
  flush(): Promise<void>;
}

type Stored = Parameters<VectorizeBinding["upsert"]>[0][number];

function stored(id: string, fields: Partial<Omit<Stored, "id">> = {}): Stored {
  return {
    id,
    values: Float32Array.of(1, 0, 0),
    namespace: "ann",
    metadata: { version: 1 },
    ...fields,
  };
}
const many = (count: number) => Array.from({ length: count }, (_, at) => `v${at}`);
const EAST = Float32Array.of(1, 0, 0);

export function vectorizeSuite(open: () => SuiteIndex): void {
  let index: SuiteIndex;
  let binding: VectorizeBinding;
  beforeEach(async () => {
    index = open();
    await index.reset();
    ({ binding } = index);
  });

  const found = async (namespace: string, topK = 20) =>
    (await binding.query(EAST, { topK, namespace })).matches.map(({ id }) => id);
  const versions = async (...ids: string[]) =>
    (await binding.getByIds(ids)).map(({ id, metadata }) => [id, (metadata as { version: number }).version]);

  it("shows a write when it is flushed, to queries and by id alike", async () => {
    await binding.upsert([stored("a")]);
    expect([await found("ann"), await versions("a")]).toEqual([[], []]);
    await index.flush();
    expect([await found("ann"), await versions("a")]).toEqual([["a"], [["a", 1]]]);
  });

  it("replaces a vector whole, and shows the old one until then", async () => {
    await binding.upsert([stored("a")]);
    await index.flush();
    await binding.upsert([stored("a", { values: Float32Array.of(0, 1, 0), metadata: { version: 2 } })]);
    expect(await versions("a")).toEqual([["a", 1]]);
    await index.flush();
    expect(await versions("a")).toEqual([["a", 2]]);
    const { matches } = await binding.query(EAST, { topK: 1, namespace: "ann" });
    expect(matches).toMatchObject([{ id: "a", score: expect.closeTo(0, 6) }]);
  });

  it("knows no version: whichever write arrives last stands, also an older one", async () => {
    await binding.upsert([stored("a", { metadata: { version: 2 } })]);
    await binding.upsert([stored("a", { metadata: { version: 1 } })]);
    await index.flush();
    expect(await versions("a")).toEqual([["a", 1]]);
  });

  it("applies deletions in their order, also of what was not shown yet", async () => {
    await binding.upsert([stored("a"), stored("b")]);
    await binding.deleteByIds(["a", "nobody"]);
    await binding.upsert([stored("c")]);
    await index.flush();
    expect((await found("ann")).toSorted()).toEqual(["b", "c"]);
  });

  it("searches one namespace, and reads and deletes by id in all of them", async () => {
    await binding.upsert([stored("a"), stored("b", { namespace: "bob" })]);
    await index.flush();
    expect([await found("ann"), await found("bob"), await found("nobody")]).toEqual([["a"], ["b"], []]);
    expect((await binding.getByIds(["b", "a"])).map(({ id, namespace }) => [id, namespace])).toEqual([
      ["b", "bob"],
      ["a", "ann"],
    ]);
    await binding.deleteByIds(["a", "b"]);
    await index.flush();
    expect(await versions("a", "b")).toEqual([]);
  });

  it("ranks by cosine, whatever the lengths, at most topK", async () => {
    await binding.upsert([
      stored("far", { values: Float32Array.of(0, 1, 0) }),
      stored("near", { values: Float32Array.of(3, 0.1, 0) }),
      stored("away", { values: Float32Array.of(-9, 0, 0) }),
      stored("middle", { values: Float32Array.of(0.1, 0.1, 0) }),
    ]);
    await index.flush();
    expect(await found("ann")).toEqual(["near", "middle", "far", "away"]);
    expect(await found("ann", 2)).toEqual(["near", "middle"]);
  });

  it("says its dimension, and refuses another", async () => {
    expect((await binding.describe()).dimensions).toBe(3);
    const short = Float32Array.of(1, 0);
    await expect(binding.query(short, { topK: 1, namespace: "ann" })).rejects.toThrow("40006");
    await expect(binding.upsert([stored("a", { values: short })])).rejects.toThrow("40012");
  });

  it("refuses what is too much or nothing", async () => {
    await expect(binding.getByIds(many(21))).rejects.toThrow("ERROR");
    await expect(binding.deleteByIds(many(101))).rejects.toThrow("ERROR");
    await expect(binding.upsert(many(1_001).map((id) => stored(id)))).rejects.toThrow("ERROR");
    await expect(binding.upsert([])).rejects.toThrow("ERROR");
    await expect(binding.query(EAST, { topK: 0, namespace: "ann" })).rejects.toThrow("ERROR");
  });
}
