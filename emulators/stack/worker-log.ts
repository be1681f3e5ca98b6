/** Where the Workers' output goes: stderr, or a file of the state directory when the terminal is wanted for something else. */
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { Log, LogLevel, type V4WorkerdStructuredLog } from "miniflare";

export interface WorkerLog {
  /** Null: stderr. */
  readonly path: string | null;
  /** What Miniflare itself has to say. */
  readonly miniflare: Log;
  /** One line of a Worker's console, or of workerd. */
  readonly worker: (line: V4WorkerdStructuredLog) => void;
}

class LineLog extends Log {
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void) {
    super(LogLevel.WARN);
    this.#write = write;
  }

  protected override log(message: string): void {
    this.#write(message);
  }
}

export function openWorkerLog(directory: string, quiet: boolean): WorkerLog {
  const path = quiet ? join(directory, "worker.log") : null;
  const write = (line: string) => {
    if (path === null) process.stderr.write(`${line}\n`);
    else appendFileSync(path, `${line}\n`);
  };
  return {
    path,
    miniflare: new LineLog(write),
    worker: ({ timestamp, level, message }) =>
      write(`${new Date(timestamp).toISOString()} ${level} ${message}`),
  };
}
