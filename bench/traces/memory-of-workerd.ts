/** Memory of a stack's workerd: what the system says of the processes of its group. Linux; elsewhere it is not known. */
import { readdirSync, readFileSync } from "node:fs";

/** Resident set of the group's largest workerd, bytes; null: not known. */
export function workerdBytes(group: number): number | null {
  let most: number | null = null;
  try {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const bytes = bytesOf(pid, group);
      if (bytes !== null) most = Math.max(most ?? 0, bytes);
    }
  } catch {
    return null;
  }
  return most;
}

/** Null: another process, or one that has just ended. */
function bytesOf(pid: string, group: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, , groupId] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (Number(groupId) !== group || !stat.includes("(workerd")) return null;
    const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? null : Number(kib) * 1_024;
  } catch {
    return null;
  }
}
