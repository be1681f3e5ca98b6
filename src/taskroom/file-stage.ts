/**
 * The files of a trace, as its holder uses them and its tenant reads them.
 *
 * Only the holder writes, under its generation: what a late one sends is refused. An attempt that continues another one
 * has its files; one that begins anew after a verifier's fail begins with none, as with an empty conversation: what the
 * failed one left could only mislead it. Files of earlier attempts stay until the room is erased.
 */
import { fail, ok } from "../market/result.ts";
import {
  MAX_SPACE_BYTES,
  writeRefusal,
  type FileAnswer,
  type FileResult,
  type FilesView,
  type FileUse,
} from "../market/task-files.ts";
import { utf8Bytes } from "../market/utf8.ts";
import { FileStore } from "./file-store.ts";
import type { TaskDoc } from "./journal.ts";
import { lineOf } from "./line.ts";
import type { Room } from "./room.ts";
import type { TraceStage } from "./trace-stage.ts";

export class FileStage {
  readonly #room: Room;
  readonly #files: FileStore;
  readonly #trace: Pick<TraceStage, "isHeld">;

  constructor(room: Room, storage: DurableObjectStorage, trace: Pick<TraceStage, "isHeld">) {
    this.#room = room;
    this.#files = new FileStore(storage);
    this.#trace = trace;
  }

  use(generation: number, use: FileUse): FileResult {
    const space = spaceOf(this.#room.openTask());
    if (space === null || !this.#trace.isHeld(generation)) return fail({ reason: "lost" });
    switch (use.kind) {
      case "list":
        return ok({ kind: "listed", files: this.#files.list(space) });
      case "read": {
        const text = this.#files.read(space, use.path);
        return text === null ? fail({ reason: "no_such_file" }) : ok({ kind: "read", text });
      }
      case "delete":
        return ok({ kind: "deleted", existed: this.#files.delete(space, use.path) });
      case "write":
        return this.#write(space, use);
    }
  }

  #write(space: number, { path, text }: Extract<FileUse, { kind: "write" }>): FileResult {
    const others = this.#files.list(space).filter((file) => file.path !== path);
    const refusal = writeRefusal({ path, text }, others);
    if (refusal !== null) return fail(refusal);
    const bytes = utf8Bytes(text);
    this.#files.write(space, { path, bytes, writtenAtMs: this.#room.now() }, text);
    const leftBytes = MAX_SPACE_BYTES - bytes - others.reduce((sum, one) => sum + one.bytes, 0);
    return ok({ kind: "written", bytes, files: others.length + 1, leftBytes } satisfies FileAnswer);
  }

  /** Of the last attempt. */
  view(path: string | null): FilesView {
    const space = spaceOf(this.#room.journal.task());
    if (space === null) return { files: [], text: null };
    return { files: this.#files.list(space), text: path === null ? null : this.#files.read(space, path) };
  }
}

/** Null before the award. */
function spaceOf(task: TaskDoc | null): number | null {
  return task?.award == null ? null : lineOf(task.award).from;
}
