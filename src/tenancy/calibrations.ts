/**
 * Calibrations in the market room: quoted, accepted once, and carried out a few runs at a time.
 *
 * Accepting is one transaction in the room that also admits the runs: whatever dies afterwards, each run is begun by
 * the timer, in the transaction that marks it as begun, and by nobody else. Each method is called inside a transaction.
 */
import {
  isConclusive,
  RUNS_AT_ONCE,
  type CalibrationQuote,
  type CalibrationState,
  type QuotedRun,
  type SkipReason,
} from "../market/calibration/calibration.ts";
import { isStillThatBidder, type PastAuction, type PastBidder } from "../market/calibration/past-auction.ts";
import type { RunKey } from "../market/calibration/suitable.ts";
import type { Agent } from "../market/agent.ts";
import { newId, type AuctionId, type CalibrationId, type TaskId } from "../market/ids.ts";
import { canonicalJson } from "../market/receipt-json.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { TaskEnd } from "../market/task.ts";
import type { AuctionTransitions } from "./auction-transitions.ts";
import type { CalibrationRefusal, CalibrationView } from "./calibration-api.ts";
import type { CalibrationStore, RunPlace, StoredRun } from "./calibration-store.ts";
import type { MarketDesk } from "./market-desk.ts";
import { knownTools } from "./tools/admitted-tools.ts";

export const CALIBRATION_TIMER = "calibration";
/** An expired quote is known as such for a while. */
const KEEP_EXPIRED_MS = 24 * 60 * 60 * 1_000;
/** A past task's room that does not answer is asked again after this long, and this often. */
const RETRY_MS = 5_000;
const MAX_FAILURES = 5;
/** Accepted calibrations that are looked at for ones that still run. */
const MAX_LISTED = 20;

export class Calibrations {
  readonly #desk: MarketDesk;
  readonly #auctions: AuctionTransitions;
  readonly #store: CalibrationStore;

  constructor(desk: MarketDesk, auctions: AuctionTransitions, store: CalibrationStore) {
    this.#desk = desk;
    this.#auctions = auctions;
    this.#store = store;
  }

  taken(auctionIds: readonly AuctionId[]): RunKey[] {
    return this.#store.taken(auctionIds);
  }

  quote(quote: CalibrationQuote, runs: readonly QuotedRun[]): void {
    this.#store.forgetQuotes(this.#desk.now() - KEEP_EXPIRED_MS);
    this.#store.addQuote(quote, runs);
  }

  /** Accepted again, it stays accepted: nothing is added. */
  accept(id: CalibrationId): Result<CalibrationView, CalibrationRefusal> {
    const found = this.view(id);
    if (found === null) return fail({ reason: "unknown_calibration" });
    if (found.acceptedAtMs !== null) return ok(found);
    if (found.state === "expired") return fail({ reason: "calibration_expired" });
    this.#store.accept(id, this.#desk.now());
    this.wake();
    return ok(this.view(id) ?? found);
  }

  /** What has not begun never will. Returns the tasks whose rooms are to be told to stop. */
  cancel(id: CalibrationId): TaskId[] {
    const stopped: TaskId[] = [];
    for (const run of this.#store.runs(id)) {
      if (run.status === "quoted" || run.status === "waiting") this.#store.skip(run, "cancelled");
      if (run.status === "running" && this.#desk.stop(run.runTaskId)) stopped.push(run.runTaskId);
    }
    return stopped;
  }

  /** Of no calibration does another run begin. */
  stopAll(): void {
    for (const run of this.#store.notBegun()) this.#store.skip(run, "cancelled");
  }

  /** The timer that begins runs, due at once where there are any, unless a try is set already. */
  wake(): void {
    if (this.#store.nextWaiting() === null) return;
    this.#desk.timers.ensure(CALIBRATION_TIMER, "", this.#desk.now());
  }

  /** The run to begin now. Null: none waits or enough are under way, and the timer is cleared. */
  next(): StoredRun | null {
    const run = this.#store.countRunning() < RUNS_AT_ONCE ? this.#store.nextWaiting() : null;
    if (run === null) this.#desk.timers.clear(CALIBRATION_TIMER, "");
    return run;
  }

  /**
   * Begins a run as a task of its own; null where it does not come to that.
   *
   * @param past what the past task's room holds now; null: it is gone
   */
  begin(place: RunPlace, past: PastAuction | null): TaskId | null {
    const run = this.#store.run(place);
    // Since the past task was asked for, the run may have been cancelled.
    if (run?.status !== "waiting" || this.#store.countRunning() >= RUNS_AT_ONCE) return null;
    const chosen = this.#bidderOf(run, past);
    if (!chosen.ok) {
      this.#store.skip(run, chosen.failure);
      return null;
    }
    const { past: found, bidder } = chosen.value;
    const { taskId: pastTaskId, auctionId, agentId } = run;
    const { source } = this.#desk.config;
    const taskId = newId("tsk", source);
    // The tenant's labels and its limit are of what it submitted, and it did not submit this.
    const limits = { ...found.spec.limits, maxCostUsd: null };
    const spec = { ...found.spec, limits, policy: null, escalation: null, metadata: {} };
    const tools = knownTools(this.#desk.store.registry, spec.tools);
    const ids = { taskId, auctionId: newId("auc", source) };
    this.#auctions.admitAwarded(
      this.#desk.mustTenant(),
      { ...ids, seed: found.seed, spec, tools, asksAtOnce: false, keyId: null },
      {
        kind: "calibration",
        agentId,
        calibrates: { taskId: pastTaskId, auctionId },
        strategy: bidder.strategy,
      },
    );
    this.#store.begin(run, taskId);
    return taskId;
  }

  /** The past task's room could not be asked: later again, a few times. */
  postpone(place: RunPlace): void {
    const failures = this.#store.countFailure(place);
    if (failures >= MAX_FAILURES) this.#store.skip(place, "task_unreachable");
    this.#desk.timers.set(CALIBRATION_TIMER, "", this.#desk.now() + RETRY_MS);
  }

  /** A task has its final state: if it was a run, the next one may begin. */
  settled(taskId: TaskId, end: TaskEnd): void {
    if (this.#desk.store.tasks.find(taskId)?.calibrates == null) return;
    if (this.#store.end(taskId, end, isConclusive(end))) this.wake();
  }

  view(id: CalibrationId): CalibrationView | null {
    const found = this.#store.calibration(id);
    if (found === null) return null;
    const runs = this.#store.runs(id).map((run) => ({
      ...run,
      costMicros: "runTaskId" in run ? this.#desk.ledger.charged(run.runTaskId) : null,
    }));
    const { quote, acceptedAtMs } = found;
    return { quote, acceptedAtMs, runs, state: this.#stateOf(found.quote, acceptedAtMs, runs) };
  }

  mustView(id: CalibrationId): CalibrationView {
    const found = this.view(id);
    if (found === null) throw new Error(`no calibration ${id}`);
    return found;
  }

  /** Accepted ones that are not over, newest first. */
  running(): CalibrationView[] {
    return this.#store.accepted(MAX_LISTED).flatMap((id) => {
      const view = this.view(id);
      return view?.state === "running" ? [view] : [];
    });
  }

  #stateOf(
    quote: CalibrationQuote,
    acceptedAtMs: number | null,
    runs: CalibrationView["runs"],
  ): CalibrationState {
    if (acceptedAtMs === null) return this.#desk.now() < quote.expiresAtMs ? "quoted" : "expired";
    const over = runs.every((run) => {
      if (run.status === "skipped") return true;
      // A settled task leaves this room once the history has all of it.
      return run.status === "ended" && this.#desk.store.tasks.find(run.runTaskId) === null;
    });
    return over ? "ended" : "running";
  }

  #bidderOf(
    run: StoredRun,
    past: PastAuction | null,
  ): Result<{ readonly past: PastAuction; readonly bidder: PastBidder }, SkipReason> {
    const bidder = past?.bidders.find(({ agentId }) => agentId === run.agentId);
    if (past === null || past.auctionId !== run.auctionId || bidder === undefined) return fail("task_erased");
    const { pool } = this.#desk.poolOf(this.#desk.mustTenant());
    const agent = pool.find(({ id }) => id === run.agentId);
    if (agent === undefined || !this.#isAsQuoted(run, agent) || !isStillThatBidder(bidder, agent)) {
      return fail("agent_changed");
    }
    return ok({ past, bidder });
  }

  /** The price was quoted first: an agent that got another one since is not run at it. */
  #isAsQuoted({ calibrationId }: StoredRun, agent: Agent): boolean {
    const quoted = this.#store.calibration(calibrationId)?.quote.agents.find(({ id }) => id === agent.id);
    if (quoted === undefined) return false;
    return canonicalJson(figuresOf(quoted)) === canonicalJson(figuresOf(agent));
  }
}

function figuresOf({ provider, model, prices }: Pick<Agent, "provider" | "model" | "prices">): object {
  return { provider, model, prices };
}
