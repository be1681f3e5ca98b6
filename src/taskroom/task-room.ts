/**
 * The task room: one Durable Object per task, the truth about it (architecture, decision 2).
 *
 * It numbers the task's events, journals bids, verdicts, calls and steps, and keeps the trace's lease. It exists from
 * admission. This file is the shell: RPC in, one transaction, effects out; the stages beside it decide.
 */
import { parseConfig, type Config } from "../config.ts";
import { eraseStorage, holdsStorage } from "../durable/erase-storage.ts";
import { Outbox } from "../durable/outbox.ts";
import { migrateSchema } from "../durable/schema.ts";
import { Timers, type Timer } from "../durable/timers.ts";
import { logError } from "../log.ts";
import type { AuctionCommit } from "../market/auction-commit.ts";
import type { Opening } from "../market/auction-record.ts";
import type { Award, Redrive, StopEnd, Unsold } from "../market/award.ts";
import type { CallFailure, EndedCall } from "../market/call.ts";
import type { Burial } from "../market/dead-letter.ts";
import type { TellAnswer, TextPiece } from "../market/live-text.ts";
import type { Verdict } from "../market/report.ts";
import type { Ruling } from "../market/panel.ts";
import type { QuotedAuction } from "../market/sale/quote.ts";
import type { StepRetry } from "../market/step-retry.ts";
import type { FailureReason } from "../market/task.ts";
import { Allowance } from "./allowance.ts";
import { announceTrace } from "./announce-trace.ts";
import { AuctionStage } from "./auction-stage.ts";
import { EventStream } from "./event-stream.ts";
import { FileStage } from "./file-stage.ts";
import { listening } from "./listener.ts";
import type { MarketRoomPort } from "./market-room-port.ts";
import { marketOutbox } from "./market-outbox.ts";
import { MARKET_LANE, Room, type ToMarketRoom } from "./room.ts";
import { PanelStage } from "./panel-stage.ts";
import { SaleStage } from "./sale-stage.ts";
import { streamSource, tellText } from "./stream-source.ts";
import type {
  DeskAnswer,
  FreshAuction,
  Heard,
  StartAnswer,
  StepAnswered,
  StepStartAnswer,
  TaskRoomApi,
  ToolsAnswered,
  TraceHealth,
} from "./task-room-api.ts";
import { ReadableRoom } from "./readable-room.ts";
import { StepStage } from "./step-stage.ts";
import { StopStage } from "./stop-stage.ts";
import { tellMarket } from "./tell-market.ts";
import { TASK_SCHEMA } from "./task-schema.ts";
import { RedriveStage } from "./redrive-stage.ts";
import { TraceFailures, type FailedSlice } from "./trace-failures.ts";
import { traceCall, type StartTraceCall } from "./trace-call.ts";
import { TraceStage } from "./trace-stage.ts";
import { VerificationStage } from "./verification-stage.ts";
import type { CheckResult, OutcomeOrder } from "./waiting.ts";

/** A lane that failed less often is how things go. */
const MIN_TRIES = 3;

export class TaskRoom extends ReadableRoom implements TaskRoomApi {
  readonly #config: Config;
  readonly #timers: Timers;
  readonly #outbox: Outbox<ToMarketRoom>;
  readonly #stream: EventStream;
  readonly #room: Room;
  readonly #allowance: Allowance;
  readonly #auction: AuctionStage;
  readonly #sale: SaleStage;
  readonly #trace: TraceStage;
  readonly #steps: StepStage;
  readonly #verification: VerificationStage;
  readonly #panel: PanelStage;
  readonly #failures: TraceFailures;
  readonly #redrive: RedriveStage;
  readonly #stops: StopStage;
  readonly #files: FileStage;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = parseConfig(env);
    const now = () => this.#config.source.now();
    this.#timers = new Timers(ctx.storage, now);
    const deliver = async (messages: readonly ToMarketRoom[]) =>
      tellMarket(this.#room, this.#market(), messages);
    this.#outbox = marketOutbox(ctx.storage, { timers: this.#timers, now, deliver });
    this.#stream = new EventStream(ctx, streamSource(this.journal));
    this.#room = new Room({
      config: this.#config,
      journal: this.journal,
      timers: this.#timers,
      outbox: this.#outbox,
      stream: this.#stream,
      isOpen: () => this.ready,
      transaction: (work) => ctx.storage.transactionSync(work),
      background: (work) => ctx.waitUntil(work),
    });
    this.#allowance = new Allowance({ room: this.#room, market: () => this.#market() });
    this.#auction = new AuctionStage(this.#room);
    this.#sale = new SaleStage(this.#room);
    this.#trace = new TraceStage(this.#room);
    this.#steps = new StepStage(this.#room, this.#trace, this.#allowance);
    this.#verification = new VerificationStage(this.#room, this.#trace);
    this.#panel = new PanelStage(this.#room, this.#trace);
    this.#failures = new TraceFailures(this.#room);
    this.#redrive = new RedriveStage(this.#room);
    this.#stops = new StopStage(this.#room);
    this.#files = new FileStage(this.#room, ctx.storage, this.#trace);
    // Of a task that is settled, no sweep wakes the room: whoever reads it does.
    if (this.ready) void ctx.blockConcurrencyWhile(async () => this.#timers.wake());
  }

  // --- From the market room ---

  async open(opening: Opening): Promise<void> {
    this.#migrate();
    await this.#room.commit(() => this.#room.open(opening));
  }

  #migrate(): void {
    if (!this.ready) migrateSchema(this.ctx.storage, TASK_SCHEMA);
    this.ready = true;
  }

  async award(award: Award): Promise<void> {
    await this.#announcing(() => {
      // An award from before there were tails has none.
      if (award.tail != null) this.#auction.takeTail(award.tail);
      return this.#trace.award(award);
    });
  }

  /** @throws Error where the market room has not heard yet what the auction has cost: then it is told again */
  async quoted({ tail, ...quoted }: QuotedAuction): Promise<void> {
    await this.#room.commit(() => {
      if (tail !== null) this.#auction.takeTail(tail);
      this.#sale.quoted(quoted);
    });
    // What the auction has cost is booked before anybody accepts a bid.
    await this.#outbox.flush(MARKET_LANE);
    if (!this.#outbox.isEmpty(MARKET_LANE)) throw new Error("the auction's bills are not told yet");
  }

  async unsold({ tail, ...unsold }: Unsold): Promise<void> {
    await this.#room.commit(() => {
      if (tail !== null) this.#auction.takeTail(tail);
      this.#sale.unsold(unsold);
    });
  }

  async beginTrace(attempt: number): Promise<void> {
    // The award came before: a room that is not there has been erased.
    if (!this.ready) return;
    await this.#announcing(() => this.#trace.begin(attempt));
  }

  async redrive(redrive: Redrive): Promise<void> {
    // It ended before: a room that is not there has been erased.
    if (!this.ready) return;
    await this.#announcing(() => this.#redrive.redrive(redrive));
  }

  async stop(end: StopEnd): Promise<void> {
    if (!this.ready) throw new Error("stop before open");
    await this.#room.commit(() => this.#stops.stop(end));
  }

  async wake(): Promise<void> {
    if (!this.ready) return;
    const task = this.#room.openTask();
    if (task?.waiting != null) this.#room.ensureTimer("verification", task.waiting.untilMs);
    if (task?.lease != null) {
      // A checker is asked again when it is due, not before.
      const dueAtMs = task.waiting?.check?.nextTryAtMs ?? this.#room.now();
      this.#room.ensureTimer("trace-lease", task.lease.heldUntilMs ?? dueAtMs);
    }
    await this.#outbox.flush(MARKET_LANE);
    await this.#timers.wake();
  }

  async erase(): Promise<void> {
    if (this.ready && this.#auction.mayBegin()) return;
    // The market room's answer to the end may be on its way.
    if (this.ready) await this.#outbox.flush(MARKET_LANE);
    this.ready = false;
    await eraseStorage(this.ctx.storage);
  }

  async holdsStorage(): Promise<boolean> {
    return holdsStorage(this.ctx.storage);
  }

  // --- The auction ---

  async beginAuction(
    generation: number,
    fresh: FreshAuction | null,
  ): ReturnType<TaskRoomApi["beginAuction"]> {
    // A holder that comes so late may come after the deletion of its tenant, and would make the room again.
    const isLate = fresh !== null && this.#auction.isLate(fresh.opening);
    if (fresh !== null && !isLate) this.#migrate();
    if (!this.ready) return { ok: false, failure: { reason: isLate ? "lost" : "ended" } };
    return this.#room.commit(() => this.#auction.begin(generation, fresh));
  }

  async commitAuction(generation: number, commit: AuctionCommit): Promise<StartAnswer> {
    return this.#allowance.commit(commit.started, {
      isHeld: () => this.#auction.isHeld(generation),
      work: (refusal) => this.#auction.commit(generation, commit, refusal),
      bills: () => this.#auction.bookCalls(commit),
    });
  }

  async endAuction(generation: number, reason: "no_bids" | "stopped"): Promise<void> {
    await this.#room.commit(() => this.#auction.end(generation, reason));
  }

  // --- The trace ---

  async takeTrace(attempt: number, announced: number): ReturnType<TaskRoomApi["takeTrace"]> {
    if (!this.ready) return { ok: false, failure: { reason: "stale" } };
    return this.#room.commit(() => this.#trace.take(attempt, announced));
  }

  async renewTrace(generation: number, asks?: "listeners"): Promise<Heard<DeskAnswer>> {
    return this.#stream.answer(await this.#room.commit(() => this.#trace.renew(generation)), asks);
  }

  async startTraceCall(
    ...[generation, call, terms = {}, asks]: StartTraceCall
  ): Promise<Heard<StepStartAnswer>> {
    const asked = traceCall(this.#room, this.#trace, { generation, call, terms });
    return this.#stream.answer(await this.#allowance.commit([call], asked), asks);
  }

  async tellText(generation: number, piece: TextPiece): Promise<TellAnswer> {
    const held = this.ready ? this.#trace.held(generation) : null;
    return tellText(this.#stream, this.journal, { held, piece });
  }

  async commitAnswer(...given: Parameters<TaskRoomApi["commitAnswer"]>): Promise<StepAnswered> {
    const answer = await this.#room.commit(() => this.#steps.commitAnswer(...given));
    if (this.ready) this.#stream.completeText();
    return answer;
  }

  async failTraceCall(generation: number, call: EndedCall, failure: CallFailure): Promise<StepRetry> {
    return this.#room.commit(() => this.#trace.failCall(generation, call, failure));
  }

  async commitTools(...given: Parameters<TaskRoomApi["commitTools"]>): Promise<Heard<ToolsAnswered>> {
    const answer = await this.#room.commit(() => this.#steps.commitTools(...given));
    return this.#stream.answer(answer, given[3] && "listeners");
  }

  async useFiles(...asked: Parameters<TaskRoomApi["useFiles"]>): ReturnType<TaskRoomApi["useFiles"]> {
    if (!this.ready) return { ok: false, failure: { reason: "lost" } };
    return this.#room.commit(() => this.#files.use(...asked));
  }

  async commitVerdict(generation: number, verdict: Verdict): Promise<void> {
    await this.#room.commit(() => this.#trace.commitVerdict(generation, verdict));
  }

  async waitForUser(generation: number): Promise<void> {
    await this.#room.commit(() => this.#verification.waitForUser(generation));
  }

  async beginCheck(generation: number, tokenHash: string): ReturnType<TaskRoomApi["beginCheck"]> {
    return this.#room.commit(() => this.#verification.beginCheck(generation, tokenHash));
  }

  async commitCheck(generation: number, result: CheckResult): Promise<void> {
    await this.#room.commit(() => this.#verification.commitCheck(generation, result));
  }

  async openPanel(generation: number): ReturnType<TaskRoomApi["openPanel"]> {
    return this.#panel.open(generation);
  }

  async commitRuling(generation: number, call: EndedCall | null, ruling: Ruling): Promise<DeskAnswer> {
    return this.#room.commit(() => this.#panel.commit(generation, call, ruling));
  }

  async tellOutcome(order: OutcomeOrder): ReturnType<TaskRoomApi["tellOutcome"]> {
    if (!this.ready) return { ok: false, failure: { reason: "task_not_found" } };
    return this.#room.commit(() => this.#verification.tell(order));
  }

  async handOver(generation: number): Promise<void> {
    await this.#announcing(() => this.#trace.handOver(generation));
  }

  async endTrace(
    generation: number,
    call: EndedCall | null,
    reason: FailureReason | "stopped",
  ): Promise<void> {
    await this.#room.commit(() => this.#trace.end(generation, call, reason));
  }

  async failTrace(generation: number, failed: FailedSlice): Promise<void> {
    await this.#room.commit(() => this.#failures.fail(generation, failed));
  }

  async buryTrace(attempt: number, announced: number): Promise<Burial> {
    if (!this.ready) return "stale";
    const burial = await this.#room.commit(() => this.#failures.bury(attempt, announced));
    if (burial === "again") this.ctx.waitUntil(announceTrace(this.#room));
    return burial;
  }

  // --- Reading ---

  async traceHealth(): Promise<TraceHealth | null> {
    return this.ready ? this.#failures.health(this.#outbox.failing(MIN_TRIES, 1)[0] ?? null) : null;
  }

  async readFiles(path: string | null): ReturnType<TaskRoomApi["readFiles"]> {
    return this.ready ? this.#files.view(path) : null;
  }

  /**
   * A listener: `GET …?after=SEQ` with `Upgrade: websocket`; one message is one event. With `text=1` it hears text, with
   * `acks=1` it acknowledges what it has read.
   */
  override async fetch(request: Request): Promise<Response> {
    const task = this.ready ? this.journal.task() : null;
    if (task === null) return new Response(null, { status: 404 });
    return this.#stream.accept(listening(request));
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (this.ready) this.#stream.heard(socket, message);
  }

  override webSocketClose(socket: WebSocket): void {
    // Answers the listener's close; 1005 may not be sent, so the code is always the normal one.
    socket.close(1000);
  }

  override async alarm(): Promise<void> {
    if (!this.ready) return;
    await this.#timers.ring(
      (timer) => this.#onTimer(timer),
      (timer, error) => logError("task-timer", error, { kind: timer.kind }),
    );
  }

  async #onTimer(timer: Timer): Promise<void> {
    if (Outbox.owns(timer.kind)) return this.#outbox.flush(timer.subject);
    if (timer.kind === "trace-lease") {
      return this.#announcing(() => this.#trace.onTimer());
    }
    if (timer.kind === "verification") return this.#room.commit(() => this.#verification.onTimer());
    const { kind } = timer;
    if (kind === "deadline" || kind === "stop") return this.#room.commit(() => this.#stops.onTimer(kind));
    // Of a version that is not this one.
    this.#timers.clear(kind, timer.subject);
  }

  // --- Effects ---

  #market(): MarketRoomPort {
    return this.#config.marketRoom<MarketRoomPort>(this.#room.mustOpening().tenantId);
  }

  /** @param work true where the trace is to be announced */
  async #announcing(work: () => boolean): Promise<void> {
    // Goes out beside the answer.
    if (await this.#room.commit(work)) this.ctx.waitUntil(announceTrace(this.#room));
  }
}
