/**
 * A tenant's money under any interleaving, call by call: what a Worker does with the rooms, taken apart into moves.
 *
 * The oracle is what the providers did (`Provider`), not what the rooms say of it: a call is made when a room has let it
 * start, and is owed from then on, whether or not its bill arrives.
 */
import assert from "node:assert/strict";
import { runDurableObjectAlarm } from "cloudflare:test";
import type { CallKind, StartedCall } from "../../../src/market/call.ts";
import { newId, type AgentId, type CallId } from "../../../src/market/ids.ts";
import type { Budget } from "../../../src/market/ledger/budget.ts";
import { asMicros } from "../../../src/market/money.ts";
import { taskSpecSchema } from "../../../src/market/task.ts";
import { aBid, aCommit, aUsage } from "../../support/builders.ts";
import { assertAccounts, booksAtOnce, readBooks } from "./money-check.ts";
import { answered, assertBooked, type Asked, type Fate } from "./money-provider.ts";
import type { CallMade, Task } from "./money-task.ts";
import {
  CHEAP,
  config,
  DEAR,
  evictRooms,
  KEY_HASH,
  MIDDLE,
  openMarket,
  taskRoom,
  type MarketDay,
} from "./market-day.ts";

export class MoneyWorld {
  readonly #day: MarketDay;
  readonly #clock: { pass(ms: number): void };
  #budget: Budget;
  #usedBefore = { total: 0, day: 0 };
  readonly #tasks: Task[] = [];
  /** How often a task went on with another agent. */
  escalations = 0;
  /** How often a holder was given up with a call under way. */
  belated = 0;
  readonly #asked = new Map<CallId, Asked>();

  private constructor(day: MarketDay, clock: { pass(ms: number): void }, budget: Budget) {
    this.#day = day;
    this.#clock = clock;
    this.#budget = budget;
  }

  static async open(clock: { pass(ms: number): void }, budget: Budget): Promise<MoneyWorld> {
    return new MoneyWorld(await openMarket({ budget }), clock, budget);
  }

  async admit(capUsd: number | null, isQuote: boolean): Promise<void> {
    const taskId = newId("tsk", config.source);
    const before = await readBooks(this.#day, { kind: "budget" });
    const admitted = await this.#day.market.admit({
      keyHash: KEY_HASH,
      taskId,
      auctionId: newId("auc", config.source),
      seed: 7,
      spec: taskSpecSchema.parse({
        prompt: "What is six times seven?",
        limits: { maxCostUsd: capUsd },
        verifier: { type: "equals", expected: "42" },
        escalation: isQuote ? null : { mode: "verified", maxAttempts: 3 },
      }),
      idempotency: null,
      asksAtOnce: true,
      quote: isQuote ? { expiresInS: 3_600 } : null,
    });
    if (!admitted.ok) {
      if (admitted.failure.reason !== "budget") throw new Error(admitted.failure.reason);
      const { askedMicros, leftMicros } = admitted.failure.refusal;
      assert.ok(askedMicros > leftMicros, "refused though it fits");
      assert.deepEqual(await readBooks(this.#day, { kind: "budget" }), before);
      return;
    }
    const { opening } = admitted.value;
    if (opening === null) throw new Error("admitted without an opening");
    const room = taskRoom(this.#day.tenantId, taskId);
    const capMicros = capUsd === null ? null : asMicros(capUsd * 1_000_000);
    const trace = { attempt: 1, agentId: CHEAP, steps: 0 };
    const fresh = { generation: 1, phase: "admitted", ...trace, quotedMicros: null } as const;
    this.#tasks.push({ taskId, room, capMicros, opening, isQuote, ...fresh });
  }

  /** The Worker that was given the auction opens the task's room and asks for first bids. */
  async begin(pick: number): Promise<void> {
    const task = this.#pick(pick, "admitted");
    if (task === null) return;
    const begun = await task.room.beginAuction(1, { opening: task.opening, started: [] });
    task.phase = begun.ok ? "auction" : "over";
    if (begun.ok) for (const call of task.opening.firstCalls) this.#ask(task, call);
  }

  /** A call of the auction, of any bound. */
  async startInAuction(pick: number, bound: number): Promise<void> {
    const task = this.#pick(pick, "auction");
    if (task === null) return;
    const call = this.#newCall("jury", DEAR, bound);
    const answer = await task.room.commitAuction(task.generation, aCommit({ started: [call] }));
    if (answer === "continue") this.#ask(task, call);
  }

  /** The provider answers a call of the auction, and the holder tells the room, or dies with it. */
  async endInAuction(pick: number, fate: Fate): Promise<void> {
    const asked = this.#openCall(pick, "auction");
    if (asked === null) return;
    const bill = answered(asked, fate);
    if (bill === null) return;
    const task = this.#taskOf(asked);
    const ended = { callId: asked.call.callId, bill, ms: 1 };
    await task.room.commitAuction(task.generation, aCommit({ ended: [ended] }));
    asked.told = true;
  }

  async clear(pick: number): Promise<void> {
    const task = this.#pick(pick, "auction");
    if (task === null) return;
    const bids = [CHEAP, MIDDLE, DEAR].map((agentId) => aBid({ agentId, round: 1, strategy: "multiply" }));
    const refused = () =>
      ({ callId: newId("cal", config.source), bill: { status: "refused" }, ms: 1 }) as const;
    const answer = await task.room.commitAuction(
      task.generation,
      aCommit({ bids: bids.map((bid) => ({ call: refused(), bid })) }),
    );
    if (answer !== "continue") return;
    const { taskId, generation } = task;
    const cleared = await this.#day.market.clear({
      taskId,
      generation,
      bids,
      verdicts: [],
      task: "",
      vector: null,
      tail: null,
    });
    if (!cleared.ok) return;
    const { state } = cleared.value;
    // Not sold: what its own limit leaves takes no trace.
    task.phase = state === "awarded" || state === "quoted" ? state : "over";
    if (cleared.value.state === "awarded") task.agentId = cleared.value.agentId;
    task.generation = 1;
  }

  /** The tenant accepts the cheap bid of a quote; refused, nothing has moved. */
  async accept(pick: number): Promise<void> {
    const task = this.#pick(pick, "quoted");
    if (task === null) return;
    const before = await readBooks(this.#day, { kind: "budget" });
    const quote = await task.room.quote();
    const accepted = await this.#day.market.acceptQuote({
      keyHash: KEY_HASH,
      taskId: task.taskId,
      agentId: CHEAP,
    });
    if (!accepted.ok) return assert.deepEqual(await readBooks(this.#day, { kind: "budget" }), before);
    task.phase = "awarded";
    task.quotedMicros = quote?.offers?.find(({ agentId }) => agentId === CHEAP)?.capMicros ?? null;
    assert.notEqual(task.quotedMicros, null, "accepted what was not offered");
  }

  async take(pick: number): Promise<void> {
    const task = this.#pick(pick, "awarded");
    if (task === null) return;
    const taken = await task.room.takeTrace(task.attempt, task.generation);
    if (taken.ok) task.phase = "trace";
  }

  /** One call of the trace; where its answer comes, its step is committed. */
  async step(pick: number, { bound, fate, late }: CallMade): Promise<void> {
    const task = this.#pick(pick, "trace");
    if (task === null) return;
    const call = this.#newCall("trace", task.agentId, bound);
    const begun = await task.room.startTraceCall(task.generation, call);
    if (begun === "cost_limit" || begun === "budget") {
      await task.room.endTrace(task.generation, null, begun);
      task.phase = "over";
    }
    if (begun !== "continue") return;
    const asked = this.#ask(task, call);
    const { generation } = task;
    if (late !== null) await this.#replaceHolder(task, asked, late);
    const bill = answered(asked, fate);
    if (bill === null) return;
    const { usage, costMicros } =
      bill.status === "billed" ? bill : { usage: aUsage(), costMicros: call.boundMicros };
    const due = task.steps + 1;
    const step = { step: due, text: "on it", toolCalls: [], assistant: null, usage, costMicros };
    const told = await task.room.commitAnswer(generation, { callId: call.callId, bill, ms: 1 }, step, null);
    asked.told = true;
    if (late === null) task.steps = due;
    else assert.equal(told, "lost");
  }

  /** Its holder is given up while its call is under way. */
  async #replaceHolder(task: Task, asked: Asked, late: "waits" | "held"): Promise<void> {
    await this.pass(120_000);
    task.generation += 1;
    task.phase = "awarded";
    // Where the task's time is over meanwhile, nobody goes on with it.
    asked.belated = (await task.room.view())?.endedAtMs === null;
    this.belated += Number(asked.belated);
    if (late === "held" && (await task.room.takeTrace(task.attempt, task.generation)).ok)
      task.phase = "trace";
  }

  /** @param dies the market room does, once it has heard of the verdict */
  async finish(pick: number, outcome: "pass" | "fail", dies: boolean): Promise<void> {
    const task = this.#pick(pick, "trace");
    if (task === null) return;
    const verdict = { outcome, verifier: "equals", evidence: "" } as const;
    await task.room.commitVerdict(task.generation, verdict);
    if (dies) await evictRooms(this.#day.market);
    const row = (await this.#day.market.heldTasks()).find(({ taskId }) => taskId === task.taskId);
    if ((row?.attempts ?? 0) <= task.attempt) {
      task.phase = "over";
      return;
    }
    assert.equal(outcome, "fail");
    this.escalations += 1;
    await this.#goOn(task);
  }

  /** The award of the next attempt is on its way. */
  async #goOn(task: Task): Promise<void> {
    const next = task.attempt + 1;
    for (let wait = 0; wait < 10; wait += 1) {
      const view = await task.room.view();
      if (view?.attempts === next && view.agentId !== null) {
        assert.notEqual(view.agentId, task.agentId, "sold twice to the same agent");
        Object.assign(task, { attempt: next, agentId: view.agentId, steps: 0, phase: "awarded" });
        task.generation += 1;
        return;
      }
      await this.pass(3_000);
    }
    assert.fail("the award of the next attempt never came");
  }

  async cancel(pick: number): Promise<void> {
    const task = this.#tasks[pick % Math.max(1, this.#tasks.length)];
    if (task !== undefined) await this.#day.market.cancel(task.taskId);
  }

  /** The holder dies, its lease lapses, and the work waits for the next one. */
  async lapse(pick: number): Promise<void> {
    const task = this.#tasks[pick % Math.max(1, this.#tasks.length)];
    if (task === undefined || task.phase === "over") return;
    await this.pass(120_000);
    const { taskId } = task;
    if (task.phase === "trace") {
      task.generation += 1;
      task.phase = "awarded";
      return;
    }
    if (task.phase === "awarded" || task.phase === "quoted") return;
    const generation = task.generation + 1;
    const taken = await this.#day.market.takeAuction(taskId, generation);
    if (!taken.ok) return;
    task.generation = generation;
    const begun = await task.room.beginAuction(generation, null);
    task.phase = begun.ok ? "auction" : "over";
    if (!begun.ok && begun.failure.reason === "stopping") await task.room.endAuction(generation, "stopped");
  }

  async pass(ms: number): Promise<void> {
    this.#clock.pass(ms);
    await this.#ring();
  }

  async evict(pick: number): Promise<void> {
    const task = this.#tasks[pick % Math.max(1, this.#tasks.length)];
    // Only what runs can be evicted.
    await Promise.all([this.#day.market.readPolicy(), task?.room.view()]);
    await evictRooms(this.#day.market, ...(task === undefined ? [] : [task.room]));
  }

  async setBudget(budget: Budget): Promise<void> {
    this.#budget = budget;
    await this.#day.market.setBudget(budget);
  }

  /** What must hold at every moment. */
  async check(): Promise<void> {
    const { spending } = await readBooks(this.#day, { kind: "budget" });
    for (const time of ["total", "day"] as const) {
      const used = spending.heldMicros + spending.chargedMicros[time];
      const cap = this.#budget[`${time}Micros`];
      // What was held under a larger budget stays; nothing more is held beyond a smaller one.
      if (used > this.#usedBefore[time] && cap !== null)
        assert.ok(used <= cap, `the budget is passed: ${time}`);
      this.#usedBefore[time] = used;
    }
    const { calls, sums, transfers } = await booksAtOnce(this.#day);
    assertAccounts({ calls, sums, transfers }, this.#tasks);
  }

  /** Everything comes to its end, and the books say what the providers did. */
  async end(): Promise<void> {
    for (const { taskId } of this.#tasks) await this.#day.market.cancel(taskId);
    for (let round = 0; round < 4; round += 1) await this.pass(300_000);
    await this.check();
    const { calls, sums } = await booksAtOnce(this.#day);
    assert.deepEqual(
      sums.accounts.filter((account) => account.heldMicros !== 0),
      [],
    );
    assertBooked(calls, this.#asked.values());
    // Nothing is booked that no provider was asked, but for what a Worker was given at admission and died with.
    const given = new Set(
      this.#tasks.flatMap(({ opening }) => opening.firstCalls.map((call) => call.callId)),
    );
    for (const { callId } of calls)
      assert.ok(this.#asked.has(callId) || given.has(callId), `${callId} was never made`);
  }

  async #ring(): Promise<void> {
    for (let ring = 0; ring < 3; ring += 1) {
      await runDurableObjectAlarm(this.#day.market);
      for (const { room } of this.#tasks) await runDurableObjectAlarm(room);
    }
  }

  #pick(pick: number, phase: Task["phase"]): Task | null {
    const fitting = this.#tasks.filter((task) => task.phase === phase);
    return fitting[pick % Math.max(1, fitting.length)] ?? null;
  }

  #openCall(pick: number, phase: Task["phase"]): Asked | null {
    const open = [...this.#asked.values()].filter(
      (asked) => asked.bill === null && this.#taskOf(asked).phase === phase,
    );
    return open[pick % Math.max(1, open.length)] ?? null;
  }

  #taskOf({ taskId }: Asked): Task {
    const task = this.#tasks.find((one) => one.taskId === taskId);
    if (task === undefined) throw new Error(`no task ${taskId}`);
    return task;
  }

  #newCall(kind: CallKind, agentId: AgentId, bound: number): StartedCall {
    return { callId: newId("cal", config.source), kind, agentId, boundMicros: asMicros(bound) };
  }

  #ask({ taskId }: Task, call: StartedCall): Asked {
    const asked: Asked = { call, taskId, bill: null, told: false, belated: false };
    this.#asked.set(call.callId, asked);
    return asked;
  }
}
