/**
 * What a run is made of: tenants with their pools, and the tasks of each.
 *
 * A plan is complete before anything starts, but for the addresses that only a running stack has.
 */
import { readFileSync } from "node:fs";
import type { AgentInput } from "../../src/market/agent.ts";
import { fail, ok, type Result } from "../../src/market/result.ts";
import { chooseTasks } from "./choose-tasks.ts";
import type { DemoTask } from "./demo-task.ts";
import type { DemoOptions } from "./options.ts";
import { readRecordings, type Recording } from "./replay/recording.ts";
import { recordedAgent, recordedTask } from "./replay/replay-tasks.ts";
import { parseTasks } from "./tasks-file.ts";
import { workloadTasks } from "./workload-tasks.ts";

/** One tenant's share of a run. */
export interface TenantPlan {
  readonly name: string;
  /** Absent: the pool of the Worker's environment. */
  readonly pool?: readonly AgentInput[];
  readonly tasks: readonly DemoTask[];
}

export interface Plan {
  /** Of what the tasks are, for the heading. */
  readonly source: string;
  /** Empty unless this is a replay. */
  readonly recordings: readonly Recording[];
  tenants(emulatorUrl: string): readonly TenantPlan[];
}

/** A failure is lines for people: why nothing runs. */
export function makePlan(options: DemoOptions): Result<Plan, readonly string[]> {
  if (options.replay !== null) return replayPlan(options.replay, options);
  if (options.tasks !== null) return filePlan(options.tasks, options);
  return ok({
    source: "the project's own workload",
    recordings: [],
    tenants: (emulatorUrl) => [
      { name: "demo", tasks: chooseTasks(workloadTasks(`${emulatorUrl}/docs`), options) },
    ],
  });
}

function filePlan(path: string, options: DemoOptions): Result<Plan, readonly string[]> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return fail([`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`]);
  }
  const parsed = parseTasks(text);
  if (!parsed.ok) {
    return fail([
      ...parsed.failure.map(({ line, reason }) => `${path}, line ${line}: ${reason}`),
      "Nothing was run.",
    ]);
  }
  const tasks = chooseTasks(parsed.value, options);
  return ok({ source: path, recordings: [], tenants: () => [{ name: "demo", tasks }] });
}

function replayPlan(directory: string, options: DemoOptions): Result<Plan, readonly string[]> {
  const read = readRecordings(directory);
  if (!read.ok) return fail([read.failure]);
  const recordings = chooseTasks(read.value, options);
  const models = [...new Set(recordings.map(({ trace }) => trace.model))];
  const tenants = models.map((model) => ({
    name: `replay of ${model}`.slice(0, 80),
    pool: [recordedAgent(model)],
    tasks: recordings.filter(({ trace }) => trace.model === model).map(recordedTask),
  }));
  return ok({ source: `recorded runs in ${directory}`, recordings, tenants: () => tenants });
}
