/** The figures of a run, per task and in total: what the table shows and `--json` writes. Pure. */
import { callCost, NO_USAGE, totalTokens, type TokenUsage } from "../../src/market/money.ts";
import type { ApiAgent } from "./api.ts";
import { checkJournal } from "./check-journal.ts";
import type { EndedTask } from "./run-tasks.ts";

export const EMULATED_NOTICE =
  "Models are emulated (house and recorded agents). The figures show how the market works; they are no evidence about any real model.";
export const LARGEST_METHOD =
  "the tokens of the traces at the prices of the largest agent (the dearest output), without an auction";

export interface NamedAgent {
  readonly id: string;
  readonly name: string;
  readonly model: string;
  readonly emulated: boolean;
}

export interface TaskFigures {
  readonly label: string;
  readonly bin: number | null;
  readonly taskId: string | null;
  readonly state: string | null;
  readonly outcome: "pass" | "fail" | "unknown" | null;
  readonly evidence: string | null;
  readonly winner: NamedAgent | null;
  readonly bids: number;
  readonly jurors: number;
  readonly steps: number;
  readonly queueMessages: number;
  readonly costMicros: number;
  readonly costs: {
    readonly embedMicros: number;
    readonly bidMicros: number;
    readonly juryMicros: number;
    readonly refineMicros: number;
    readonly traceMicros: number;
    /** Of the verifier's panel. */
    readonly judgeMicros: number;
  };
  /** Micro-USD; see `LARGEST_METHOD`. */
  readonly largestAgentCostMicros: number;
  readonly tokens: {
    readonly embed: number;
    readonly bid: number;
    readonly jury: number;
    readonly refine: number;
    readonly trace: number;
  };
  readonly ms: number;
  /** Why this task counts as failing: it did not finish, or its journal is inconsistent. A verifier's "fail" is none. */
  readonly problems: readonly string[];
}

export interface RunTotals {
  readonly tasks: number;
  readonly finished: number;
  readonly passed: number;
  readonly failed: number;
  readonly unknown: number;
  readonly costMicros: number;
  readonly auctionCostMicros: number;
  readonly largestAgent: NamedAgent | null;
  readonly largestAgentCostMicros: number;
  readonly wins: readonly { readonly agent: NamedAgent; readonly wins: number; readonly passed: number }[];
  readonly tokens: { readonly auction: number; readonly trace: number };
  /** Bids and jury; 0 to 1, null without any token. */
  readonly auctionTokenShare: number | null;
  readonly ms: number;
  readonly failing: readonly { readonly label: string; readonly problems: readonly string[] }[];
}

export interface RunFigures {
  readonly notice: string;
  readonly largestAgentCostMethod: string;
  readonly totals: RunTotals;
  readonly tasks: readonly TaskFigures[];
}

const NO_COSTS: TaskFigures["costs"] = {
  embedMicros: 0,
  bidMicros: 0,
  juryMicros: 0,
  refineMicros: 0,
  traceMicros: 0,
  judgeMicros: 0,
};

/** @param ms wall time of the whole run */
export function runFigures(ended: readonly EndedTask[], agents: readonly ApiAgent[], ms: number): RunFigures {
  const largest = largestAgent(agents);
  const tasks = ended.map((task) => taskFigures(task, agents, largest));
  return {
    notice: EMULATED_NOTICE,
    largestAgentCostMethod: LARGEST_METHOD,
    totals: runTotals(tasks, agents, { largest, ms }),
    tasks,
  };
}

/** The agent with the dearest output; of several, the first by id. */
export function largestAgent(agents: readonly ApiAgent[]): ApiAgent | null {
  const byPrice = agents.toSorted(
    (a, b) => b.prices.outputMicrosPerMtok - a.prices.outputMicrosPerMtok || (a.id < b.id ? -1 : 1),
  );
  return byPrice[0] ?? null;
}

function taskFigures(ended: EndedTask, agents: readonly ApiAgent[], largest: ApiAgent | null): TaskFigures {
  const { task, trace, events } = ended;
  const calls = trace?.calls ?? [];
  const traceCalls = calls.filter((call) => call.kind === "trace");
  return {
    label: ended.label,
    bin: ended.bin,
    taskId: task?.id ?? null,
    state: task?.state ?? null,
    outcome: task?.outcome ?? null,
    evidence: task?.verdict?.evidence ?? null,
    winner: task?.agentId == null ? null : namedAgent(agents, task.agentId),
    bids: events.filter((event) => event.type === "bid-received" && event.round === 1).length,
    jurors: events.filter((event) => event.type === "verdict-received" && event.round === 1).length,
    steps: task?.steps ?? 0,
    queueMessages: task?.queueMessages ?? 0,
    costMicros: task?.costMicros ?? 0,
    costs: task?.costs ?? NO_COSTS,
    largestAgentCostMicros:
      largest === null ? 0 : sum(traceCalls, (call) => callCost(call.usage ?? NO_USAGE, largest.prices)),
    tokens: {
      embed: tokensOf(task?.usage.embed),
      bid: tokensOf(task?.usage.bid),
      jury: tokensOf(task?.usage.jury),
      refine: tokensOf(task?.usage.refine),
      trace: tokensOf(task?.usage.trace),
    },
    ms: ended.ms,
    problems: checkJournal(ended),
  };
}

function tokensOf(usage: TokenUsage | undefined): number {
  return totalTokens(usage ?? NO_USAGE);
}

function runTotals(
  tasks: readonly TaskFigures[],
  agents: readonly ApiAgent[],
  { largest, ms }: { readonly largest: ApiAgent | null; readonly ms: number },
): RunTotals {
  const auction = sum(tasks, ({ tokens }) => tokens.embed + tokens.bid + tokens.jury + tokens.refine);
  const trace = sum(tasks, (task) => task.tokens.trace);
  const withOutcome = (outcome: TaskFigures["outcome"]) =>
    tasks.filter((task) => task.outcome === outcome).length;
  return {
    tasks: tasks.length,
    finished: tasks.filter((task) => task.state === "finished").length,
    passed: withOutcome("pass"),
    failed: withOutcome("fail"),
    unknown: withOutcome("unknown"),
    costMicros: sum(tasks, (task) => task.costMicros),
    auctionCostMicros: sum(
      tasks,
      ({ costs }) => costs.embedMicros + costs.bidMicros + costs.juryMicros + costs.refineMicros,
    ),
    largestAgent: largest === null ? null : namedAgent(agents, largest.id),
    largestAgentCostMicros: sum(tasks, (task) => task.largestAgentCostMicros),
    wins: agents.map((agent) => {
      const won = tasks.filter((task) => task.winner?.id === agent.id);
      const passed = won.filter((task) => task.outcome === "pass").length;
      return { agent: namedAgent(agents, agent.id), wins: won.length, passed };
    }),
    tokens: { auction, trace },
    auctionTokenShare: auction + trace === 0 ? null : auction / (auction + trace),
    ms,
    failing: tasks
      .filter((task) => task.problems.length > 0)
      .map(({ label, problems }) => ({ label, problems })),
  };
}

function namedAgent(agents: readonly ApiAgent[], id: string): NamedAgent {
  const agent = agents.find((candidate) => candidate.id === id);
  return agent === undefined
    ? { id, name: id, model: "", emulated: false }
    : { id, name: agent.name, model: agent.model, emulated: agent.emulated };
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
