/**
 * Signals that end the stack.
 *
 * Miniflare, once made, answers SIGINT and SIGTERM by ending the process at once; whoever holds a stack needs the
 * time to stop it in order. So its handlers are taken away, and the stack's own stand in their place.
 */
import { constants } from "node:os";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
export type EndSignal = (typeof SIGNALS)[number];

/** Runs `create` and removes the signal handlers that it added. */
export function withoutSignalHandlers<T>(create: () => T): T {
  const before = new Map(SIGNALS.map((signal) => [signal, new Set(process.listeners(signal))]));
  const created = create();
  for (const signal of SIGNALS) {
    for (const listener of process.listeners(signal)) {
      if (before.get(signal)?.has(listener) !== true) process.off(signal, listener);
    }
  }
  return created;
}

/** Calls `handle` for every signal that asks this process to end. Returns what takes the handlers away again. */
export function onEndSignal(handle: (signal: EndSignal) => void): () => void {
  for (const signal of SIGNALS) process.on(signal, handle);
  return () => {
    for (const signal of SIGNALS) process.off(signal, handle);
  };
}

/** What a shell reports for a process that a signal ended. */
export function exitCodeOf(signal: EndSignal): number {
  return 128 + constants.signals[signal];
}
