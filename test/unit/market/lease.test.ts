import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  acquireLease,
  FIRST_LEASE,
  handOverLease,
  holdsLease,
  lapseLease,
  nextReminderMs,
  remindLease,
  renewLease,
  type Lease,
} from "../../../src/market/lease.ts";

const HELD: Lease = { generation: 3, heldUntilMs: 1_000, lapses: 2, reminders: 1 };
const WAITING: Lease = { generation: 3, heldUntilMs: null, lapses: 2, reminders: 1 };

describe("a waiting lease", () => {
  test("is taken by whoever comes with its generation; lapses are kept until there is progress", () => {
    expect(acquireLease(WAITING, 3, 5_000)).toEqual({
      ok: true,
      value: { ...WAITING, heldUntilMs: 5_000 },
    });
  });

  test.each([0, 2, 4])("is not taken with generation %d", (generation) => {
    expect(acquireLease(WAITING, generation, 5_000)).toEqual({ ok: false, failure: { reason: "stale" } });
  });

  test("has no holder and does not lapse", () => {
    expect(holdsLease(WAITING, 3)).toBe(false);
    expect(lapseLease(WAITING, Number.MAX_SAFE_INTEGER)).toBeNull();
  });
});

describe("reminders", () => {
  test("come at growing distances, up to 64 times the first, and begin anew with a generation", () => {
    const distances: number[] = [];
    let lease = FIRST_LEASE;
    for (let reminder = 0; reminder < 9; reminder++) {
      distances.push(nextReminderMs(lease, 1_000));
      lease = remindLease(lease);
    }
    expect(distances).toEqual([1, 2, 4, 8, 16, 32, 64, 64, 64].map((seconds) => seconds * 1_000));
    expect(nextReminderMs(handOverLease(lease), 1_000)).toBe(1_000);
  });
});

describe("a held lease", () => {
  test("is taken once per generation", () => {
    expect(acquireLease(HELD, 3, 5_000)).toEqual({ ok: false, failure: { reason: "busy" } });
    expect(acquireLease(HELD, 2, 5_000)).toEqual({ ok: false, failure: { reason: "stale" } });
  });

  test("belongs to its generation alone", () => {
    expect(holdsLease(HELD, 3)).toBe(true);
    expect(holdsLease(HELD, 2)).toBe(false);
    expect(holdsLease(HELD, 4)).toBe(false);
  });

  test("is extended; only progress forgets earlier lapses", () => {
    expect(renewLease(HELD, 9_000, false)).toEqual({ ...HELD, heldUntilMs: 9_000 });
    expect(renewLease(HELD, 9_000, true)).toEqual({ ...HELD, heldUntilMs: 9_000, lapses: 0 });
  });

  test("lapses at its time and not before, under the next generation", () => {
    expect(lapseLease(HELD, 999)).toBeNull();
    expect(lapseLease(HELD, 1_000)).toEqual({ generation: 4, heldUntilMs: null, lapses: 3, reminders: 0 });
  });

  test("is handed over without counting a lapse", () => {
    expect(handOverLease(HELD)).toEqual({ generation: 4, heldUntilMs: null, lapses: 0, reminders: 0 });
  });
});

// --- Any interleaving of workers, messages and time ---

/** A lease as a room keeps it: workers act through the generation that they took it under, and through nothing else. */
class Room {
  lease = FIRST_LEASE;
  nowMs = 0;
  readonly leaseMs = 100;

  /** Runs `act` where the generation still holds; a room refuses everyone else. */
  asHolder(generation: number, act: (lease: Lease) => Lease): boolean {
    if (!holdsLease(this.lease, generation)) return false;
    this.lease = act(this.lease);
    return true;
  }
}

/** What must be true, kept by simpler means than generations: who holds the work, by name. */
interface Model {
  holder: number | null;
  untilMs: number;
  nowMs: number;
  lapses: number;
  /** How often the work changed hands or lapsed. */
  turns: number;
  /** Generation under which each worker last took the work. */
  readonly taken: Map<number, number>;
  /** Generations that were ever taken. */
  readonly used: Set<number>;
}

type Command = fc.Command<Model, Room>;

function command(name: string, run: (model: Model, room: Room) => void): Command {
  return {
    check: () => true,
    run: (model, room) => {
      const before = room.lease.generation;
      run(model, room);
      expect(room.lease.generation).toBeGreaterThanOrEqual(before);
      expect(room.lease.generation).toBe(model.turns + 1);
      expect(room.lease.lapses).toBe(model.lapses);
      const holders = [...model.taken].filter(([, generation]) => holdsLease(room.lease, generation));
      expect(holders.map(([worker]) => worker)).toEqual(model.holder === null ? [] : [model.holder]);
    },
    toString: () => name,
  };
}

/** A message reaches a worker, `late` generations after it was sent. */
const takeUp = (worker: number, late: number): Command =>
  command(`worker ${worker} takes up, ${late} late`, (model, room) => {
    const generation = room.lease.generation - late;
    const taken = acquireLease(room.lease, generation, room.nowMs + room.leaseMs);
    expect(taken.ok).toBe(late === 0 && model.holder === null);
    if (!taken.ok) {
      expect(taken.failure.reason).toBe(late === 0 ? "busy" : "stale");
      return;
    }
    room.lease = taken.value;
    // At most one holder per generation, ever.
    expect(model.used.has(generation)).toBe(false);
    model.used.add(generation);
    model.taken.set(worker, generation);
    model.holder = worker;
    model.untilMs = model.nowMs + room.leaseMs;
  });

const renew = (worker: number, progress: boolean): Command =>
  command(`worker ${worker} renews${progress ? " with progress" : ""}`, (model, room) => {
    const generation = model.taken.get(worker) ?? 0;
    const untilMs = room.nowMs + room.leaseMs;
    const acted = room.asHolder(generation, (lease) => renewLease(lease, untilMs, progress));
    expect(acted).toBe(model.holder === worker);
    if (!acted) return;
    model.untilMs = model.nowMs + room.leaseMs;
    if (progress) model.lapses = 0;
  });

const handOver = (worker: number): Command =>
  command(`worker ${worker} hands over`, (model, room) => {
    const acted = room.asHolder(model.taken.get(worker) ?? 0, handOverLease);
    expect(acted).toBe(model.holder === worker);
    if (!acted) return;
    model.holder = null;
    model.lapses = 0;
    model.turns += 1;
  });

const passTime = (ms: number): Command =>
  command(`${ms} ms pass, the timer rings`, (model, room) => {
    room.nowMs += ms;
    model.nowMs += ms;
    const lapsed = lapseLease(room.lease, room.nowMs);
    const overdue = model.holder !== null && model.untilMs <= model.nowMs;
    expect(lapsed !== null).toBe(overdue);
    if (lapsed === null) return;
    room.lease = lapsed;
    model.holder = null;
    model.lapses += 1;
    model.turns += 1;
  });

test("whatever happens: one holder per generation, generations never fall, a stale one never acts", () => {
  const worker = fc.integer({ min: 1, max: 3 });
  const commands = fc.commands(
    [
      fc.tuple(worker, fc.constantFrom(0, 0, 0, 1, 2)).map(([who, late]) => takeUp(who, late)),
      fc.tuple(worker, fc.boolean()).map(([who, progress]) => renew(who, progress)),
      worker.map(handOver),
      fc.integer({ min: 1, max: 150 }).map(passTime),
    ],
    { size: "+1" },
  );
  fc.assert(
    fc.property(commands, (script) => {
      const model: Model = {
        holder: null,
        untilMs: 0,
        nowMs: 0,
        lapses: 0,
        turns: 0,
        taken: new Map(),
        used: new Set(),
      };
      const real = new Room();
      fc.modelRun(() => ({ model, real }), script);
      // Every turn but the last was taken at most once, and none that never came.
      expect(Math.max(0, ...model.used)).toBeLessThanOrEqual(real.lease.generation);
    }),
    { numRuns: 300 },
  );
});
