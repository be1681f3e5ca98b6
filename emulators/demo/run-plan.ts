/** Carries a plan out on a running stack, and says how it went. */
import type { Colors } from "picocolors/types.js";
import { createTenant, type TenantAccess } from "../stack/operator.ts";
import type { Stack } from "../stack/start-stack.ts";
import { readAgents, type ApiAgent } from "./api.ts";
import { runFigures, type RunFigures } from "./figures.ts";
import type { Plan, TenantPlan } from "./plan.ts";
import { replayFigures, type ReplayFigures } from "./replay/replay-report.ts";
import { uploadRecordings } from "./replay/upload-recordings.ts";
import { startReporter } from "./reporter.ts";
import { runTasks, type EndedTask } from "./run-tasks.ts";

export interface RunPlanOptions {
  readonly stack: Pick<Stack, "url" | "emulatorUrl" | "adminSecret">;
  readonly concurrency: number;
  readonly out: NodeJS.WriteStream;
  readonly live: boolean;
  readonly colours: Colors;
}

export interface PlanResult {
  readonly figures: RunFigures;
  /** Empty unless this was a replay. */
  readonly replay: readonly ReplayFigures[];
  /** Of the first tenant, for whoever goes on with the stack. */
  readonly access: TenantAccess;
}

interface Tenant extends TenantPlan {
  readonly access: TenantAccess;
  readonly agents: readonly ApiAgent[];
}

/** @throws Error when the stack refuses a tenant or a recording, which no task can be blamed for */
export async function runPlan(plan: Plan, options: RunPlanOptions): Promise<PlanResult> {
  const { stack, concurrency } = options;
  await uploadRecordings(stack.emulatorUrl, plan.recordings);
  const tenants: Tenant[] = [];
  for (const tenant of plan.tenants(stack.emulatorUrl)) {
    const access = await createTenant(stack, { name: tenant.name, pool: tenant.pool });
    tenants.push({ ...tenant, access, agents: await readAgents({ url: stack.url, key: access.key }) });
  }
  const startedAt = performance.now();
  const reporter = startReporter(
    tenants.flatMap(({ tasks }) => tasks),
    options,
  );
  const ended: EndedTask[] = [];
  try {
    for (const { tasks, access } of tenants) {
      const own = { url: stack.url, key: access.key };
      ended.push(...(await runTasks(tasks, { access: own, concurrency, listener: reporter })));
    }
  } finally {
    reporter.stop();
  }
  const [first] = tenants;
  if (first === undefined) throw new Error("a plan without a tenant");
  const figures = runFigures(
    ended,
    tenants.flatMap(({ agents }) => agents),
    Math.round(performance.now() - startedAt),
  );
  return { figures, replay: replayFigures(plan.recordings, figures.tasks), access: first.access };
}
