/** The files that a task's agent keeps while it works: their names, their limits, and what can be done with them. Pure. */
import type { Result } from "./result.ts";
import { utf8Bytes } from "./utf8.ts";

/** What one name in a task's list of tools stands for. */
export const FILE_TOOL_NAMES = ["write_file", "read_file", "list_files", "delete_file"] as const;

/** A file is one row of the room's database, which takes 2 MB. */
export const MAX_FILE_BYTES = 256 * 1024;
export const MAX_FILES = 100;
/** Of all files of a trace together, in UTF-8 bytes. */
export const MAX_SPACE_BYTES = 4 * 1024 * 1024;
export const MAX_PATH_CHARS = 200;

const PATH = /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/;
const DOTS = /(?:^|\/)\.{1,2}(?:\/|$)/;

/** A path such as `notes/plan.md` names one file in one way only. */
export function isFilePath(path: string): boolean {
  return path.length <= MAX_PATH_CHARS && PATH.test(path) && !DOTS.test(path);
}

export interface FileEntry {
  readonly path: string;
  /** UTF-8. */
  readonly bytes: number;
  readonly writtenAtMs: number;
}

/** As its tenant reads them. */
export interface FilesView {
  readonly files: readonly FileEntry[];
  /** Of the one that was asked for; null: there is none of its path, or none was asked for. */
  readonly text: string | null;
}

/** What the holder of a trace does with its files. All of it comes to the same when it is done twice. */
export type FileUse =
  | { readonly kind: "write"; readonly path: string; readonly text: string }
  | { readonly kind: "read"; readonly path: string }
  | { readonly kind: "delete"; readonly path: string }
  | { readonly kind: "list" };

export type FileAnswer =
  | { readonly kind: "written"; readonly bytes: number; readonly files: number; readonly leftBytes: number }
  | { readonly kind: "read"; readonly text: string }
  | { readonly kind: "deleted"; readonly existed: boolean }
  | { readonly kind: "listed"; readonly files: readonly FileEntry[] };

export type FileRefusal =
  /** Somebody else holds the trace, or it is to stop. */
  | { readonly reason: "lost" }
  | { readonly reason: "no_such_file" }
  | { readonly reason: "bad_path" }
  | { readonly reason: "file_too_large"; readonly bytes: number }
  | { readonly reason: "too_many_files" }
  | { readonly reason: "space_full"; readonly neededBytes: number; readonly leftBytes: number };

/** Why a file may not be written beside the others; null: it may. @param others without the one that it replaces */
export function writeRefusal(
  { path, text }: { readonly path: string; readonly text: string },
  others: readonly Pick<FileEntry, "bytes">[],
): FileRefusal | null {
  if (!isFilePath(path)) return { reason: "bad_path" };
  const bytes = utf8Bytes(text);
  if (bytes > MAX_FILE_BYTES) return { reason: "file_too_large", bytes };
  if (others.length >= MAX_FILES) return { reason: "too_many_files" };
  const leftBytes = MAX_SPACE_BYTES - others.reduce((sum, one) => sum + one.bytes, 0);
  return bytes > leftBytes ? { reason: "space_full", neededBytes: bytes, leftBytes } : null;
}

export type FileResult = Result<FileAnswer, FileRefusal>;
