/** A task's room as far as it is only read: nothing here changes it, and a room that nobody opened stays so. */
import { DurableObject } from "cloudflare:workers";
import { hasSchema, migrateSchema } from "../durable/schema.ts";
import { pastAuction, type PastAuction } from "../market/calibration/past-auction.ts";
import type { Receipt } from "../market/receipt-schema.ts";
import { Journal } from "./journal.ts";
import { TASK_SCHEMA } from "./task-schema.ts";
import { quoteView } from "./quote-view.ts";
import {
  TRACE_START,
  type QuoteView,
  type TaskView,
  type TracePage,
  type TracePlace,
  type TraceView,
} from "./task-room-api.ts";
import { receiptOf, taskView } from "./task-view.ts";
import { TRACE_PAGE, tracePage, type PageBounds } from "./trace-page.ts";

export class ReadableRoom extends DurableObject<Env> {
  protected readonly journal: Journal;
  /** False: nobody has opened it, or it was erased. */
  protected ready: boolean;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.journal = new Journal(ctx.storage);
    this.ready = hasSchema(ctx.storage);
    if (this.ready) migrateSchema(ctx.storage, TASK_SCHEMA);
  }

  async view(): Promise<TaskView | null> {
    return this.ready ? taskView(this.journal) : null;
  }

  async quote(): Promise<QuoteView | null> {
    return this.ready ? quoteView(this.journal) : null;
  }

  async receipt(): Promise<Receipt | null> {
    return this.ready ? receiptOf(this.journal) : null;
  }

  async readTrace(): Promise<TraceView | null> {
    const whole = { bytes: Infinity, calls: Number.MAX_SAFE_INTEGER };
    const page = await this.readTracePage(TRACE_START, whole);
    return page === null ? null : { steps: page.steps, calls: page.calls };
  }

  async readTracePage(after: TracePlace, bounds: PageBounds = TRACE_PAGE): Promise<TracePage | null> {
    const isThere = this.ready && this.journal.task() !== null;
    return isThere ? tracePage(this.ctx.storage.sql, after, bounds) : null;
  }

  async pastAuction(): Promise<PastAuction | null> {
    const opening = this.ready ? this.journal.opening() : null;
    return opening === null ? null : pastAuction(opening, this.journal.bids());
  }
}
