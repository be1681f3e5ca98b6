/**
 * Vectorize in memory: refuses what the platform refuses, orders writes by their arrival, shows them late, and answers
 * from one of several replicas that need not show the same. Held to the emulator by `vectorize-suite.ts`.
 */
import { cosine } from "../../src/market/similarity.ts";
import type { VectorizeBinding } from "../../src/memory/vector-index.ts";

type Stored = Parameters<VectorizeBinding["upsert"]>[0][number];
type Foreign = Partial<Stored> & { readonly id: string };
type Mutation = { readonly upsert: readonly Foreign[] } | { readonly remove: readonly string[] };

export class MemoryVectorize implements VectorizeBinding {
  readonly dimensions: number;
  /** Names of the methods that were called, with the number of things asked. */
  readonly calls: [method: string, count: number][] = [];
  /** Which replica answers. */
  replica = 0;
  /** Accepted mutations in the order of their arrival, and how many of them each replica shows. */
  readonly #log: Mutation[] = [];
  readonly #shown: number[];

  constructor(options: { readonly dimensions?: number; readonly replicas?: number } = {}) {
    this.dimensions = options.dimensions ?? 2;
    this.#shown = Array.from({ length: options.replicas ?? 1 }, () => 0);
  }

  /** How many mutations were accepted. */
  get accepted(): number {
    return this.#log.length;
  }

  /** Makes everything that was accepted visible, everywhere. */
  flush(): void {
    this.#shown.fill(this.#log.length);
  }

  /** One replica shows the mutations up to this one, and never fewer than before. */
  show(replica: number, upTo: number): void {
    this.#shown[replica] = Math.max(this.shownBy(replica), Math.min(upTo, this.#log.length));
  }

  shownBy(replica: number): number {
    return this.#shown[replica] ?? 0;
  }

  /** Puts a vector there as somebody else would have. */
  put(vector: Foreign): void {
    this.#log.push({ upsert: [vector] });
    this.flush();
  }

  async describe() {
    return { dimensions: this.dimensions };
  }

  async query(vector: Float32Array, { topK, namespace }: { topK: number; namespace: string }) {
    this.#called("query", topK, { most: 20, least: 1 });
    if (vector.length !== this.dimensions) throw new Error("VECTOR_QUERY_ERROR (code = 40006)");
    const matches = [...this.#visible().values()]
      .filter((one) => one.namespace === namespace)
      .map((one) => ({ id: one.id, score: cosine(vector, one.values ?? []) }))
      .toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
    return { matches: matches.slice(0, topK) };
  }

  async upsert(vectors: Stored[]): Promise<void> {
    this.#called("upsert", vectors.length, { most: 1_000, least: 1 });
    for (const { values } of vectors)
      if (values.length !== this.dimensions) throw new Error("VECTOR_UPSERT_ERROR (code = 40012)");
    this.#log.push({ upsert: structuredClone(vectors) });
  }

  async getByIds(ids: string[]): Promise<Foreign[]> {
    this.#called("getByIds", ids.length, { most: 20, least: 0 });
    const visible = this.#visible();
    return ids.flatMap((id) => visible.get(id) ?? []);
  }

  async deleteByIds(ids: string[]): Promise<void> {
    this.#called("deleteByIds", ids.length, { most: 100, least: 0 });
    this.#log.push({ remove: [...ids] });
  }

  #visible(): ReadonlyMap<string, Foreign> {
    const visible = new Map<string, Foreign>();
    for (const mutation of this.#log.slice(0, this.shownBy(this.replica))) {
      if ("remove" in mutation) for (const id of mutation.remove) visible.delete(id);
      else for (const vector of mutation.upsert) visible.set(vector.id, vector);
    }
    return visible;
  }

  #called(method: string, count: number, limits: { readonly most: number; readonly least: number }): void {
    this.calls.push([method, count]);
    if (count > limits.most || count < limits.least) throw new Error(`${method}_ERROR: got ${count}`);
  }
}
