/**
 * Applies ./migrations to a D1 database, recording each in `d1_migrations` exactly as wrangler does, so that
 * `wrangler d1 migrations list` agrees. Done through the binding because a wrangler process costs seconds.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS "d1_migrations"(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);`;
/** drizzle-kit writes this between statements; D1 prepares one statement at a time. */
const BREAKPOINT = "--> statement-breakpoint";

/** The part of D1 that migrations need: real bindings and Miniflare's proxies both have it. */
export interface MigratedDatabase {
  prepare(sql: string): MigrationStatement;
  batch(statements: MigrationStatement[]): Promise<unknown>;
}

interface MigrationStatement {
  bind(...values: string[]): MigrationStatement;
  run(): Promise<unknown>;
  all(): Promise<{ results: Record<string, unknown>[] }>;
}

/** Applies what is not applied yet, each migration in one transaction. Returns their file names in order. */
export async function applyMigrations(d1: MigratedDatabase, directory: string): Promise<string[]> {
  await d1.prepare(CREATE_TABLE).run();
  const { results } = await d1.prepare(`SELECT name FROM "d1_migrations" ORDER BY id`).all();
  const applied = new Set(results.map((row) => row["name"]));
  const names = readdirSync(directory)
    .filter((name) => name.endsWith(".sql") && !applied.has(name))
    .toSorted();
  for (const name of names) {
    const statements = readFileSync(join(directory, name), "utf8")
      .split(BREAKPOINT)
      .map((statement) => statement.trim())
      .filter((statement) => statement !== "");
    await d1.batch([
      ...statements.map((statement) => d1.prepare(statement)),
      d1.prepare(`INSERT INTO "d1_migrations" (name) VALUES (?)`).bind(name),
    ]);
  }
  return names;
}
