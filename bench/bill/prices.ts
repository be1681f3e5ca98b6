/**
 * Cloudflare's published prices of the paid plan beyond what it includes, in USD: the pricing pages of Workers, Durable
 * Objects, D1 and Vectorize at developers.cloudflare.com, for Queues a list made from its page, all read on 2026-11-27 in
 * stored copies that bear no date. The copies do not name the price of rows in objects: taken as D1's. CPU time (0.02 USD
 * per million ms) and stored bytes are left out: neither can be measured per task here.
 */
import type { BillCounts } from "./counts.ts";

const MILLION = 1_000_000;
/** An object counts as 128 MB, whatever it uses. */
const OBJECT_GB = 0.128;
/** A message is written, read and deleted: three operations of up to 64 KB each. */
export const QUEUE_OPERATIONS = 3;

const USD = {
  request: 0.3 / MILLION,
  objectRequest: 0.15 / MILLION,
  gigabyteSecond: 12.5 / MILLION,
  rowRead: 0.001 / MILLION,
  rowWritten: 1 / MILLION,
  queueOperation: 0.4 / MILLION,
  dimensionQueried: 0.01 / MILLION,
  /** Per month that it is stored. */
  dimensionStored: 0.05 / (100 * MILLION),
} as const;

export interface BillLine {
  readonly what: string;
  readonly count: number;
  readonly usd: number;
}

/** What the platform bills for these counts. */
export function billLines(counts: BillCounts): BillLine[] {
  const operations = QUEUE_OPERATIONS * Math.max(counts.messagesWritten, counts.messagesRead);
  const gigabyteSeconds = (counts.objectMs / 1_000) * OBJECT_GB;
  return [
    line("requests to the Worker", counts.requests, USD.request),
    line("requests to objects", counts.objectRequests, USD.objectRequest),
    line("GB-seconds of objects awake", gigabyteSeconds, USD.gigabyteSecond),
    line("rows read by objects", counts.rowsRead, USD.rowRead),
    line("rows written by objects", counts.rowsWritten, USD.rowWritten),
    line("queue operations", operations, USD.queueOperation),
    line("rows read in D1", counts.historyRowsRead, USD.rowRead),
    line("rows written in D1", counts.historyRowsWritten, USD.rowWritten),
    line("dimensions queried", counts.dimensionsQueried, USD.dimensionQueried),
    line("dimensions stored, a month", counts.dimensionsStored, USD.dimensionStored),
  ];
}

function line(what: string, count: number, each: number): BillLine {
  return { what, count, usd: count * each };
}
