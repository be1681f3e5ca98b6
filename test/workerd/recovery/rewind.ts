/** Rewrites an object's storage as an older version of its schema held it. */
import type { Schema } from "../../../src/durable/schema.ts";
import { migrateSchema } from "../../../src/durable/schema.ts";

type Row = Record<string, SqlStorageValue>;

/**
 * @param version the schema's version
 * @param older rows of tables whose rows were others then; the rest is taken over, column by column
 */
export async function rewind(
  storage: DurableObjectStorage,
  { schema, version, older }: { schema: Schema; version: number; older: Readonly<Record<string, Row[]>> },
): Promise<void> {
  const rowsOf = (table: string) => storage.sql.exec<Row>(`SELECT * FROM ${table}`).toArray();
  const newer = new Map(tablesOf(storage).map((table) => [table, rowsOf(table)]));
  const alarm = await storage.getAlarm();
  await storage.deleteAll();
  migrateSchema(storage, { steps: schema.steps.slice(0, version), fresh: null });
  for (const table of tablesOf(storage)) {
    if (table === "schema_version") continue;
    storage.sql.exec(`DELETE FROM ${table}`);
    const known = storage.sql.exec<{ name: string }>(`PRAGMA table_info(${table})`).toArray();
    for (const row of older[table] ?? newer.get(table) ?? []) {
      const columns = known.map(({ name }) => name).filter((name) => name in row);
      const holes = columns.map(() => "?").join(", ");
      const insert = `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${holes})`;
      storage.sql.exec(insert, ...columns.map((name) => row[name] ?? null));
    }
  }
  if (alarm !== null) await storage.setAlarm(alarm);
}

function tablesOf(storage: DurableObjectStorage): string[] {
  return storage.sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'",
    )
    .toArray()
    .map(({ name }) => name);
}
