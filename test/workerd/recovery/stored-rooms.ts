/** Storage of rooms as older versions of the code left it (`test/fixtures/rooms`), put into objects of this one. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import first from "../../fixtures/rooms/2026-11-23-e2efff4.json";
import auctions from "../../fixtures/rooms/2026-11-25-daea53b.json";
import tenants from "../../fixtures/rooms/2026-11-27-389abc4.json";
import traces from "../../fixtures/rooms/2026-11-27-42434e5.json";
import type { TaskId, TenantId } from "../../../src/market/ids.ts";

type Cell = string | number | null | { readonly base64: string };
export type Row = Readonly<Record<string, Cell>>;

/** What one object stored. */
interface StoredRoom {
  /** When its alarm stands. */
  readonly alarmMs: number | null;
  /** SQL of its tables and indexes. */
  readonly schema: readonly string[];
  readonly tables: Readonly<Record<string, readonly Row[]>>;
  /** Where its tables with AUTOINCREMENT count on. */
  readonly sequences: readonly Row[];
}

/** A task that was stopped on its way, with its tenant's market room. */
export interface StoredTask {
  readonly tenantId: TenantId;
  readonly taskId: TaskId;
  /** When it was stopped. Timers stand relative to it: the test's clock is to stand there, too. */
  readonly atMs: number;
  readonly market: StoredRoom;
  readonly task: StoredRoom;
}

/** Where a task was stopped: see the README beside the files. */
export type Stop = "admitted" | "auction" | "sold" | "committed" | "pending" | "unverified";

interface StoredVersion {
  /** The code that wrote it. */
  readonly commit: string;
  readonly tasks: Readonly<Record<Stop, StoredTask>>;
}

export const VERSIONS = [first, auctions, tenants, traces] as unknown as readonly StoredVersion[];

/** The object has never been written; what it holds now is opened when it is called next. */
export async function restore(stub: DurableObjectStub, room: StoredRoom): Promise<void> {
  await runInDurableObject(stub, async (_room, { storage }) => {
    for (const statement of room.schema) storage.sql.exec(statement);
    const stored = { ...room.tables, ...(room.sequences.length > 0 && { sqlite_sequence: room.sequences }) };
    for (const [table, rows] of Object.entries(stored)) {
      storage.sql.exec(`DELETE FROM ${table}`);
      for (const row of rows) {
        const holes = Object.keys(row).map(() => "?");
        const insert = `INSERT INTO ${table} (${Object.keys(row).join(", ")}) VALUES (${holes.join(", ")})`;
        storage.sql.exec(insert, ...Object.values(row).map(storedValue));
      }
    }
    if (room.alarmMs !== null) await storage.setAlarm(room.alarmMs);
  });
  await evictDurableObject(stub);
}

function storedValue(cell: Cell): SqlStorageValue {
  return cell !== null && typeof cell === "object" ? bytesOf(cell.base64) : cell;
}

function bytesOf(base64: string): ArrayBuffer {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer;
}
