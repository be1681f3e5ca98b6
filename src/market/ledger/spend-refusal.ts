/** Why a call may not be started: the task's own limit, or a budget of its tenant or key. */
export type SpendRefusal = "cost_limit" | "budget";
