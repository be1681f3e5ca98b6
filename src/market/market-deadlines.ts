/** A tenant's deadlines, applied to its tasks and to the calls of its auctions. Pure. */
import type { CallDeadlines } from "./auction-record.ts";
import { fail, ok, type Result } from "./result.ts";
import type { TaskSpec } from "./task.ts";
import type { Deadlines } from "./tenant-market.ts";

/** The task asks for more than its tenant's policy accepts. */
export interface DeadlineRefusal {
  readonly reason: "deadline_too_long";
  readonly maxS: number;
}

/** The task under its tenant's deadlines. @param named false: the client left the deadline to its tenant's default */
export function withDeadline(
  spec: TaskSpec,
  { taskDefaultS, taskMaxS }: Deadlines,
  named: boolean,
): Result<TaskSpec, DeadlineRefusal> {
  const { deadlineS: asked } = spec.limits;
  const maxS = taskMaxS ?? Number.POSITIVE_INFINITY;
  if (named && asked > maxS) return fail({ reason: "deadline_too_long", maxS });
  const deadlineS = named ? asked : Math.min(taskDefaultS ?? asked, maxS);
  return ok(deadlineS === asked ? spec : { ...spec, limits: { ...spec.limits, deadlineS } });
}

/** What an opening carries of them; nothing where the environment's hold. */
export function callDeadlines({ bidMs, juryMs }: Deadlines): { readonly callDeadlines?: CallDeadlines } {
  return bidMs === null && juryMs === null ? {} : { callDeadlines: { bidMs, juryMs } };
}
