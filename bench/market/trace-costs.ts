/**
 * What a trace costs by the house's token model: the mean over a few real traces of the house models, per task of the
 * workload and agent.
 *
 * Traces are not run for each auction: their outcome is drawn (success.ts), and their length does not depend on the plan
 * or on the outcome here, other than the paper has it (longer plans, longer traces). Tools answer without doing anything.
 */
import type { EmulatedModel } from "../../emulators/chat.ts";
import { driveTrace, chatRequest, TRACE_TOOLS } from "../../emulators/house/drive.ts";
import { houseModel } from "../../emulators/house/index.ts";
import { documents, promptAt, workload, type WorkloadTask } from "../../emulators/workload/index.ts";
import { bidPrompt } from "../../src/agents/prompts/bid-prompt.ts";
import type { Agent } from "../../src/market/agent.ts";
import { callCost, totalTokens } from "../../src/market/money.ts";
import { TRACE_SEEDS } from "./constants.ts";
import { usageOf } from "./house-calls.ts";
import { pool } from "./pool.ts";
import { DOCS } from "./tasks.ts";

export interface TraceCost {
  readonly micros: number;
  readonly tokens: number;
}

const offered = TRACE_TOOLS.filter((tool) => tool.name !== "submit");

function answerTool(tool: string, argument: string): string {
  return tool === "http" ? (documents[argument.slice(DOCS.length + 1)] ?? "HTTP 404") : "value: 1";
}

function traceCost(task: WorkloadTask, agent: Agent, seed: number): TraceCost {
  const model = houseModel(agent.model) as EmulatedModel;
  const prompt = promptAt(task, DOCS);
  const ask = bidPrompt({ task: prompt, tools: offered, maxTokens: 600, nonce: "5ea1ed" });
  const strategy = model.reply(chatRequest(model.id, seed, ask)).content ?? "";
  const { replies } = driveTrace({ model, task: prompt, strategy, seed, call: answerTool });
  const usages = replies.map(usageOf);
  return {
    micros: usages.reduce((sum, usage) => sum + callCost(usage, agent.prices), 0),
    tokens: usages.reduce((sum, usage) => sum + totalTokens(usage), 0),
  };
}

const meanOf = (costs: readonly TraceCost[], field: keyof TraceCost) =>
  costs.reduce((sum, cost) => sum + cost[field], 0) / costs.length;

/** Mean cost and tokens of a trace, by workload task and agent. */
export function measureTraceCosts(): (taskId: string, agentId: string) => TraceCost {
  const costs = new Map<string, TraceCost>();
  for (const task of workload) {
    for (const agent of pool) {
      const runs = TRACE_SEEDS.map((seed) => traceCost(task, agent, seed));
      costs.set(`${task.id} ${agent.id}`, { micros: meanOf(runs, "micros"), tokens: meanOf(runs, "tokens") });
    }
  }
  return (taskId, agentId) => {
    const cost = costs.get(`${taskId} ${agentId}`);
    if (cost === undefined) throw new Error(`no trace of ${taskId} by ${agentId}`);
    return cost;
  };
}
