/** The files of a task's traces: their table and the statements over it. No decisions here. */
import type { FileEntry } from "../market/task-files.ts";

/** Files of one space are those of one trace: an attempt's, and of those that continue it. */
export const FILES_TABLE = `
CREATE TABLE files (
  space INTEGER NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, at_ms INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (space, path)
) WITHOUT ROWID;
`;

export class FileStore {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
  }

  list(space: number): FileEntry[] {
    return this.#sql
      .exec<{ path: string; bytes: number; at_ms: number }>(
        "SELECT path, bytes, at_ms FROM files WHERE space = ? ORDER BY path",
        space,
      )
      .toArray()
      .map(({ path, bytes, at_ms: writtenAtMs }) => ({ path, bytes, writtenAtMs }));
  }

  /** Null: there is none. */
  read(space: number, path: string): string | null {
    const query = "SELECT body FROM files WHERE space = ? AND path = ?";
    return this.#sql.exec<{ body: string }>(query, space, path).toArray()[0]?.body ?? null;
  }

  write(space: number, { path, bytes, writtenAtMs }: FileEntry, body: string): void {
    this.#sql.exec(
      "INSERT OR REPLACE INTO files (space, path, bytes, at_ms, body) VALUES (?, ?, ?, ?, ?)",
      space,
      path,
      bytes,
      writtenAtMs,
      body,
    );
  }

  /** True where there was one. */
  delete(space: number, path: string): boolean {
    return this.#sql.exec("DELETE FROM files WHERE space = ? AND path = ?", space, path).rowsWritten > 0;
  }
}
