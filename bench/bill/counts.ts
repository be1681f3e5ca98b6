/** What the platform bills for, counted in its own units. */
export interface BillCounts {
  /** Of the Worker: HTTP, batches of messages, cron. */
  requests: number;
  /** Of objects: RPC calls, fetches, alarms. */
  objectRequests: number;
  /** That objects were awake. */
  objectMs: number;
  /** Of the objects' own SQLite. */
  rowsRead: number;
  rowsWritten: number;
  /** Messages sent, and delivered (each again where it was retried). */
  messagesWritten: number;
  messagesRead: number;
  /** Of D1. */
  historyRowsRead: number;
  historyRowsWritten: number;
  /** Of the memory's index. */
  dimensionsQueried: number;
  dimensionsStored: number;
}

export function noCounts(): BillCounts {
  return {
    requests: 0,
    objectRequests: 0,
    objectMs: 0,
    rowsRead: 0,
    rowsWritten: 0,
    messagesWritten: 0,
    messagesRead: 0,
    historyRowsRead: 0,
    historyRowsWritten: 0,
    dimensionsQueried: 0,
    dimensionsStored: 0,
  };
}
