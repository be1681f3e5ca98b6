/** The statements over the task room's tables (`task-schema.ts`). No decisions here. */
import type { EmbeddingRecord } from "../market/auction-commit.ts";
import {
  NO_FIRST_CALLS,
  type BidRecord,
  type Opening,
  type RefinementRecord,
  type VerdictRecord,
} from "../market/auction-record.ts";
import type { EndedCall, StartedCall } from "../market/call.ts";
import type { TaskEvent, TaskEventBody } from "../market/event.ts";
import type { AgentId, CallId } from "../market/ids.ts";
import type { Lease } from "../market/lease.ts";
import { asMicros, type Micros } from "../market/money.ts";
import type { EndReport, Verdict } from "../market/report.ts";
import type { AnsweredStep, ToolOutcome } from "../market/step.ts";
import type { Clearing } from "../market/clear.ts";
import type { SaleRecord, StopEnd, Unsold } from "../market/award.ts";
import type { Ruling } from "../market/panel.ts";
import type { QuotedAuction } from "../market/sale/quote.ts";
import type { WrapUpLimit } from "../market/wrap-up.ts";
import type { TaskEnd, TaskState } from "../market/task.ts";
import type { EarlierAttempt } from "./earlier-attempts.ts";
import type { Told, Waiting } from "./waiting.ts";
import { callView, type CallRow } from "./call-row.ts";
import { asLine, type Line } from "./line.ts";
import { ParseOnce } from "./parse-once.ts";
import { storedStep, type StepRow, type StoredStep } from "./step-row.ts";
import type { CallView, LeftOut } from "./task-room-api.ts";

export interface AwardDoc {
  readonly attempt: number;
  readonly agentId: AgentId;
  readonly awardedAtMs: number;
  /** Whole record of the decision, for the receipt. */
  readonly clearing: Clearing;
  /** Null or absent: the clearing's winner was sold. */
  readonly sale?: SaleRecord | null;
  /** Most that the trace may cost; null or absent: what the allowance leaves. */
  readonly capMicros?: Micros | null;
  /** Null or absent: as the task was opened. */
  readonly deadlineAtMs?: number | null;
  /** Slices that earlier attempts took; absent: none. */
  readonly messagesBefore?: number;
  /** First of the attempts whose steps this one goes on with; absent: it began anew. */
  readonly continuesFrom?: number;
  /** That its agent was sold, where it has been redriven since; absent: this one. */
  readonly soldAttempt?: number;
}

/** Where the task stands. */
export interface TaskDoc {
  readonly state: TaskState;
  /** Fencing number of the auction's holder; 0: nobody began it yet. */
  readonly auctionGeneration: number;
  /** Generation of an auction's holder that left it because it heard of a stop before this room did; absent: none has. */
  readonly leftAuction?: number;
  readonly award: AwardDoc | null;
  /** The trace's lease; null before the award, while the awarded trace waits for its place, and after the end. */
  readonly lease: Lease | null;
  /** Of the trace that ended last: no holder of it may pass for one of the next attempt; absent: none has ended. */
  readonly lastGeneration?: number;
  /** Calls of the step that is due that failed; absent: none. */
  readonly failedCalls?: number;
  /** Calls that were refused as longer than their agent's window, by attempt and step; absent: none was. */
  readonly refused?: readonly { readonly attempt: number; readonly step: number }[];
  /** What the latest call of an attempt was sent without; null or absent: nothing. */
  readonly leftOut?: (LeftOut & { readonly attempt: number }) | null;
  /** The limit for which the agent of an attempt was asked to wrap up; null or absent: none was. */
  readonly wrapUp?: { readonly attempt: number; readonly limit: WrapUpLimit } | null;
  /** Slices taken: queue messages that found work. */
  readonly messages: number;
  readonly result: string | null;
  readonly verdict: Verdict | null;
  /** How the task is to end, once somebody asked; the first to ask decides. */
  readonly stop: StopEnd | null;
  /** What was reported to the market room; its answer becomes `end`. */
  readonly report: EndReport | null;
  readonly end: TaskEnd | null;
  readonly endedAtMs: number | null;
  /** Of a quote whose auction has cleared; null or absent: of none. */
  readonly quoted?: Omit<QuotedAuction, "tail"> | null;
  /** Why nothing was sold; null or absent: it was, or it is not known yet. */
  readonly unsold?: Omit<Unsold, "tail"> | null;
  /** Somebody outside is to give the verdict; null or absent: nobody is waited for. */
  readonly waiting?: Waiting | null;
  /** What all calls may cost; absent: of a task from before there were holds, no limit. */
  readonly allowanceMicros?: Micros | null;
  /** Since when the task goes on after it had been given up, and until when its auction may; absent: it was not. */
  readonly redriven?: { readonly atMs: number; readonly deadlineAtMs: number };
}

/** The limit for which the agent of the attempt under way was asked to wrap up; null: it was not. */
export function wrapUpOf({ award, wrapUp = null }: TaskDoc): WrapUpLimit | null {
  return wrapUp !== null && wrapUp.attempt === award?.attempt ? wrapUp.limit : null;
}

export class Journal {
  readonly #sql: SqlStorage;
  /** Documents as they were read last: a prompt and a clearing are long, and every call of the room asks for both. */
  readonly #read = new ParseOnce();

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  opening(): Opening | null {
    const stored = this.#doc<Opening>("opening");
    return stored === null ? null : { ...NO_FIRST_CALLS, ...stored };
  }

  task(): TaskDoc | null {
    return this.#doc<TaskDoc>("task");
  }

  putOpening(opening: Opening): void {
    this.#put("opening", opening);
  }

  putTask(task: TaskDoc): void {
    this.#put("task", task);
  }

  // --- Events ---

  append(body: TaskEventBody, atMs: number): TaskEvent {
    const seq = this.lastEvent() + 1;
    this.#sql.exec("INSERT INTO events (seq, at_ms, body) VALUES (?, ?, ?)", seq, atMs, JSON.stringify(body));
    return { ...body, seq, atMs };
  }

  lastEvent(): number {
    return this.#sql.exec<{ seq: number | null }>("SELECT max(seq) AS seq FROM events").one().seq ?? 0;
  }

  eventsAfter(seq: number, limit: number): TaskEvent[] {
    return this.#sql
      .exec<{ seq: number; at_ms: number; body: string }>(
        "SELECT seq, at_ms, body FROM events WHERE seq > ? ORDER BY seq LIMIT ?",
        seq,
        limit,
      )
      .toArray()
      .map((row) => ({ ...(JSON.parse(row.body) as TaskEventBody), seq: row.seq, atMs: row.at_ms }));
  }

  // --- Earlier attempts ---

  addAttempt(attempt: EarlierAttempt): void {
    this.#put(`attempt-${attempt.attempt}`, attempt);
  }

  /** Of a task that was escalated, in their order. */
  earlierAttempts(): EarlierAttempt[] {
    return this.#bodies<EarlierAttempt>(
      "SELECT body FROM doc WHERE name GLOB 'attempt-*' ORDER BY length(name), name",
    );
  }

  // --- Outcomes from outside ---

  /** One for each attempt: the first stands. */
  putTold(told: Told): void {
    this.#put(`told-${told.attempt}`, told);
  }

  told(attempt: number): Told | null {
    return this.#doc<Told>(`told-${attempt}`);
  }

  /** In the order of their attempts, which are fewer than ten. */
  allTold(): Told[] {
    return this.#bodies<Told>("SELECT body FROM doc WHERE name GLOB 'told-*' ORDER BY length(name), name");
  }

  // --- Panels ---

  /** False where this judge has spoken: the first word stands. */
  addRuling(attempt: number, ruling: Ruling): boolean {
    const query = "INSERT OR IGNORE INTO doc (name, body) VALUES (?, ?)";
    const name = `ruling-${attempt}-${ruling.agentId}`;
    return this.#sql.exec(query, name, JSON.stringify(ruling)).rowsWritten > 0;
  }

  rulings(attempt: number): Ruling[] {
    const query = `SELECT body FROM doc WHERE name GLOB 'ruling-${attempt}-*' ORDER BY name`;
    return this.#bodies<Ruling>(query);
  }

  /** Agents whose calls made the steps of this line. */
  workers({ from, to }: Line): AgentId[] {
    const query = `SELECT DISTINCT agent_id FROM calls WHERE kind = 'trace' AND agent_id IS NOT NULL
       AND attempt BETWEEN ? AND ?`;
    return this.#sql
      .exec<{ agent_id: string }>(query, from, to)
      .toArray()
      .map(({ agent_id }) => agent_id as AgentId);
  }

  // --- Auction ---

  /** False where this agent's bid of this round is already there: the first one stands. */
  addBid(bid: BidRecord): boolean {
    const query = "INSERT OR IGNORE INTO bids (round, agent_id, body) VALUES (?, ?, ?)";
    return this.#sql.exec(query, bid.round, bid.agentId, JSON.stringify(bid)).rowsWritten > 0;
  }

  addVerdict(verdict: VerdictRecord): boolean {
    const query = "INSERT OR IGNORE INTO verdicts (round, juror_id, body) VALUES (?, ?, ?)";
    return this.#sql.exec(query, verdict.round, verdict.jurorId, JSON.stringify(verdict)).rowsWritten > 0;
  }

  addRefinement(refinement: RefinementRecord): void {
    const query = "INSERT OR IGNORE INTO refinements (agent_id, body) VALUES (?, ?)";
    this.#sql.exec(query, refinement.agentId, JSON.stringify(refinement));
  }

  bids(): BidRecord[] {
    return this.#bodies<BidRecord>("SELECT body FROM bids ORDER BY round, agent_id");
  }

  verdicts(): VerdictRecord[] {
    return this.#bodies<VerdictRecord>("SELECT body FROM verdicts ORDER BY round, juror_id");
  }

  /** Who was asked to refine; null where the auction has not come to that. */
  refinements(): RefinementRecord[] | null {
    if (this.#doc<boolean>("refinement-opened") === null) return null;
    return this.#bodies<RefinementRecord>("SELECT body FROM refinements ORDER BY agent_id");
  }

  embedding(): EmbeddingRecord | null {
    return this.#doc<EmbeddingRecord>("embedding");
  }

  putEmbedding(embedding: EmbeddingRecord): void {
    this.#put("embedding", embedding);
  }

  openRefinement(): void {
    this.#put("refinement-opened", true);
  }

  // --- Calls ---

  startCall(call: StartedCall, attempt: number): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO calls (call_id, kind, agent_id, attempt, status, bound_micros, cost_micros)
       VALUES (?, ?, ?, ?, 'started', ?, ?)`,
      call.callId,
      call.kind,
      call.agentId,
      attempt,
      call.boundMicros,
      call.boundMicros,
    );
  }

  /** The call as it counts now, or null where nothing changes (it never started, or its bill is known). */
  endCall({ callId, bill, ms }: EndedCall): CallView | null {
    const before = this.#call(callId);
    // A holder that was given up may bring its bill late: the provider's word replaces the bound.
    const open =
      before?.status === "started" || (before?.status === "unconfirmed" && bill.status !== "unconfirmed");
    if (before === null || !open) return null;
    const cost =
      bill.status === "billed" ? bill.costMicros : bill.status === "refused" ? 0 : before.boundMicros;
    this.#sql.exec(
      "UPDATE calls SET status = ?, cost_micros = ?, usage = ?, prices = ?, ms = ? WHERE call_id = ?",
      bill.status,
      cost,
      bill.status === "billed" ? JSON.stringify(bill.usage) : null,
      bill.status === "billed" && bill.prices !== undefined ? JSON.stringify(bill.prices) : null,
      Math.round(ms),
      callId,
    );
    return this.#call(callId);
  }

  /** Another holder does the call's work again: the tenant does not pay for it. What has ended stays as it is booked. */
  giveUpCall(callId: CallId): void {
    this.#sql.exec("UPDATE calls SET payer = 'lost' WHERE call_id = ? AND status = 'started'", callId);
  }

  hasCall(callId: CallId): boolean {
    return this.#sql.exec("SELECT 1 FROM calls WHERE call_id = ?", callId).toArray().length > 0;
  }

  /** What the tenant's calls come to: their bills as far as they were held, the bounds of those under way. */
  committedMicros(): Micros {
    const query = "SELECT sum(min(cost_micros, bound_micros)) AS total FROM calls WHERE payer = 'tenant'";
    return asMicros(this.#sql.exec<{ total: number | null }>(query).one().total ?? 0);
  }

  /** The same of the calls of one trace, whoever made them. */
  traceMicros({ from, to }: Line): Micros {
    const query = `SELECT sum(min(cost_micros, bound_micros)) AS total FROM calls
      WHERE payer = 'tenant' AND kind <> 'judge' AND attempt BETWEEN ? AND ?`;
    return asMicros(this.#sql.exec<{ total: number | null }>(query, from, to).one().total ?? 0);
  }

  /** Of an attempt's calls to its agent that ended, in milliseconds; 0: there is none. */
  longestCallMs(attempt: number): number {
    const query = "SELECT max(ms) AS ms FROM calls WHERE kind = 'trace' AND attempt = ? AND payer = 'tenant'";
    return this.#sql.exec<{ ms: number | null }>(query, attempt).one().ms ?? 0;
  }

  calls(): CallView[] {
    return this.#sql.exec<CallRow>("SELECT * FROM calls ORDER BY call_id").toArray().map(callView);
  }

  #call(callId: CallId): CallView | null {
    const row = this.#sql.exec<CallRow>("SELECT * FROM calls WHERE call_id = ?", callId).toArray()[0];
    return row === undefined ? null : callView(row);
  }

  // --- Steps ---

  /** Adds a step whose tools have not answered yet. */
  addStep(attempt: number, step: AnsweredStep, outcomes: readonly ToolOutcome[] | null): void {
    this.#sql.exec(
      "INSERT INTO steps (attempt, step, body, outcomes) VALUES (?, ?, ?, ?)",
      attempt,
      step.step,
      JSON.stringify(step),
      outcomes === null ? null : JSON.stringify(outcomes),
    );
  }

  setOutcomes(attempt: number, step: number, outcomes: readonly ToolOutcome[]): void {
    this.#sql.exec(
      "UPDATE steps SET outcomes = ? WHERE attempt = ? AND step = ? AND outcomes IS NULL",
      JSON.stringify(outcomes),
      attempt,
      step,
    );
  }

  /** Steps of one attempt, or of a line of them, in order; the last one may still wait for its tools (`outcomes` null). */
  steps(of: number | Line): StoredStep[] {
    const { from, to } = asLine(of);
    return this.#sql
      .exec<StepRow>(
        "SELECT attempt, body, outcomes FROM steps WHERE attempt BETWEEN ? AND ? ORDER BY attempt, step",
        from,
        to,
      )
      .toArray()
      .map(storedStep);
  }

  /** The latest of them alone: the others of a long trace are megabytes. */
  lastStep({ from, to }: Line): StoredStep | null {
    const query = `SELECT attempt, body, outcomes FROM steps WHERE attempt BETWEEN ? AND ?
       ORDER BY attempt DESC, step DESC LIMIT 1`;
    const row = this.#sql.exec<StepRow>(query, from, to).toArray()[0];
    return row === undefined ? null : storedStep(row);
  }

  /** Of steps, as they are stored. SQLite reads the rows' lengths for it, and not what stands in them. */
  stepBytes({ from, to }: Line): number {
    const query = `SELECT coalesce(sum(octet_length(body) + coalesce(octet_length(outcomes), 0)), 0) AS n
      FROM steps WHERE attempt BETWEEN ? AND ?`;
    return this.#sql.exec<{ n: number }>(query, from, to).one().n;
  }

  /**
   * One step as an attempt has it: its own, or that of the attempt it goes on with, whose last step may wait for its tools
   * yet. Null where there is none. `attempt`: whose it is.
   */
  step(
    attempt: number,
    step: number,
  ): { readonly attempt: number; readonly answered: AnsweredStep; readonly isPending: boolean } | null {
    const row = this.#sql
      .exec<{ attempt: number; body: string; pending: number }>(
        `SELECT attempt, body, outcomes IS NULL AS pending FROM steps WHERE attempt <= ? AND step = ?
         ORDER BY attempt DESC LIMIT 1`,
        attempt,
        step,
      )
      .toArray()[0];
    if (row === undefined) return null;
    const { body, pending } = row;
    return { attempt: row.attempt, answered: JSON.parse(body) as AnsweredStep, isPending: pending === 1 };
  }

  countSteps(of: number | Line): number {
    const { from, to } = asLine(of);
    const query = "SELECT count(*) AS n FROM steps WHERE attempt BETWEEN ? AND ?";
    return this.#sql.exec<{ n: number }>(query, from, to).one().n;
  }

  #bodies<T>(query: string): T[] {
    return this.#sql
      .exec<{ body: string }>(query)
      .toArray()
      .map((row) => JSON.parse(row.body) as T);
  }

  #doc<T>(name: string): T | null {
    const row = this.#sql.exec<{ body: string }>("SELECT body FROM doc WHERE name = ?", name).toArray()[0];
    return row === undefined ? null : (this.#read.parse(name, row.body) as T);
  }

  #put(name: string, body: unknown): void {
    this.#sql.exec("INSERT OR REPLACE INTO doc (name, body) VALUES (?, ?)", name, JSON.stringify(body));
  }
}
