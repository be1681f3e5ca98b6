/** A new task's room has the tables that an old one has after all upgrades. */
import { env } from "cloudflare:workers";
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { migrateSchema, type Schema } from "../../../src/durable/schema.ts";
import { TASK_SCHEMA } from "../../../src/taskroom/task-schema.ts";

async function tablesOf(schema: Schema): Promise<object[]> {
  const room = env.TASK_ROOM.get(env.TASK_ROOM.newUniqueId());
  return runInDurableObject(room, async (_room, { storage }) => {
    migrateSchema(storage, schema);
    const names = storage.sql
      .exec<{ name: string; type: string }>(
        "SELECT name, type FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%' ORDER BY name",
      )
      .toArray();
    return names.map(({ name, type }) => ({
      name,
      type,
      columns: storage.sql
        .exec(type === "table" ? `PRAGMA table_info(${name})` : `PRAGMA index_info(${name})`)
        .toArray(),
      version:
        name === "schema_version" ? storage.sql.exec("SELECT version FROM schema_version").one() : null,
    }));
  });
}

test("fresh tables are what all steps come to", async () => {
  const fresh = await tablesOf(TASK_SCHEMA);
  expect(TASK_SCHEMA.fresh).not.toBeNull();
  expect(fresh.length).toBeGreaterThan(8);
  expect(fresh).toEqual(await tablesOf({ ...TASK_SCHEMA, fresh: null }));
});
