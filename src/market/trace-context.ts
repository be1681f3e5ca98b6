/**
 * A task as a distributed trace (W3C Trace Context): its id and those of its spans, drawn from the house's own ids, so
 * that whoever writes a line, and whenever, names the same ones.
 */
import type { CallId, TaskId } from "./ids.ts";

/** The letters of ULIDs, by their values. */
const CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz";

/** 32 hexadecimal digits: the 128 bits of the task's own id. */
export function traceIdOf(taskId: TaskId): string {
  return hex(ulidValue(taskId), 32);
}

/** What a span stands for. A call is named by its id alone: it belongs to one task. */
export type SpanName =
  | { readonly of: "task"; readonly taskId: TaskId }
  | { readonly of: "attempt"; readonly taskId: TaskId; readonly attempt: number }
  | { readonly of: "step"; readonly taskId: TaskId; readonly attempt: number; readonly step: number }
  | {
      readonly of: "tool";
      readonly taskId: TaskId;
      readonly attempt: number;
      readonly step: number;
      readonly index: number;
    }
  | { readonly of: "call"; readonly callId: CallId };

/** 16 hexadecimal digits, never all zero. */
export function spanIdOf(name: SpanName): string {
  const { of, ...rest } = name;
  const hash = fnv64([of, ...Object.values(rest)].join("/"));
  return hex(hash === 0n ? 1n : hash, 16);
}

function ulidValue(id: string): bigint {
  let value = 0n;
  for (const letter of id.slice(id.indexOf("_") + 1)) value = value * 32n + BigInt(CROCKFORD.indexOf(letter));
  return value;
}

/** FNV-1a, 64 bits: short, and spread well enough for names within one trace. */
function fnv64(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (let at = 0; at < text.length; at++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(at))) * 0x100000001b3n);
  }
  return hash;
}

function hex(value: bigint, digits: number): string {
  return value.toString(16).padStart(digits, "0").slice(-digits);
}
