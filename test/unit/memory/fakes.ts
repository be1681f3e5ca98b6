/**
 * A Vectorize that refuses what the platform refuses and shows writes only when told to, and an HTTP endpoint and an AI
 * binding that answer what a test scripted. An un-scripted request fails loudly.
 */
import type { EmbedderDeps } from "../../../src/memory/embedder.ts";
import type { TenantId } from "../../../src/market/ids.ts";
import type { VectorizeBinding } from "../../../src/memory/vector-index.ts";

export const SECRET = "sk-test-0123456789abcdef";
export const [ANN, BOB] = ["ten_ann", "ten_bob"] as unknown as readonly [TenantId, TenantId];

type Stored = Parameters<VectorizeBinding["upsert"]>[0][number];
type Foreign = Partial<Stored> & { readonly id: string };

export interface FakeVectorize extends VectorizeBinding {
  /** Names of the methods that were called, with the number of things asked. */
  readonly calls: [method: string, count: number][];
  /** Makes everything that was written visible. */
  flush(): void;
  /** Puts a vector there as somebody else would have. */
  put(vector: Foreign): void;
}

export function fakeVectorize(dimensions = 2): FakeVectorize {
  const visible = new Map<string, Foreign>();
  const waiting: (() => void)[] = [];
  const calls: FakeVectorize["calls"] = [];
  const called = (
    method: string,
    count: number,
    limits: { readonly most: number; readonly least?: number },
  ) => {
    calls.push([method, count]);
    if (count > limits.most || count < (limits.least ?? 0)) throw new Error(`${method}_ERROR: got ${count}`);
  };
  return {
    calls,
    flush: () => {
      for (const apply of waiting.splice(0)) apply();
    },
    put: (vector) => void visible.set(vector.id, vector),
    describe: async () => ({ dimensions }),
    query: async (vector, { topK, namespace }) => {
      called("query", topK, { most: 20, least: 1 });
      const matches = [...visible.values()]
        .filter((one) => one.namespace === namespace)
        .map((one) => ({
          id: one.id,
          score: vector.reduce((sum, value, at) => sum + value * (one.values?.[at] ?? 0), 0),
        }))
        .toSorted((a, b) => b.score - a.score);
      return { matches: matches.slice(0, topK) };
    },
    upsert: async (vectors) => {
      called("upsert", vectors.length, { most: 1_000, least: 1 });
      if (new Set(vectors.map(({ id }) => id)).size < vectors.length) throw new Error("an id twice");
      const copies = structuredClone(vectors);
      waiting.push(() => {
        for (const vector of copies) visible.set(vector.id, vector);
      });
    },
    getByIds: async (ids) => {
      called("getByIds", ids.length, { most: 20 });
      return ids.flatMap((id) => visible.get(id) ?? []);
    },
    deleteByIds: async (ids) => {
      called("deleteByIds", ids.length, { most: 100 });
      waiting.push(() => {
        for (const id of ids) visible.delete(id);
      });
    },
  };
}

export interface Sent {
  readonly url: string;
  readonly authorization: string | null;
  readonly body: unknown;
}

export interface World extends EmbedderDeps {
  readonly sent: Sent[];
}

/** What the next request gets: an answer's body, a response, an error, or no answer ever (null). */
type Scripted = Response | Error | object | null;

/** @param scripted answers in order, of the binding and of HTTP alike */
export function aWorld(
  scripted: readonly Scripted[],
  variables: Readonly<Record<string, string>> = {},
): World {
  const script = [...scripted];
  const sent: Sent[] = [];
  const next = async (signal?: AbortSignal | null): Promise<object> => {
    const answer = script.shift();
    if (answer === undefined) throw new Error("UNSCRIPTED REQUEST");
    if (answer instanceof Error) throw answer;
    if (answer !== null) return answer;
    return new Promise((_resolve, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
    });
  };
  return {
    sent,
    ai: {
      run: async (model, inputs, ...more: unknown[]) => {
        if (more.length > 0)
          throw new DOMException("AbortSignal serialization is not enabled.", "DataCloneError");
        sent.push({ url: model, authorization: null, body: structuredClone(inputs) });
        return next();
      },
    },
    // A method that minds its `this`, as the platform's fetch does.
    async fetch(this: unknown, url, init) {
      if (this !== undefined)
        throw new TypeError("Illegal invocation: function called with incorrect `this`");
      const request = new Request(url, init);
      sent.push({
        url: request.url,
        authorization: request.headers.get("authorization"),
        body: await request.json(),
      });
      const answer = await next(init?.signal);
      return answer instanceof Response ? answer : Response.json(answer);
    },
    variable: (name) => ({ KEY: SECRET, ...variables })[name],
  };
}
