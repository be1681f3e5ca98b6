/** An HTTP endpoint and an AI binding that answer what a test scripted. An un-scripted request fails loudly. */
import type { EmbedderDeps } from "../../../src/memory/embedder.ts";
import type { TenantId } from "../../../src/market/ids.ts";

export const SECRET = "sk-test-0123456789abcdef";
export const [ANN, BOB] = ["ten_ann", "ten_bob"] as unknown as readonly [TenantId, TenantId];

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
