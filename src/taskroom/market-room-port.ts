/** What a task's room tells the market room. Every call is idempotent: it may come twice. */
import type { TaskId } from "../market/ids.ts";
import type { EndReport, SpentCall } from "../market/report.ts";
import type { TaskEnd } from "../market/task.ts";

export interface MarketRoomPort {
  spent(taskId: TaskId, calls: readonly SpentCall[]): Promise<void>;
  /** Settles; answers with the final state, which may be an earlier report's. */
  ended(report: EndReport): Promise<TaskEnd>;
}
