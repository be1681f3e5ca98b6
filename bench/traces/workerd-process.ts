/** What the system says of a stack's workerd: the largest one of its group. Linux; elsewhere nothing is known. */
import { readdirSync, readFileSync } from "node:fs";

export interface ProcessFigures {
  /** Resident set, bytes. */
  readonly bytes: number;
  /** Processor time since its start, ms, to the nearest ten. */
  readonly cpuMs: number;
}

/** Linux counts processor time so, whatever the machine. */
const TICK_MS = 10;

/** Null: not known. */
export function workerdFigures(group: number): ProcessFigures | null {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => figuresOf(pid, group))
      .reduce((most, one) => (one !== null && one.bytes > (most?.bytes ?? 0) ? one : most), null);
  } catch {
    return null;
  }
}

/** Null: another process, or one that has just ended. */
function figuresOf(pid: string, group: number): ProcessFigures | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // From the third field on: state, parent, group, …, user and system time.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(fields[2]) !== group || !stat.includes("(workerd")) return null;
    const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    if (kib === undefined) return null;
    return { bytes: Number(kib) * 1_024, cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    return null;
  }
}
