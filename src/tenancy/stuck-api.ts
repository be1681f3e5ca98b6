/** What the market room offers about what is stuck. */
import type { StuckId, TaskId } from "../market/ids.ts";
import type { Result } from "../market/result.ts";
import type { HoldRefusal } from "./ledger.ts";

export interface Redriven {
  readonly taskId: TaskId;
  /** It had been redriven before: nothing new was begun. */
  readonly replayed: boolean;
}

export type StuckRefusal =
  /** `stuck_settled`: it was dismissed, or is not kept any more; of a dismissal: it was redriven. */
  | { readonly reason: "stuck_not_redrivable" | "stuck_settled" | "tenant_suspended" }
  /** Nothing was begun. */
  | { readonly reason: "budget"; readonly refusal: HoldRefusal };

/** Something that does not go on as it should, as it stands; there is nothing to be done about it here. */
export interface StuckFinding {
  readonly kind:
    | "auction"
    | "trace"
    | "waits"
    | "overdue"
    | "outbox"
    | "history_parked"
    | "webhook"
    /** A room does not answer. */
    | "unreachable";
  readonly taskId: TaskId | null;
  readonly why: string;
  /** Null: not known. */
  readonly sinceMs: number | null;
}

export interface StuckFindings {
  readonly findings: readonly StuckFinding[];
  /** Tasks whose traces are under way, the oldest first, then those that wait for a verdict: their own rooms know. */
  readonly running: readonly TaskId[];
}

export interface StuckApi {
  /** Reads only. */
  findStuck(): Promise<StuckFindings>;
  /** The task goes on from what was committed. Told again, it answers the same. */
  redriveStuck(stuckId: StuckId): Promise<Result<Redriven, StuckRefusal>>;
  /** The task stands as it ended. Told again, it answers the same. */
  dismissStuck(stuckId: StuckId): Promise<Result<null, StuckRefusal>>;
}
