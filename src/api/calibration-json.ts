/** Calibrations as the operator's API shows them: times as ISO 8601, money in micro-USD and in USD. */
import { RUNS_AT_ONCE, type RunState } from "../market/calibration/calibration.ts";
import { asMicros, microsToUsd, sumMicros, type Micros } from "../market/money.ts";
import type { CalibrationView } from "../tenancy/calibration-api.ts";

type Run = CalibrationView["runs"][number];

/** With every run. */
export function calibrationJson(view: CalibrationView): Record<string, unknown> {
  const { tasks, agents } = view.quote;
  return {
    ...calibrationSummary(view),
    agents: agents.map(({ id, estimate }) => ({
      agentId: id,
      runs: view.runs.filter(({ agentId }) => agentId === id).length,
      expectedMicrosPerRun: estimate.expectedMicros,
      basis: estimate.basis,
      traces: estimate.traces,
    })),
    tasks,
    runs: view.runs.map(runJson),
  };
}

/** Figures only. */
export function calibrationSummary({ quote, state, acceptedAtMs, runs }: CalibrationView) {
  const { calibrationId, asked, examined, unsuitable, tasks, createdAtMs, expiresAtMs } = quote;
  const expected = expectedMicros(runs);
  const bound = sumMicros(runs.map((run) => run.boundMicros));
  const cost = sumMicros(runs.flatMap(({ costMicros }) => (costMicros === null ? [] : [costMicros])));
  return {
    object: "calibration",
    id: calibrationId,
    state,
    asked,
    suitable: tasks.length,
    examined,
    unsuitable,
    runCount: runs.length,
    runsAtOnce: RUNS_AT_ONCE,
    expectedMicros: expected,
    expectedUsd: expected === null ? null : microsToUsd(expected),
    boundMicros: bound,
    boundUsd: microsToUsd(bound),
    costMicros: cost,
    costUsd: microsToUsd(cost),
    progress: progressOf(runs),
    createdAt: new Date(createdAtMs).toISOString(),
    expiresAt: new Date(expiresAtMs).toISOString(),
    acceptedAt: acceptedAtMs === null ? null : new Date(acceptedAtMs).toISOString(),
  };
}

/** Null where that of any run is unknown: a sum without it would be too low. */
function expectedMicros(runs: readonly Run[]): Micros | null {
  let sum = 0;
  for (const run of runs) {
    if (run.expectedMicros === null) return null;
    sum += run.expectedMicros;
  }
  return asMicros(sum);
}

function progressOf(runs: readonly Run[]) {
  const count = (status: RunState["status"]) => runs.filter((run) => run.status === status).length;
  return {
    waiting: count("quoted") + count("waiting"),
    running: count("running"),
    ended: count("ended"),
    skipped: count("skipped"),
  };
}

function runJson(run: Run): Record<string, unknown> {
  const { taskId, auctionId, agentId, expectedMicros: expected, boundMicros, costMicros, status } = run;
  const end = run.status === "ended" ? run.end : null;
  return {
    taskId,
    auctionId,
    agentId,
    expectedMicros: expected,
    boundMicros,
    status,
    /** The run's own task, as the tenant sees it. */
    runTaskId: "runTaskId" in run ? run.runTaskId : null,
    outcome: end?.state === "finished" ? end.outcome : null,
    failureReason: end?.state === "failed" ? end.reason : null,
    cancelled: end?.state === "cancelled",
    skipReason: run.status === "skipped" ? run.reason : null,
    costMicros,
  };
}
