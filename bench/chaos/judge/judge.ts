/**
 * Judges a run by its evidence: the emulated models' log and the rooms' own rows, never by what the system says of itself
 * that it did. Pure.
 */
import type { Evidence } from "../evidence.ts";
import { judgeAsked } from "./asked.ts";
import { judgeGone } from "./gone.ts";
import { judgeCalls } from "./calls.ts";
import { judgeMoney } from "./money.ts";
import { judgeOutside } from "./outside.ts";
import { judgePaidOnce } from "./paid-once.ts";
import { judgeRooms } from "./rooms.ts";
import { judgeTasks } from "./tasks.ts";
import type { Violation } from "./violation.ts";

export function judge(evidence: Evidence): Violation[] {
  const violations: Violation[] = [];
  const parts = [
    judgeTasks,
    judgeAsked,
    judgeCalls,
    judgePaidOnce,
    judgeMoney,
    judgeRooms,
    judgeOutside,
    judgeGone,
  ];
  for (const part of parts) {
    part(evidence, (kind, at, detail) => violations.push({ kind, at, detail }));
  }
  return violations;
}
