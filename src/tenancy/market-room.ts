/**
 * The market room: one Durable Object per tenant that orders its auctions and keeps its books.
 *
 * It decides and records; it never waits for a model (architecture, decision 1). Each transition is one transaction;
 * what others must learn of it leaves by the outbox. Only this room sets a task's final state. What is not the way of a
 * task is the front office's.
 */
import { Outbox } from "../durable/outbox.ts";
import type { Timer } from "../durable/timers.ts";
import { logError } from "../log.ts";
import { FINISHED_CARRYING_MS } from "./carriers.ts";
import type { TaskRow } from "../market/history-row.ts";
import type { StuckId, TaskId, WebhookId } from "../market/ids.ts";
import type { RecalledEntry } from "../market/memory.ts";
import type { Micros } from "../market/money.ts";
import type { EndReport, SpentCall } from "../market/report.ts";
import { fail, ok, type Result } from "../market/result.ts";
import type { TaskEnd } from "../market/task.ts";
import { CALIBRATION_TIMER } from "./calibrations.ts";
import { QUOTE_TIMER } from "./sales.ts";
import { FrontOffice } from "./front-office.ts";
import { completed } from "./idempotency.ts";
import { findStuck } from "./stuck-findings.ts";
import { withRate } from "./with-rate.ts";
import type { HoldRefusal } from "./ledger.ts";
import type {
  AcceptRequest,
  Admission,
  AdmitRefusal,
  AdmitRequest,
  ClearRequest,
  LeaseAnswer,
  MarketRoomApi,
  ParkedRow,
  RecallQuery,
} from "./market-room-api.ts";
import type { TenantDoc } from "./market-store.ts";
import type { Asked } from "./replays.ts";
import { sweepRoom } from "./sweep-room.ts";
import type { MarketTask } from "./task-store.ts";
import { WEBHOOK_TIMER } from "./webhooks/webhook-calls.ts";
import { REFILL_TIMER } from "./turns.ts";
import { taskWaits } from "./waiting-tasks.ts";

export class MarketRoom extends FrontOffice implements MarketRoomApi {
  // --- The way of a task ---

  async admit(request: AdmitRequest): ReturnType<MarketRoomApi["admit"]> {
    if (!this.parts.isReady) return fail({ reason: "unauthenticated" });
    const idempotency = await completed(request.idempotency);
    const admitted = await this.parts.commit(() => {
      const held = this.parts.keyHolder(request.keyHash);
      if (held === null) return fail({ reason: "unauthenticated" } as const);
      const { tenant, key } = held;
      return withRate(this.parts.rates.request(key.account), () => {
        if (!key.scopes.includes("tasks")) return fail({ reason: "forbidden" } as const);
        return this.#admitOnce(tenant, { request: idempotency, scope: key.account }, () =>
          this.parts.auctions.admit(tenant, { ...request, keyId: key.account }),
        );
      });
    });
    if (!admitted.ok) return admitted;
    // Whoever holds the auction opens the task's room. Nobody does for an auction that waits for its turn, and perhaps
    // nobody did for a replay: the first answer may have been lost with its holder.
    if (admitted.value.auctionGeneration === null) await this.parts.outbox.flush(admitted.value.taskId);
    return admitted;
  }

  /** What was admitted before is answered also of a suspended tenant. */
  #admitOnce(
    tenant: TenantDoc,
    asked: Asked,
    admit: () => Result<Admission, AdmitRefusal>,
  ): Result<Admission, AdmitRefusal> {
    const once = this.parts.replays.once(asked, {
      make: () => (tenant.suspendedAtMs === null ? admit() : fail({ reason: "tenant_suspended" } as const)),
      keep: ({ taskId }) => taskId,
      again: (taskId) => this.parts.auctions.admittedBefore(taskId),
    });
    return once.ok ? ok(once.value.value) : once;
  }

  async openRoom(taskId: TaskId): Promise<void> {
    if (this.parts.tenant() !== null) await this.parts.outbox.flush(taskId);
  }

  async takeAuction(taskId: TaskId, announced: number): ReturnType<MarketRoomApi["takeAuction"]> {
    if (this.parts.tenant() === null) return fail({ reason: "stale" });
    // The task's room must know the task before anyone bids for it.
    await this.parts.outbox.flush(taskId);
    return this.parts.commit(() => this.parts.leases.take(taskId, announced));
  }

  async failAuction(...failed: Parameters<MarketRoomApi["failAuction"]>): Promise<void> {
    if (this.parts.tenant() === null) return;
    await this.parts.commit(() => this.parts.leases.fail(...failed));
  }

  async buryAuction(taskId: TaskId, announced: number): ReturnType<MarketRoomApi["buryAuction"]> {
    if (this.parts.tenant() === null) return "stale";
    const burial = await this.parts.commit(() => this.parts.leases.bury(taskId, announced), taskId);
    const task = this.parts.desk.openTask(taskId);
    if (burial === "again" && task !== null) await this.parts.announceAuction(task);
    return burial;
  }

  async renewAuction(taskId: TaskId, generation: number): Promise<LeaseAnswer> {
    if (this.parts.tenant() === null) return "ended";
    return this.parts.commit(() => this.parts.leases.renew(taskId, generation));
  }

  async clear(request: ClearRequest): ReturnType<MarketRoomApi["clear"]> {
    if (this.parts.tenant() === null) return fail({ reason: "unknown_task" });
    return this.parts.commit(() => this.parts.auctions.clear(request), request.taskId);
  }

  async acceptQuote({ keyHash, taskId, agentId }: AcceptRequest): ReturnType<MarketRoomApi["acceptQuote"]> {
    if (!this.parts.isReady) return fail({ reason: "unauthenticated" });
    await this.parts.outbox.flush(taskId);
    return this.parts.commit(() => {
      const held = this.parts.keyHolder(keyHash);
      if (held === null) return fail({ reason: "unauthenticated" } as const);
      if (!held.key.scopes.includes("tasks")) return fail({ reason: "forbidden" } as const);
      return this.parts.auctions.accept(held.tenant, { taskId, agentId });
    }, taskId);
  }

  /** The task's room stops the work and reports; until then the task is stopping, and nothing new begins. */
  async cancel(taskId: TaskId): Promise<boolean> {
    if (this.parts.tenant() === null) return false;
    return this.parts.commit(() => this.parts.desk.stop(taskId), taskId);
  }

  async findStuck(): ReturnType<MarketRoomApi["findStuck"]> {
    if (this.parts.tenant() === null) return { findings: [], running: [] };
    const { desk, outbox, webhooks } = this.parts;
    return findStuck({ desk, outbox, failingEndpoints: (...limits) => webhooks.failing(...limits) });
  }

  async redriveStuck(stuckId: StuckId): ReturnType<MarketRoomApi["redriveStuck"]> {
    if (this.parts.liveTenant() === null) return fail({ reason: "stuck_not_redrivable" });
    const redriven = await this.parts.commit(() => this.parts.stuck.redrive(stuckId));
    if (redriven.ok) await this.parts.outbox.flush(redriven.value.taskId);
    return redriven;
  }

  async dismissStuck(stuckId: StuckId): ReturnType<MarketRoomApi["dismissStuck"]> {
    if (this.parts.liveTenant() === null) return fail({ reason: "stuck_settled" });
    const dismissed = await this.parts.commit(() => this.parts.stuck.dismiss(stuckId));
    return dismissed ? ok(null) : fail({ reason: "stuck_settled" });
  }

  // --- What the task's room reports ---

  async spent(taskId: TaskId, calls: readonly SpentCall[]): Promise<void> {
    // Of a tenant that is erased, nobody asks any more.
    if (this.parts.tenant() === null) return;
    await this.parts.commit(() => this.parts.desk.spend(taskId, calls));
  }

  /** The task's room needs more than it was allowed. */
  async allow(taskId: TaskId, totalMicros: Micros): Promise<Result<Micros, HoldRefusal>> {
    this.parts.desk.mustTenant();
    return this.parts.commit(() => this.parts.desk.allow(taskId, totalMicros));
  }

  async waits(taskId: TaskId, attempt: number): Promise<void> {
    if (this.parts.tenant() === null) return;
    await this.parts.commit(() => taskWaits(this.parts.desk, { taskId, attempt }));
  }

  /**
   * Settles the attempt, and with it the task, unless another agent is to try: then the answer is null. Told again, it
   * answers the same.
   */
  async ended(report: EndReport): Promise<TaskEnd | null> {
    if (this.parts.tenant() === null) return report.end;
    const end = await this.parts.commit(() => {
      const settled = this.parts.auctions.settle(report);
      if (settled !== null) this.parts.calibrations.settled(report.taskId, settled);
      return settled;
    });
    // Beside the answer, which its room may be waiting for: the next award leaves.
    if (end === null) this.ctx.waitUntil(this.parts.outbox.flush(report.taskId));
    return end;
  }

  // --- Reading, history, sweep ---

  async heldTasks(): Promise<readonly TaskRow[]> {
    return this.parts.tenant() === null ? [] : this.parts.desk.heldTasks();
  }

  async historyBatch(limit: number): ReturnType<MarketRoomApi["historyBatch"]> {
    if (this.parts.tenant() === null) return [];
    const batch = this.parts.desk.historyBatch(limit);
    if (batch.length === 0) return batch;
    const nowMs = this.parts.desk.now();
    this.parts.carriers.handedOut(
      batch.map(({ id }) => id),
      nowMs,
    );
    this.parts.outside.carried("history", nowMs + FINISHED_CARRYING_MS);
    return batch;
  }

  async historyWritten(written: readonly number[], parked: readonly ParkedRow[]): Promise<void> {
    this.parts.carriers.reported([...written, ...parked.map(({ id }) => id)]);
    if (this.parts.tenant() === null) return;
    await this.parts.commit(() => {
      this.parts.stuck.forgetOld();
      this.parts.desk.historyWritten(written, parked);
      this.parts.replays.forgetExpired();
      this.parts.outside.follow("history");
    });
  }

  async recall(query: RecallQuery): Promise<readonly RecalledEntry[]> {
    return this.parts.tenant() === null ? [] : this.parts.memory.recall(query);
  }

  async claimVectors(limit: number): ReturnType<MarketRoomApi["claimVectors"]> {
    if (this.parts.liveTenant() === null) return [];
    return this.parts.commit(() => {
      const claimed = this.parts.memory.claim(limit);
      this.parts.outside.follow("memory");
      return claimed;
    });
  }

  async reportVectors(reports: Parameters<MarketRoomApi["reportVectors"]>[0]): Promise<void> {
    if (this.parts.tenant() === null) return;
    await this.parts.commit(() => {
      this.parts.memory.report(reports);
      this.parts.outside.follow("memory");
    });
  }

  async sweep(): Promise<number> {
    return this.parts.tenant() === null ? 0 : sweepRoom(this.parts, this.ctx.storage);
  }

  override async alarm(): Promise<void> {
    if (!this.parts.isReady) return;
    await this.parts.timers.ring(
      async (timer) => this.#onTimer(timer),
      (timer, error) => logError("market-timer", error, { kind: timer.kind, subject: timer.subject }),
    );
  }

  async #onTimer(timer: Timer): Promise<void> {
    if (Outbox.owns(timer.kind)) return this.parts.outbox.flush(timer.subject);
    if (timer.kind === "history" || timer.kind === "memory") return this.parts.outside.remind(timer.kind);
    // SAFETY: set with an endpoint's id as subject.
    if (timer.kind === WEBHOOK_TIMER) return this.parts.webhooks.calls.remind(timer.subject as WebhookId);
    if (timer.kind === REFILL_TIMER) return this.parts.commit(() => this.parts.desk.turns.changed());
    if (timer.kind === CALIBRATION_TIMER) return this.parts.counter.beginRuns();
    // SAFETY: timers of auctions and quotes are set with a task's id as subject, see `timeAuction`.
    const taskId = timer.subject as TaskId;
    if (timer.kind === QUOTE_TIMER)
      return this.parts.commit(() => this.parts.auctions.expireQuote(taskId), taskId);
    const waiting = await this.parts.commit(() => this.parts.leases.onTimer(taskId), taskId);
    // Other timers do not wait for the queue.
    if (waiting !== null) this.ctx.waitUntil(this.#announceAgain(waiting));
  }

  /** What does not get through is announced again by the auction's timer. */
  async #announceAgain(task: MarketTask): Promise<void> {
    try {
      await this.parts.announceAuction(task);
    } catch (error) {
      logError("auction-announce", error, { taskId: task.taskId });
    }
  }
}
