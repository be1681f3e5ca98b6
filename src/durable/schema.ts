/** Versions of a room's stored schema: each step runs once, in order, in one transaction. */

/** SQL of one version; the position in the list is its number. */
export type SchemaSteps = readonly string[];

export interface Schema {
  readonly steps: SchemaSteps;
  /** What all steps come to, for objects that are made often; null: the steps are run. A test compares the two. */
  readonly fresh: string | null;
  /** Absent: the first version's tables were always those that the first step makes. */
  readonly first?: FirstTables;
}

/** Tables of version 1 as they stood at first: rooms hold them that were made before the first step had what it has now. */
export interface FirstTables {
  /** A table that the first step makes, and that they lack. */
  readonly lack: string;
  /** Brings them, and what stands in them, to what the first step makes. */
  upgrade(sql: SqlStorage): void;
}

/**
 * Brings a room's tables up to date.
 *
 * Called on the first write only: reading an object that was never written must not create storage for it,
 * or a request for an unknown id would leave an object behind.
 */
export function migrateSchema(storage: DurableObjectStorage, { steps, fresh, first }: Schema): void {
  storage.transactionSync(() => {
    storage.sql.exec("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)");
    const row = storage.sql.exec<{ version: number }>("SELECT version FROM schema_version").toArray()[0];
    if (row?.version === steps.length) return;
    if (row === undefined) storage.sql.exec("INSERT INTO schema_version (version) VALUES (0)");
    const from = row?.version ?? 0;
    if (from > steps.length) {
      throw new Error(`stored schema ${from} is newer than this code's ${steps.length}`);
    }
    if (from === 1 && first !== undefined && !hasTable(storage, first.lack)) first.upgrade(storage.sql);
    const due = row === undefined && fresh !== null ? [fresh] : steps.slice(from);
    for (const step of due) storage.sql.exec(step);
    storage.sql.exec("UPDATE schema_version SET version = ?", steps.length);
  });
}

/** True where the room has tables. Reads only. */
export function hasSchema(storage: DurableObjectStorage): boolean {
  return hasTable(storage, "schema_version");
}

function hasTable({ sql }: DurableObjectStorage, name: string): boolean {
  const query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?";
  return sql.exec(query, name).toArray().length > 0;
}
