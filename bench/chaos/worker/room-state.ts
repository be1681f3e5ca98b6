/** What an object still owes and waits for, read from its own tables. */

export interface RoomState {
  /** Its own, whether they hold rows or not: a room that was erased, or never opened, has none. */
  readonly tables: readonly string[];
  /** Lanes of messages that were decided and not delivered. */
  readonly outbox: readonly string[];
  readonly timers: readonly { readonly kind: string; readonly subject: string; readonly dueInMs: number }[];
  /** Entries of the memory by their auction; empty in a task's room. */
  readonly memory: readonly {
    readonly auctionId: string;
    readonly taskId: string;
    readonly version: number;
    /** False: its embedding failed, and no index is to have it. */
    readonly hasVector: boolean;
  }[];
  /** Of them, entries that the index may not show yet. */
  readonly window: readonly string[];
  /** Rows that the history was not given. */
  readonly historyWaiting: number;
  readonly historyParked: number;
  /** Tasks that the room has not let go; those that wait for their operator (dead letters) are meant to stay. */
  readonly heldTasks: readonly string[];
  readonly deliveries: readonly {
    readonly deliveryId: string;
    readonly taskId: string | null;
    readonly type: string;
    readonly state: string;
  }[];
}

const PLATFORM_TABLE = /^(_cf_|sqlite_)/;

export function stateOf(storage: DurableObjectStorage): RoomState {
  const rows = <R extends Record<string, SqlStorageValue>>(query: string): R[] => {
    // An object of another class, or one that was never written, has no such table.
    try {
      return storage.sql.exec<R>(query).toArray();
    } catch {
      return [];
    }
  };
  const nowMs = Date.now();
  return {
    tables: rows<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .map(({ name }) => name)
      .filter((name) => !PLATFORM_TABLE.test(name)),
    outbox: rows<{ lane: string }>("SELECT lane FROM outbox").map(({ lane }) => lane),
    timers: rows<{ kind: string; subject: string; due: number }>(
      "SELECT kind, subject, due_at_ms AS due FROM timers",
    ).map(({ kind, subject, due }) => ({ kind, subject, dueInMs: due - nowMs })),
    memory: rows<{ auctionId: string; taskId: string; version: number; bytes: number }>(
      "SELECT auction_id AS auctionId, task_id AS taskId, version, length(vector) AS bytes FROM memory",
    ).map(({ bytes, ...entry }) => ({ ...entry, hasVector: bytes > 0 })),
    window: rows<{ id: string }>("SELECT auction_id AS id FROM memory_window WHERE shown_at_ms IS NULL").map(
      ({ id }) => id,
    ),
    historyWaiting: rows<{ n: number }>("SELECT count(*) AS n FROM history WHERE parked IS NULL")[0]?.n ?? 0,
    historyParked:
      rows<{ n: number }>("SELECT count(*) AS n FROM history WHERE parked IS NOT NULL")[0]?.n ?? 0,
    heldTasks: rows<{ id: string }>(
      "SELECT task_id AS id FROM tasks WHERE task_id NOT IN (SELECT task_id FROM stuck WHERE state = 'open')",
    ).map(({ id }) => id),
    deliveries: rows<{ body: string }>("SELECT body FROM deliveries").map(({ body }) => {
      const { deliveryId, taskId, type, state } = JSON.parse(body) as RoomState["deliveries"][number];
      return { deliveryId, taskId, type, state };
    }),
  };
}
