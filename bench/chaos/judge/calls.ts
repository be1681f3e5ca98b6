/**
 * Steps and bills against the models' own log.
 *
 * The log's row of a step is known exactly: an emulated model puts the row's number into the ids of its tool calls, which
 * stand in the journal. Where an answer has none, and for calls that are no steps, what was used is compared.
 */
import type { CallRow } from "../../../emulators/log/call-row.ts";
import { callCost, type Prices, type TokenUsage } from "../../../src/market/money.ts";
import type { AgentSeen, CallSeen, Evidence, StepSeen, TaskSeen } from "../evidence.ts";
import type { Find } from "./violation.ts";

export function judgeCalls(evidence: Evidence, find: Find): void {
  const agents = new Map(evidence.tenants.flatMap((tenant) => tenant.agents.map((one) => [one.id, one])));
  judgeAnswers(evidence, agents, find);
  judgeBills(evidence, agents, find);
  judgeSums(evidence, agents, find);
}

type Agents = ReadonlyMap<string, AgentSeen>;

/** Every step's answer is one answered call of the winner's model, and no call's answer is two steps. */
function judgeAnswers({ tasks, log }: Evidence, agents: Agents, find: Find): void {
  const rows = new Map(log.map((row) => [row.id, row]));
  const used = new Map<number, string>();
  for (const task of tasks) {
    for (const step of task.steps) {
      const name = `${task.taskId} ${step.attempt}/${step.step}`;
      const id = logIdOf(step);
      if (id === null) continue;
      const row = rows.get(id);
      if (row?.status !== "ok" || !sameUsage(row, step.usage) || !isAgents(row, task, agents))
        find("step-without-answer", name, `call ${id} of the log is ${row?.status ?? "not there"}`);
      const other = used.get(id);
      if (other !== undefined) find("answer-used-twice", name, `call ${id} of the log is ${other}, too`);
      used.set(id, name);
    }
  }
}

/** By the ids of its tool calls; null: it has none. */
function logIdOf({ toolCalls }: StepSeen): number | null {
  const match = /-(\d+)$/.exec(toolCalls[0]?.id ?? "");
  return match === null ? null : Number(match[1]);
}

function isAgents(row: CallRow, { events }: TaskSeen, agents: Agents): boolean {
  return events.some(
    (event) => event.type === "task-awarded" && agents.get(event.agentId)?.model === row.model,
  );
}

function sameUsage({ usage }: CallRow, used: TokenUsage): boolean {
  return usage !== null && usageKey(usage) === stepKey(used);
}

const usageKey = (usage: NonNullable<CallRow["usage"]>) =>
  [usage.promptTokens, usage.cachedPromptTokens, usage.completionTokens].join("/");
const stepKey = (usage: TokenUsage) =>
  [usage.inputTokens, usage.cachedInputTokens, usage.outputTokens].join("/");

/** No call is under way any more; each id is billed once; and no answer of a trace is billed oftener than it was given. */
function judgeBills({ tasks, log }: Evidence, agents: Agents, find: Find): void {
  const ids = new Set<string>();
  const answers = new Map<string, number>();
  for (const { model, usage, status } of log) {
    if (usage === null || status !== "ok") continue;
    const key = `${model} ${usageKey(usage)}`;
    answers.set(key, (answers.get(key) ?? 0) + 1);
  }
  for (const { taskId, calls } of tasks) {
    for (const call of calls) {
      if (call.status === "started") find("call-open", call.callId, `of ${taskId}`);
      if (ids.has(call.callId)) find("call-billed-twice", call.callId, `also of ${taskId}`);
      ids.add(call.callId);
      if (call.kind !== "trace" || call.status !== "billed" || call.usage === null) continue;
      const key = `${agents.get(call.agentId ?? "")?.model} ${stepKey(call.usage)}`;
      const left = (answers.get(key) ?? 0) - 1;
      answers.set(key, left);
      if (left < 0) find("call-billed-twice", call.callId, `no answer of ${key} is left for it`);
    }
  }
}

/** Per model: what is billed was logged, and what was logged is billed or stands at its bound. */
function judgeSums({ tasks, log }: Evidence, agents: Agents, find: Find): void {
  const byModel = new Map<string, Agents>();
  for (const agent of agents.values())
    byModel.set(agent.model, new Map([...(byModel.get(agent.model) ?? []), [agent.id, agent]]));
  const calls = tasks.flatMap((task) => task.calls);
  for (const [model, own] of byModel) {
    const mine = calls.filter(({ agentId }) => agentId !== null && own.has(agentId));
    const [agent] = own.values();
    if (agent === undefined) continue;
    const logged = sum(
      log.filter((row) => row.model === model).map((row) => loggedMicros(row, agent.prices)),
    );
    const billed = sum(mine.map((call) => (call.status === "billed" ? call.costMicros : 0)));
    const booked = billed + sum(mine.map((call) => (call.status === "unconfirmed" ? call.boundMicros : 0)));
    // A call of several answers is rounded up once, and each row of the log by itself.
    if (billed > logged) find("charged-beyond-log", model, `${billed} billed, ${logged} logged, micro-USD`);
    const rounding = log.filter((row) => row.model === model).length;
    if (logged > booked + rounding)
      find("answer-not-booked", model, `${logged} logged, ${booked} billed or unconfirmed, micro-USD`);
    judgeCounts({ model, log, mine }, find);
  }
}

/** An answer that nobody booked needs a call that stands at its bound, whatever the sums say. */
function judgeCounts(
  { model, log, mine }: { model: string; log: readonly CallRow[]; mine: readonly CallSeen[] },
  find: Find,
): void {
  const answered = log.filter((row) => row.model === model && row.status === "ok").length;
  // Bids and verdicts may take a second answer within one call.
  const most = sum(
    mine.map(({ kind, status }) => (status === "refused" ? 0 : kind === "trace" ? 1 : ANSWERS_OF_A_CALL)),
  );
  if (answered > most) find("answer-not-booked", model, `${answered} answers, room for ${most}`);
}

const ANSWERS_OF_A_CALL = 2;

function loggedMicros({ usage }: CallRow, prices: Prices): number {
  if (usage === null) return 0;
  return callCost(
    {
      inputTokens: usage.promptTokens,
      cachedInputTokens: usage.cachedPromptTokens,
      cacheWriteTokens: 0,
      outputTokens: usage.completionTokens,
      reasoningTokens: usage.reasoningTokens,
    },
    prices,
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
