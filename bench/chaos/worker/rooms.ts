/** Every object of the house with a failpoint before and after each of its calls, and after each of its commits. */
import { actors, Commits, failpoint, type Actor } from "./failpoint.ts";
import { guardedEnv } from "./bindings.ts";
import { keepAlarmsReal } from "./clock.ts";
import { failIfFaulty } from "./faulty.ts";
import { isWrite, tableOf } from "./is-write.ts";
import { stateOf, type RoomState } from "./room-state.ts";

type Method = (this: object, ...given: unknown[]) => unknown;
type Class = abstract new (...given: never[]) => object;

/** What the bench asks of an object beside what the house does. */
export interface ChaosRoom {
  /** What it still owes and waits for. */
  chaosState(): Promise<RoomState>;
  /** Rings what is due by now, as its alarm would. */
  chaosRing(): Promise<void>;
}

/** Methods of the platform's own base classes. */
const PLATFORM = new Set(["constructor"]);

export function methodsOf(base: Class): string[] {
  const names = new Set<string>();
  for (
    let level: object = base.prototype as object;
    level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level)))
      if (typeof value === "function" && !PLATFORM.has(name)) names.add(name);
  }
  return [...names];
}

export function guarded<C extends Class>(base: C, room: string): C {
  const Base = base as unknown as new (ctx: DurableObjectState, env: Env) => object;
  const commitsOf = new WeakMap<object, Commits>();
  const storages = new WeakMap<object, DurableObjectStorage>();
  const contexts = new WeakMap<object, DurableObjectState>();

  class Guarded extends Base implements ChaosRoom {
    constructor(ctx: DurableObjectState, env: Env) {
      const commits = new Commits();
      keepAlarmsReal(ctx);
      watch(ctx.storage, (table) => commits.note(room, table === null ? null : `${room}[${table}]`));
      super(ctx, guardedEnv(env));
      commitsOf.set(this, commits);
      storages.set(this, ctx.storage);
      contexts.set(this, ctx);
    }

    async chaosState(): Promise<RoomState> {
      return stateOf(mustHave(storages, this));
    }

    async chaosRing(): Promise<void> {
      await (this as unknown as { alarm(): Promise<void> }).alarm();
    }
  }

  for (const name of methodsOf(base)) {
    const method = (Base.prototype as Record<string, Method>)[name];
    if (method === undefined) continue;
    Object.defineProperty(Guarded.prototype, name, {
      configurable: true,
      value: async function (this: object, ...given: unknown[]) {
        const object = mustHave(commitsOf, this);
        // A method that another one of the same object calls is part of it.
        if (actors.getStore()?.object === object) return method.apply(this, given);
        const called = () =>
          `${room}.${name}${name === "alarm" ? `[${dueKind(mustHave(storages, this))}]` : ""}`;
        const actor: Actor = { name: called(), object, changed: false, atCommit: false };
        return actors.run(actor, async () => {
          await failpoint(`${actor.name}.before`, true);
          // It may have stood there until something was due.
          actor.name = called();
          failIfFaulty(actor.name, mustHave(contexts, this));
          const answer = await method.apply(this, given);
          await object.passed();
          // Where nothing happened since the commit, this place is the one after the commit.
          if (!actor.atCommit) await failpoint(`${actor.name}.after`, !actor.changed);
          return answer;
        });
      },
    });
  }
  return Guarded as unknown as C;
}

function mustHave<V>(map: WeakMap<object, V>, key: object): V {
  const value = map.get(key);
  if (value === undefined) throw new Error("an object that was not constructed");
  return value;
}

/** What is due so soon may ring with the rest. */
const SOON_MS = 250;

/** Kind of the timers that an alarm rings for, where it is one. */
function dueKind(storage: DurableObjectStorage): string {
  try {
    const query = "SELECT DISTINCT kind FROM timers WHERE due_at_ms <= ? LIMIT 2";
    const [first, other] = storage.sql.exec<{ kind: string }>(query, Date.now() + SOON_MS).toArray();
    return other === undefined ? (first?.kind ?? "none") : "several";
  } catch {
    return "none";
  }
}

/**
 * Calls back after each transaction (with null), and after each write outside of one, with its table: that a key was used,
 * say, is noted by whichever call comes first after a while.
 */
function watch(storage: DurableObjectStorage, wrote: (table: string | null) => void): void {
  const transactionSync = storage.transactionSync.bind(storage);
  const exec = storage.sql.exec.bind(storage.sql);
  const deleteAll = storage.deleteAll.bind(storage);
  let depth = 0;
  let dirty = false;
  storage.transactionSync = (work) => {
    depth += 1;
    let stood = false;
    try {
      const result = transactionSync(work);
      stood = true;
      return result;
    } finally {
      depth -= 1;
      if (depth === 0) {
        if (stood && dirty) wrote(null);
        dirty = false;
      }
    }
  };
  Object.defineProperty(storage.sql, "exec", {
    configurable: true,
    value: (query: string, ...bindings: unknown[]) => {
      const cursor = exec(query, ...(bindings as never[]));
      if (isWrite(query)) {
        if (depth > 0) dirty = true;
        else wrote(tableOf(query));
      }
      return cursor;
    },
  });
  storage.deleteAll = async (options) => {
    await deleteAll(options);
    wrote(null);
  };
}
