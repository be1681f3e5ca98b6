/**
 * Writes outbox rows to D1. Safe to repeat: see `upsert.ts`.
 *
 * A row that D1 will never take is parked and reported, and blocks nobody. Only errors that are known to be the
 * row's own count as such; anything else (D1 down, overloaded, a table missing) is thrown, so that the caller
 * keeps all rows and tries again later.
 */
import { drizzle, type DrizzleD1Database } from "drizzle-orm/d1";
import type { HistoryRow } from "../market/history-row.ts";
import type { AgentId } from "../market/ids.ts";
import { countRow } from "./count-row.ts";
import { dataErrorMessage } from "./data-error.ts";
import { upsert, type Upsert } from "./upsert.ts";

/** Rows per batch, each with up to two statements: one batch is one transaction, and a bad row makes only its own batch go one by one. */
const BATCH_ROWS = 50;

export interface OutboxRow {
  readonly id: number;
  readonly row: HistoryRow;
}

export interface Written {
  /** Ids of the rows that the history now holds, or holds something newer for. */
  readonly written: readonly number[];
  /** Ids of the rows that it will never take, and why. */
  readonly parked: readonly { readonly id: number; readonly error: string }[];
}

interface Prepared {
  readonly id: number;
  /** What counts it for the metrics, if anything does, then what writes it. */
  readonly statements: readonly Upsert[];
}

const NO_AGENTS: ReadonlySet<AgentId> = new Set();

/**
 * @param agents those that the metrics know by their ids; default: none
 * @throws what D1 threw, when the fault is not a row's: nothing may be taken as written then
 */
export async function writeHistory(
  d1: D1Database,
  rows: readonly OutboxRow[],
  agents: ReadonlySet<AgentId> = NO_AGENTS,
): Promise<Written> {
  const db = drizzle(d1);
  const written: number[] = [];
  const parked: { id: number; error: string }[] = [];
  const prepared: Prepared[] = [];
  for (const { id, row } of rows) {
    const statements = prepare(db, row, agents);
    if (typeof statements === "string") parked.push({ id, error: statements });
    else prepared.push({ id, statements });
  }
  for (let at = 0; at < prepared.length; at += BATCH_ROWS) {
    const batch = prepared.slice(at, at + BATCH_ROWS);
    const errors = await writeBatch(db, batch);
    for (const { id } of batch) {
      const error = errors.get(id);
      if (error === undefined) written.push(id);
      else parked.push({ id, error });
    }
  }
  return { written, parked };
}

/** The row's statements, or why the row cannot become any. */
function prepare(
  db: DrizzleD1Database,
  row: HistoryRow,
  agents: ReadonlySet<AgentId>,
): readonly Upsert[] | string {
  try {
    const statement = upsert(db, row);
    // Rendering it now shows a value that cannot be encoded before it takes a whole batch down.
    (statement as unknown as { toSQL(): unknown }).toSQL();
    const counts = countRow(db, row, agents);
    return counts === null ? [statement] : [counts, statement];
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Errors by row id; a row without one is written. */
async function writeBatch(db: DrizzleD1Database, batch: readonly Prepared[]): Promise<Map<number, string>> {
  const [first, ...rest] = batch.flatMap(({ statements }) => statements);
  if (first === undefined) return new Map();
  try {
    await db.batch([first, ...rest]);
    return new Map();
  } catch (error) {
    const message = dataErrorMessage(error);
    if (message === null) throw error;
    const only = batch[0];
    return only !== undefined && batch.length === 1
      ? new Map([[only.id, message]])
      : writeOneByOne(db, batch);
  }
}

async function writeOneByOne(
  db: DrizzleD1Database,
  batch: readonly Prepared[],
): Promise<Map<number, string>> {
  const errors = new Map<number, string>();
  for (const prepared of batch) {
    for (const [id, error] of await writeBatch(db, [prepared])) errors.set(id, error);
  }
  return errors;
}
