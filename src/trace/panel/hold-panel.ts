/**
 * A panel's verdict on a result: its judges are asked side by side, each call recorded before it is made, each ruling when
 * it comes. Calls that may not be paid for are not made, and a panel that is not heard decides nothing.
 */
import type { StartedCall } from "../../market/call.ts";
import { drawNonce } from "../../market/draw.ts";
import { newId } from "../../market/ids.ts";
import { ZERO_MICROS } from "../../market/money.ts";
import { panelVerdict, type Ruling } from "../../market/panel.ts";
import type { Agent } from "../../market/agent.ts";
import type { HeartbeatAbort } from "../../auction/heartbeat.ts";
import type { PanelDesk } from "../../taskroom/task-room-api.ts";
import { boundText } from "../tools/bound-text.ts";
import { mayGoOn } from "../may-go-on.ts";
import type { TraceRun } from "../trace-run.ts";

const MAX_EVIDENCE_BYTES = 4_096;

export async function holdPanel(trace: TraceRun, result: string): Promise<void> {
  const { room, generation, heartbeat } = trace;
  const opened = await room.openPanel(generation);
  if (!opened.ok) {
    await mayGoOn(trace, null, opened.failure.answer);
    return;
  }
  const { panel, judges, rulings } = opened.value;
  const heard = new Set(rulings.map(({ agentId }) => agentId));
  const asked = await Promise.all(
    judges
      .filter(({ id }) => !heard.has(id))
      .map((judge) => askJudge(trace, opened.value, { judge, result })),
  );
  if (heartbeat.signal.aborted) {
    await mayGoOn(trace, null, heartbeat.signal.reason as HeartbeatAbort);
    return;
  }
  // Replaced, or asked to stop: the commit's answer has seen to that.
  if (asked.includes(null)) return;
  const said = [...rulings, ...asked.filter((ruling) => ruling !== null)];
  const { outcome, evidence } = panelVerdict(said, panel);
  const bounded = boundText(evidence, MAX_EVIDENCE_BYTES, "\n[cut at 4 KiB]");
  await room.commitVerdict(generation, { outcome, verifier: "judge", evidence: bounded });
}

/** Null: the trace may not go on. */
async function askJudge(
  trace: TraceRun,
  { rubric }: PanelDesk,
  { judge, result }: { readonly judge: Agent; readonly result: string },
): Promise<Ruling | null> {
  const { deps, desk, room, generation, heartbeat } = trace;
  const { source, modelCallMs } = deps.config;
  const nonce = drawNonce(desk.seed, `judge/${desk.attempt}`);
  const input = { task: desk.prompt, rubric, result, nonce, seed: desk.seed };
  const callId = newId("cal", source);
  const boundMicros = deps.models.rulingBound(judge, input);
  const started: StartedCall = { callId, kind: "judge", agentId: judge.id, boundMicros };
  // A judge's words are heard by nobody but the panel: it does not ask for listeners.
  const heard = await room.startTraceCall(generation, started);
  const begun = typeof heard === "string" ? heard : heard.answer;
  if (begun === "cost_limit" || begun === "budget") {
    const left = { agentId: judge.id, status: "left", reason: "unaffordable" } as const;
    return committed(trace, null, { ...left, costMicros: ZERO_MICROS, ms: 0 });
  }
  if (begun === "journal_limit") throw new Error("a judge's call is no step");
  if (!(await mayGoOn(trace, null, begun))) return null;
  const deadlineAtMs = Math.min(source.now() + modelCallMs, desk.deadlineAtMs);
  const timeout = AbortSignal.timeout(Math.max(1, deadlineAtMs - source.now()));
  const signal = AbortSignal.any([heartbeat.signal, timeout]);
  const answer = await deps.models.rule(judge, input, { signal, deadlineAtMs });
  const ended = { callId, bill: answer.bill, ms: answer.ms };
  const costMicros =
    answer.bill.status === "billed"
      ? answer.bill.costMicros
      : answer.bill.status === "refused"
        ? ZERO_MICROS
        : boundMicros;
  const common = { agentId: judge.id, costMicros, ms: answer.ms };
  // Cut off because the trace may not go on: it said nothing, and the bill is booked all the same.
  if (!answer.ok && heartbeat.signal.aborted) {
    await mayGoOn(trace, ended, heartbeat.signal.reason as HeartbeatAbort);
    return null;
  }
  return committed(
    trace,
    ended,
    answer.ok
      ? { ...common, status: "ruled", ...answer.value }
      : { ...common, status: "left", reason: answer.failure.reason },
  );
}

async function committed(
  trace: TraceRun,
  call: Parameters<TraceRun["room"]["commitRuling"]>[1],
  ruling: Ruling,
): Promise<Ruling | null> {
  const answer = await trace.room.commitRuling(trace.generation, call, ruling);
  return (await mayGoOn(trace, null, answer)) ? ruling : null;
}
