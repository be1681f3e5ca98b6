/**
 * The tools that the tenant registered: the table and the statements over it. No decisions here.
 *
 * Secrets stand here and nowhere else, as those of webhooks do.
 */
import type { ToolId } from "../../market/ids.ts";
import type { TenantTool } from "../../market/tools/tenant-tool.ts";

export const TOOL_SCHEMA = `
CREATE TABLE tools (tool_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, body TEXT NOT NULL) WITHOUT ROWID;
`;

export class ToolStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  /** Oldest first. */
  all(): TenantTool[] {
    return this.#read("SELECT body FROM tools ORDER BY tool_id");
  }

  names(): string[] {
    const rows = this.#sql.exec<{ name: string }>("SELECT name FROM tools ORDER BY name");
    return Array.from(rows, ({ name }) => name);
  }

  find(toolId: ToolId): TenantTool | null {
    return this.#read("SELECT body FROM tools WHERE tool_id = ?", toolId)[0] ?? null;
  }

  named(name: string): TenantTool | null {
    return this.#read("SELECT body FROM tools WHERE name = ?", name)[0] ?? null;
  }

  put(tool: TenantTool): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO tools (tool_id, name, body) VALUES (?, ?, ?)",
      tool.toolId,
      tool.name,
      JSON.stringify(tool),
    );
  }

  remove(toolId: ToolId): void {
    this.#sql.exec("DELETE FROM tools WHERE tool_id = ?", toolId);
  }

  #read(query: string, ...bindings: string[]): TenantTool[] {
    const rows = this.#sql.exec<{ body: string }>(query, ...bindings);
    return Array.from(rows, ({ body }) => JSON.parse(body) as TenantTool);
  }
}
