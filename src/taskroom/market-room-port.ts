/** What a task's room tells the market room. Every call is idempotent: it may come twice. */
import type { TaskId } from "../market/ids.ts";
import type { Micros } from "../market/money.ts";
import type { EndReport, SpentCall } from "../market/report.ts";
import type { Result } from "../market/result.ts";
import type { TaskEnd } from "../market/task.ts";

export interface MarketRoomPort {
  /**
   * Lets the task's calls cost so much in all, if its budgets take it; answers with what they may cost now, which may be
   * more, or with the limit that it would have passed.
   */
  allow(
    taskId: TaskId,
    totalMicros: Micros,
  ): Promise<Result<Micros, { readonly scope: "tenant" | "key" | "task" }>>;
  spent(taskId: TaskId, calls: readonly SpentCall[]): Promise<void>;
  /** This attempt waits for a verdict from outside: it runs no more, and spends nothing. */
  waits(taskId: TaskId, attempt: number): Promise<void>;
  /**
   * Settles; answers with the final state, which may be an earlier report's. Null: the task goes on with another attempt,
   * whose award is on its way, or was here already.
   */
  ended(report: EndReport): Promise<TaskEnd | null>;
}
