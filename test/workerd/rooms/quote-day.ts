/** A market day with quotes: three bids, the longer plan the better, so that dear, middle and cheap stand in this order. */
import type { ModelPort } from "../../../src/agents/model-port.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { newId, type AgentId } from "../../../src/market/ids.ts";
import { taskSpecSchema, type TaskInput } from "../../../src/market/task.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { ScriptedModels, type ScriptedStep } from "../../support/scripted-models.ts";
import {
  auctionDeps,
  CHEAP,
  config,
  countingTool,
  DEAR,
  KEY_HASH,
  MIDDLE,
  taskRoom,
  traceDeps,
  type MarketDay,
} from "./market-day.ts";

export const EXPIRES_S = 600;
export const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
const VERDICTS = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };
export const models = (steps: readonly ScriptedStep[] = [{ text: "42" }]) =>
  new ScriptedModels({ bids: BIDS, verdicts: VERDICTS, steps });

export async function admitQuote(day: MarketDay, input: Partial<TaskInput> = {}, keyHash = KEY_HASH) {
  const taskId = newId("tsk", config.source);
  const admitted = await day.market.admit({
    keyHash,
    taskId,
    auctionId: newId("auc", config.source),
    seed: 7,
    spec: taskSpecSchema.parse({
      prompt: "What is six times seven?",
      policy: "sale:memory=off,size=1",
      ...input,
    }),
    idempotency: null,
    asksAtOnce: true,
    quote: { expiresInS: EXPIRES_S },
  });
  if (!admitted.ok || admitted.value.opening === null) throw new Error("not admitted");
  const { tenantId } = day;
  return {
    taskId,
    room: taskRoom(tenantId, taskId),
    holder: { tenantId, taskId, generation: 1, opening: admitted.value.opening },
  };
}

export async function openQuote(day: MarketDay, input: Partial<TaskInput> = {}, keyHash = KEY_HASH) {
  const { taskId, room, holder } = await admitQuote(day, input, keyHash);
  await runAuction(auctionDeps(models()), holder);
  const accept = async (agentId: AgentId | null = null) =>
    day.market.acceptQuote({ keyHash: KEY_HASH, taskId, agentId });
  const carryOut = async (with_: ModelPort = models()) =>
    runSlice(traceDeps(with_, { tools: [countingTool()] }), {
      kind: "trace",
      tenantId: day.tenantId,
      taskId,
      attempt: 1,
      generation: 1,
    });
  return { taskId, room, accept, carryOut };
}
