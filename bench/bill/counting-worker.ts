/**
 * Saleroom with every operation that the platform bills for counted: `GET /__bill` tells and forgets them.
 *
 * Counted where they happen, in the platform's own units: requests and RPC calls to objects, the time that objects are
 * awake (a call, background work, or a timer of theirs under way: none of it lets an object sleep), rows that SQLite
 * reports, messages, and dimensions of vectors. All classes of a Worker share one isolate here, so that one tally does.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import saleroom, * as house from "../../src/index.ts";
import { noCounts, type BillCounts } from "./counts.ts";

let counts = noCounts();

/** An object that is awake while `busy` is above 0. */
class Awake {
  #busy = 0;
  #sinceMs = 0;

  begin(): void {
    if (this.#busy === 0) this.#sinceMs = performance.now();
    this.#busy += 1;
  }

  end(): void {
    this.#busy -= 1;
    if (this.#busy === 0) counts.objectMs += performance.now() - this.#sinceMs;
  }

  async during<T>(work: () => T | Promise<T>): Promise<T> {
    this.begin();
    try {
      return await work();
    } finally {
      this.end();
    }
  }
}

const inObject = new AsyncLocalStorage<Awake>();

const plainTimeout = globalThis.setTimeout;
// A timer that an object set keeps it awake until it rings. One that is cleared is taken for one that rings.
globalThis.setTimeout = ((callback: (...given: unknown[]) => void, ms?: number, ...given: unknown[]) => {
  const awake = inObject.getStore();
  if (awake === undefined) return plainTimeout(callback, ms, ...given);
  awake.begin();
  return plainTimeout(() => {
    try {
      callback(...given);
    } finally {
      awake.end();
    }
  }, ms);
}) as typeof setTimeout;

type Method = (this: object, ...given: unknown[]) => unknown;
type Class = abstract new (...given: never[]) => object;

/** Wraps every method that the platform may call. */
function counted<C extends Class>(base: C): C {
  const states = new WeakMap<object, Awake>();
  const stateOf = (object: object): Awake => {
    const known = states.get(object) ?? new Awake();
    states.set(object, known);
    return known;
  };
  const Base = base as unknown as new (ctx: DurableObjectState, env: Env) => object;
  class Counted extends Base {
    constructor(ctx: DurableObjectState, env: Env) {
      countRows(ctx);
      super(ctx, countedEnv(env));
      const waitUntil = ctx.waitUntil.bind(ctx);
      ctx.waitUntil = (work) => waitUntil(stateOf(this).during(() => work));
    }
  }
  for (
    let level: object = Base.prototype as object;
    level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (name === "constructor" || typeof value !== "function" || Object.hasOwn(Counted.prototype, name))
        continue;
      const method = value as Method;
      Object.defineProperty(Counted.prototype, name, {
        configurable: true,
        value: async function (this: object, ...given: unknown[]) {
          counts.objectRequests += 1;
          const awake = stateOf(this);
          return inObject.run(awake, async () => awake.during(() => method.apply(this, given)));
        },
      });
    }
  }
  return Counted as unknown as C;
}

/** SQLite tells what a statement read and wrote; a cursor reads on as it is used. */
function countRows({ storage }: DurableObjectState): void {
  const exec = storage.sql.exec.bind(storage.sql);
  Object.defineProperty(storage.sql, "exec", {
    configurable: true,
    value: (query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...(bindings as never[]));
      cursors.push(cursor);
      return cursor;
    },
  });
}

const cursors: { readonly rowsRead: number; readonly rowsWritten: number }[] = [];

function takeRows(): void {
  for (const { rowsRead, rowsWritten } of cursors.splice(0)) {
    counts.rowsRead += rowsRead;
    counts.rowsWritten += rowsWritten;
  }
}

const envs = new WeakMap<object, Env>();

function countedEnv(env: Env): Env {
  const known = envs.get(env);
  if (known !== undefined) return known;
  const made = {
    ...env,
    WORK_QUEUE: countedQueue(env.WORK_QUEUE),
    HISTORY_QUEUE: countedQueue(env.HISTORY_QUEUE),
    WEBHOOK_QUEUE: countedQueue(env.WEBHOOK_QUEUE),
    DB: countedDatabase(env.DB),
    VECTORIZE: countedIndex(env.VECTORIZE),
  } as Env;
  envs.set(env, made);
  return made;
}

function countedQueue<Q extends { send: (...given: never[]) => unknown }>(queue: Q): Q {
  return new Proxy(queue, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        if (name === "send") counts.messagesWritten += 1;
        return (value as Method).apply(target, given);
      };
    },
  });
}

function noteRows<R extends { meta: { rows_read: number; rows_written: number } }>(result: R): R {
  counts.historyRowsRead += result.meta.rows_read;
  counts.historyRowsWritten += result.meta.rows_written;
  return result;
}

function countedDatabase(db: D1Database): D1Database {
  const plain = new WeakMap<object, D1PreparedStatement>();
  const wrap = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = new Proxy(statement, {
      get: (target, name) => {
        if (name === "bind") return (...given: unknown[]) => wrap(target.bind(...given));
        if (name === "all" || name === "run") return async () => noteRows(await target.all());
        // The rows as arrays, in the order of their columns.
        if (name === "raw")
          return async () => noteRows(await target.all()).results.map((row) => Object.values(row));
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? (value as Method).bind(target) : value;
      },
    });
    plain.set(wrapped, statement);
    return wrapped;
  };
  return new Proxy(db, {
    get: (target, name) => {
      if (name === "prepare") return (query: string) => wrap(target.prepare(query));
      if (name === "batch")
        return async (statements: D1PreparedStatement[]) =>
          (await target.batch(statements.map((one) => plain.get(one) ?? one))).map(noteRows);
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value as Method).bind(target) : value;
    },
  });
}

function countedIndex<I extends object>(index: I): I {
  return new Proxy(index, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        if (name === "query") counts.dimensionsQueried += (given[0] as ArrayLike<number>).length;
        if (name === "upsert")
          for (const { values } of given[0] as { values: ArrayLike<number> }[])
            counts.dimensionsStored += values.length;
        // By name: a property of a stub is a stub itself.
        return (target as Record<string | symbol, (...all: unknown[]) => unknown>)[name]?.(...given);
      };
    },
  });
}

export const MarketRoom = counted(house.MarketRoom);
export const TaskRoom = counted(house.TaskRoom);
export const CallHelper = counted(house.CallHelper);

export default {
  fetch: async (request, env, ctx) => {
    if (new URL(request.url).pathname !== "/__bill") {
      counts.requests += 1;
      return saleroom.fetch(request, countedEnv(env), ctx);
    }
    takeRows();
    const told: BillCounts = counts;
    counts = noCounts();
    return Response.json(told);
  },
  queue: async (batch, env, ctx) => {
    counts.requests += 1;
    counts.messagesRead += batch.messages.length;
    return saleroom.queue(batch, countedEnv(env), ctx);
  },
  scheduled: async (controller, env, ctx) => {
    counts.requests += 1;
    return saleroom.scheduled(controller, countedEnv(env), ctx);
  },
} satisfies ExportedHandler<Env>;
