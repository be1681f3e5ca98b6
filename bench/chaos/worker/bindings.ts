/** The environment with a failpoint before and after whatever leaves by it. */
import { reportTo, sending } from "./failpoint.ts";
import { queueAt } from "../../queue/delivery.ts";
import { isWrite } from "./is-write.ts";

type Method = (...given: unknown[]) => unknown;

const plainFetch = globalThis.fetch;
const envs = new WeakMap<object, Env>();

/** The same one for the same environment: what the house keeps by it is kept once. */
export function guardedEnv(env: Env): Env {
  const known = envs.get(env);
  if (known !== undefined) return known;
  const url: unknown = Reflect.get(env, "CHAOS_URL");
  reportTo(typeof url === "string" && url !== "" ? url : null);
  const made = {
    ...env,
    WORK_QUEUE: guardedQueue(queueAt(String(Reflect.get(env, "QUEUE_URL")), plainFetch)),
    HISTORY_QUEUE: guardedQueue(env.HISTORY_QUEUE),
    WEBHOOK_QUEUE: guardedQueue(env.WEBHOOK_QUEUE),
    MARKET_ROOM: guardedRooms(env.MARKET_ROOM),
    TASK_ROOM: guardedRooms(env.TASK_ROOM),
    CALL_HELPER: guardedRooms(env.CALL_HELPER),
    DB: guardedDatabase(env.DB),
    VECTORIZE: guardedStub(env.VECTORIZE, (method) =>
      method === "upsert" || method === "deleteByIds" ? `index.${method}` : null,
    ),
    AI: guardedStub(env.AI, (method, [, inputs]) =>
      method === "run" ? `model[${isEmbedding(inputs) ? "embedding" : "binding"}]` : null,
    ),
  };
  envs.set(env, made as Env);
  envs.set(made, made as Env);
  return made as Env;
}

function isEmbedding(inputs: unknown): boolean {
  return typeof inputs === "object" && inputs !== null && "text" in inputs;
}

function guardedQueue<Q extends object>(queue: Q): Q {
  return new Proxy(queue, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return async (...given: unknown[]) => {
        const [message] = given as [{ readonly kind?: string } | undefined];
        return sending(`send[${message?.kind ?? "?"}]`, () => (value as Method).apply(target, given));
      };
    },
  });
}

/** Calls between rooms have their places in the room that is called: here they only wait for the caller's commits. */
function guardedRooms<N extends object>(namespace: N): N {
  return new Proxy(namespace, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      if (name !== "get") return (value as Method).bind(target);
      return (...given: unknown[]) =>
        guardedStub((value as Method).apply(target, given) as object, () => null);
    },
  });
}

/** By name, never by property: a property of a stub is a stub itself. */
function guardedStub<S extends object>(
  stub: S,
  placeOf: (method: string, given: readonly unknown[]) => string | null,
): S {
  return new Proxy(stub, {
    get: (target, name) => {
      if (typeof name === "symbol" || name === "then") return Reflect.get(target, name);
      return async (...given: unknown[]) =>
        sending(placeOf(name, given), () => (target as Record<string, Method>)[name]?.(...given));
    },
  });
}

/** Only what writes has places. */
function guardedDatabase(db: D1Database): D1Database {
  const plain = new WeakMap<object, D1PreparedStatement>();
  const writing = new WeakSet<object>();
  const wrap = (statement: D1PreparedStatement, writes: boolean): D1PreparedStatement => {
    const wrapped = new Proxy(statement, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name === "bind") return (...given: unknown[]) => wrap(target.bind(...given), writes);
        return async (...given: unknown[]) =>
          sending(writes ? "history.write" : null, () => (value as Method).apply(target, given));
      },
    });
    plain.set(wrapped, statement);
    if (writes) writing.add(wrapped);
    return wrapped;
  };
  return new Proxy(db, {
    get: (target, name) => {
      if (name === "prepare") return (query: string) => wrap(target.prepare(query), isWrite(query));
      if (name === "batch")
        return async (statements: D1PreparedStatement[]) =>
          sending(statements.some((one) => writing.has(one)) ? "history.batch" : null, () =>
            target.batch(statements.map((one) => plain.get(one) ?? one)),
          );
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value as Method).bind(target) : value;
    },
  });
}

/** Requests of the house to the world outside. */
globalThis.fetch = async (input: RequestInfo | URL, init?: RequestInit) => {
  const url = input instanceof Request ? input.url : String(input);
  return sending(`request[${kindOf(url, init)}]`, async () => plainFetch(input, init));
};

function kindOf(url: string, init: RequestInit | undefined): string {
  if (new Headers(init?.headers).has("webhook-id")) return "webhook";
  const { pathname } = new URL(url);
  if (pathname.endsWith("/chat/completions")) return "model";
  if (pathname.endsWith("/embeddings")) return "embedding";
  return "other";
}
