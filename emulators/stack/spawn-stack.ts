/**
 * Starts the stack as a process group of its own, so that it can be killed as a machine dies: all at once.
 *
 * For tests and benches. Node and workerd are in one group; `kill()` sends SIGKILL to it, `stop()` a SIGTERM to
 * Node, which ends the rest in order. Starting again on the same directory goes on from what was stored.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";
import type { StackOptions } from "./start-stack.ts";
import { StackError } from "./stack-error.ts";

export interface SpawnedStack {
  readonly url: string;
  readonly emulatorUrl: string;
  readonly adminSecret: string;
  /** Of the Node process; also the id of the group. */
  readonly pid: number;
  /** Ends Node and workerd at once; nothing gets to clean up. */
  kill(): Promise<void>;
  /** Ends them in order. */
  stop(): Promise<void>;
}

type FirstLine =
  | { readonly url: string; readonly emulatorUrl: string; readonly adminSecret: string; readonly pid: number }
  | { readonly error: { readonly code: StackError["code"]; readonly message: string } };

/** A process that has loaded all that a stack needs, and waits: half of the time of a start is behind it. */
export interface StackInWaiting {
  /** @throws StackError as `startStack` does */
  start(): Promise<SpawnedStack>;
  /** Ends it unused. */
  discard(): Promise<void>;
}

/** @throws StackError as `startStack` does */
export async function spawnStack(options: StackOptions): Promise<SpawnedStack> {
  return spawned(serve(options, "ignore"));
}

/** For whoever kills a stack and wants the next one soon. It ends with this process. */
export function standBy(options: StackOptions): StackInWaiting {
  const child = serve(options, "pipe");
  return {
    start: () => {
      child.stdin?.write("start\n");
      return spawned(child);
    },
    discard: async () => {
      const exited = once(child, "exit");
      child.stdin?.end();
      if (child.exitCode === null && child.signalCode === null) await exited;
    },
  };
}

function serve(options: StackOptions, stdin: "ignore" | "pipe"): ChildProcess {
  const mode = stdin === "pipe" ? ["--stand-by"] : [];
  const script = join(import.meta.dirname, "serve.ts");
  return spawn(process.execPath, [script, JSON.stringify(options), ...mode], {
    detached: true,
    stdio: [stdin, "pipe", "inherit"],
  });
}

async function spawned(child: ChildProcess): Promise<SpawnedStack> {
  const first = await firstLine(child);
  if ("error" in first) throw new StackError(first.error.code, first.error.message);
  const end = async (signal: NodeJS.Signals, target: number) => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    process.kill(target, signal);
    await exited;
  };
  return {
    ...first,
    kill: () => end("SIGKILL", -first.pid),
    stop: () => end("SIGTERM", first.pid),
  };
}

async function firstLine(child: ChildProcess): Promise<FirstLine> {
  if (child.stdout === null) throw new Error("the stack's stdout is not a pipe");
  for await (const line of createInterface({ input: child.stdout })) {
    // What comes later is nobody's; it must not fill the pipe.
    child.stdout.resume();
    return JSON.parse(line) as FirstLine;
  }
  throw new StackError("start_failed", "The stack's process ended before it was up; see the lines above.");
}
