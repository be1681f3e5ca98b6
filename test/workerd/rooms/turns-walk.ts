/** A tenant's turns under any interleaving, beside what must hold of them at every moment: see the property test. */
import assert from "node:assert/strict";
import { runDurableObjectAlarm } from "cloudflare:test";
import type { TenantLimits } from "../../../src/market/rate-limit.ts";
import { isFinal, type TaskState } from "../../../src/market/task.ts";
import type { TaskView } from "../../../src/taskroom/task-room-api.ts";
import type { LimitsView } from "../../../src/tenancy/limits-api.ts";
import { vi } from "vitest";
import { evictRooms, KEY_HASH } from "./market-day.ts";
import { openTurns, type TurnsDay, type TurnsTask } from "./turns-day.ts";

interface Walked extends TurnsTask {
  readonly keyHash: string;
  readonly isQuote: boolean;
  awarded: boolean;
  taken: boolean;
  attempt: number;
}

/** All that wait, and what will if every auction under way becomes an award. */
function queuedOf({ tenant }: Pick<LimitsView, "tenant">): number {
  const { waiting, running, traces, tracesWaiting, tracePlaces } = tenant;
  return waiting + Math.max(tracesWaiting, running - traces - Math.max(0, tracePlaces - traces));
}

/** Every task may be tried by both bidders. */
const ESCALATED = {
  verifier: { type: "equals", expected: "42" },
  escalation: { mode: "verified", maxAttempts: 2 },
} as const;

interface Standing {
  readonly state: TaskState;
  readonly waitsFor: TaskView["waitsFor"];
}

export class TurnsWalk {
  readonly #day: TurnsDay;
  readonly #clock: { pass(ms: number): void };
  readonly #keys: readonly string[];
  readonly #tasks: Walked[] = [];
  #limits: Partial<TenantLimits>;
  #before = { running: 0, traces: 0, queued: 0 };
  /** How often something had to wait for its turn, for its place, was refused, was accepted, and had to wait once more. */
  readonly met = { turns: 0, places: 0, refusals: 0, accepted: 0, again: 0 };

  private constructor(
    day: TurnsDay,
    clock: { pass(ms: number): void },
    { keys, limits }: { readonly keys: readonly string[]; readonly limits: Partial<TenantLimits> },
  ) {
    this.#day = day;
    this.#clock = clock;
    this.#keys = keys;
    this.#limits = limits;
  }

  static async open(clock: { pass(ms: number): void }, limits: Partial<TenantLimits>): Promise<TurnsWalk> {
    const day = await openTurns(limits);
    const narrow = await day.key({ concurrentTasks: 1 });
    const frugal = await day.key({ tokensPerMinute: 1_000 });
    return new TurnsWalk(day, clock, { keys: [KEY_HASH, narrow, frugal], limits });
  }

  async admit(pick: number): Promise<void> {
    const keyHash = this.#keys[pick % this.#keys.length] ?? KEY_HASH;
    const isQuote = pick % 4 === 3;
    const asked = await this.#day.ask(
      isQuote ? { keyHash, quote: { expiresInS: 600 } } : { keyHash, input: ESCALATED },
    );
    if (asked.ok) {
      this.#tasks.push({ ...asked.value, keyHash, isQuote, awarded: false, taken: false, attempt: 1 });
      if (!asked.value.begins) this.met.turns += 1;
      return;
    }
    await this.#refused(asked.failure);
  }

  async #refused({ reason }: { readonly reason: string }): Promise<void> {
    assert.equal(reason, "queue_full");
    assert.ok(queuedOf(await this.#view()) >= (this.#limits.maxQueued ?? 1_000));
    this.met.refusals += 1;
  }

  async award(pick: number): Promise<void> {
    const task = await this.#pick(pick, (one, { state }) => state === "bidding" && !one.awarded);
    if (task === null) return;
    await this.#day.award(task, task.isQuote ? "quoted" : "awarded");
    if (!task.isQuote) await this.#awarded(task);
  }

  async accept(pick: number): Promise<void> {
    const task = await this.#pick(pick, (_, { state }) => state === "quoted");
    if (task === null) return;
    const { keyHash, taskId } = task;
    const accepted = await this.#day.market.acceptQuote({ keyHash, taskId, agentId: null });
    if (!accepted.ok) return this.#refused(accepted.failure);
    this.met.accepted += 1;
    await this.#awarded(task);
  }

  async #awarded(task: Walked): Promise<void> {
    task.awarded = true;
    if ((await task.room.view())?.waitsFor === "trace") this.met.places += 1;
  }

  async finish(pick: number): Promise<void> {
    const task = await this.#pick(pick, (one, { state, waitsFor }) => {
      return state === "awarded" && waitsFor === null && !one.taken;
    });
    if (task === null) return;
    task.taken = true;
    await this.#day.finish(task, { attempt: task.attempt });
  }

  /** Its verdict is a fail: where another is to try, the place is given back, and asked for anew. */
  async fail(pick: number): Promise<void> {
    const task = await this.#pick(pick, (one, { state, waitsFor }) => {
      return state === "awarded" && waitsFor === null && !one.taken;
    });
    if (task === null) return;
    const before = (await this.#view()).tenant;
    await this.#day.finish(task, { attempt: task.attempt, outcome: "fail" });
    // What was accepted from a quote is not tried by another.
    if (task.attempt === 2 || task.isQuote) {
      task.taken = true;
      return;
    }
    task.attempt = 2;
    // The room hears of its next award beside the answer to its report.
    await vi.waitFor(async () => assert.equal((await task.room.view())?.attempts, 2));
    const { waitsFor } = (await task.room.view()) ?? never();
    if (waitsFor !== null) this.met.again += 1;
    // Whoever waited goes first; where nobody did, and no limit was lowered, the place is the task's own again.
    const { maxTraces, concurrentTasks } = this.#limits;
    const full = before.traces > (maxTraces ?? Infinity) || before.running > (concurrentTasks ?? Infinity);
    if (before.tracesWaiting === 0 && !full) assert.equal(waitsFor, null);
  }

  async cancel(pick: number): Promise<void> {
    const task = await this.#pick(pick, (_, { waitsFor }) => waitsFor !== null);
    if (task !== null) await this.#day.market.cancel(task.taskId);
  }

  async spend(pick: number, tokens: number): Promise<void> {
    const task = await this.#pick(pick, (_, { state }) => state === "bidding");
    if (task !== null) await this.#day.spend(task, tokens);
  }

  async pass(ms: number): Promise<void> {
    this.#clock.pass(ms);
    // Leases would lapse, and nobody here takes up again what did.
    await runDurableObjectAlarm(this.#day.market);
  }

  async evict(): Promise<void> {
    const before = await this.#view();
    await evictRooms(this.#day.market);
    // What is read from the tables is what was remembered.
    assert.deepEqual(await this.#view(), before);
  }

  async setLimits(limits: Partial<TenantLimits>): Promise<void> {
    this.#limits = limits;
    await this.#day.setLimits(limits);
    // What was admitted under other limits waits under these.
    this.#before = { ...this.#before, queued: queuedOf(await this.#view()) };
  }

  /** What must hold at every moment. */
  async check(): Promise<void> {
    const { tenant } = await this.#view();
    const { concurrentTasks = null, maxTraces = null, maxQueued = 1_000 } = this.#limits;
    // A limit that is lowered stops nothing: but nothing more begins above it.
    // An accepted bid that waits is under way once it begins.
    const running = tenant.running - tenant.tracesWaiting;
    assert.ok(concurrentTasks === null || running <= Math.max(concurrentTasks, this.#before.running));
    assert.ok(maxTraces === null || tenant.traces <= Math.max(maxTraces, this.#before.traces));
    const queued = tenant.waiting + tenant.tracesWaiting;
    assert.ok(queued <= Math.max(maxQueued, this.#before.queued), `${queued} wait`);
    this.#before = { running, traces: tenant.traces, queued: queuedOf({ tenant }) };
    const standing = await this.#standing();
    let traces = 0;
    for (const [at, task] of this.#tasks.entries()) {
      const { state, waitsFor } = standing[at] ?? never();
      if (!isFinal(state) && task.awarded && waitsFor === null) traces += 1;
      if (state !== "bidding") continue;
      // Nobody of the same key waits who came before.
      const overtaken = this.#tasks
        .slice(0, at)
        .filter((one, before) => one.keyHash === task.keyHash && standing[before]?.state === "admitted");
      assert.deepEqual(overtaken, []);
    }
    // Rooms hear of their place a moment later: never before it is theirs.
    assert.ok(traces <= tenant.traces, `${traces} traces are in flight, and ${tenant.traces} are counted`);
    const narrow = this.#tasks.filter(
      ({ keyHash }, at) =>
        keyHash === this.#keys[1] &&
        ["bidding", "awarded"].includes(standing[at]?.state ?? "") &&
        standing[at]?.waitsFor === null,
    );
    assert.ok(narrow.length <= 1, "the narrow key has more than one task under way");
  }

  /** All that was admitted comes to its end, and nothing is held for it. */
  async end(): Promise<void> {
    // However few there are: what waits for tokens begins after a long pass, and is then to be awarded.
    for (let round = 0; round <= this.#tasks.length + 4; round += 1) {
      for (let at = 0; at < this.#tasks.length; at += 1) {
        await this.award(0);
        await this.accept(0);
        await this.finish(0);
        await this.check();
      }
      await this.pass(3_000);
      // As much again as the frugal key may owe.
      if (round % 4 === 3) await this.pass(20 * 60_000);
      if ((await this.#standing()).every(({ state }) => isFinal(state))) break;
    }
    for (const { state } of await this.#standing()) assert.ok(isFinal(state), `left as ${state}`);
    assert.deepEqual(await this.#counts(), { running: 0, waiting: 0, traces: 0, tracesWaiting: 0 });
    const budget = (await this.#day.market.readBooks({ kind: "budget" })) as {
      spending: { heldMicros: number };
    };
    assert.equal(budget.spending.heldMicros, 0);
  }

  async #counts() {
    const { running, waiting, traces, tracesWaiting } = (await this.#view()).tenant;
    return { running, waiting, traces, tracesWaiting };
  }

  async #view(): Promise<LimitsView> {
    return (await this.#day.market.readLimits(null)) ?? never();
  }

  async #standing(): Promise<Standing[]> {
    const rows = await this.#day.market.heldTasks();
    return Promise.all(
      this.#tasks.map(async ({ taskId, room, awarded }) => {
        const state = rows.find((row) => row.taskId === taskId)?.state ?? never();
        const waitsFor = awarded
          ? ((await room.view())?.waitsFor ?? null)
          : state === "admitted"
            ? "auction"
            : null;
        return { state, waitsFor };
      }),
    );
  }

  async #pick(pick: number, fits: (task: Walked, standing: Standing) => boolean): Promise<Walked | null> {
    const standing = await this.#standing();
    const fitting = this.#tasks.filter((task, at) => fits(task, standing[at] ?? never()));
    return fitting[pick % Math.max(1, fitting.length)] ?? null;
  }
}

function never(): never {
  throw new Error("a task is gone");
}
