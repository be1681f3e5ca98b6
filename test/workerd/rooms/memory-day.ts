/** A market day with a memory: agents that refine, an embedding and an index that tests steer. */
import { createAuctionMemory } from "../../../src/auction/auction-memory.ts";
import type { AuctionMemory } from "../../../src/auction/auction-run.ts";
import { runAuction } from "../../../src/auction/run-auction.ts";
import { asMicros, NO_USAGE } from "../../../src/market/money.ts";
import type { EmbeddingAnswer, VectorIndex } from "../../../src/memory/memory-port.ts";
import { createVectorIndex } from "../../../src/memory/vector-index.ts";
import { ok } from "../../../src/market/result.ts";
import type { TaskInput } from "../../../src/market/task.ts";
import { runSlice } from "../../../src/trace/run-slice.ts";
import { MemoryVectorize } from "../../support/memory-vectorize.ts";
import { ScriptedModels } from "../../support/scripted-models.ts";
import { auctionDeps, CHEAP, DEAR, eventsOf, MIDDLE, traceDeps, type MarketDay } from "./market-day.ts";

export const BIDS = { [CHEAP]: "guess", [MIDDLE]: "multiply", [DEAR]: "multiply and check" };
const byLength = (strategy: string) => Math.min(5, Math.floor(strategy.length / 4));
export const VERDICTS = { [CHEAP]: byLength, [MIDDLE]: byLength, [DEAR]: byLength };
/** Longer than the dear agent's bid: every juror gives it the full score. */
export const REFINED = { [CHEAP]: "multiply, check, then check again", [MIDDLE]: "multiply, then look" };

/** An index that shows what it was given only when told to. */
export function anIndex(): { readonly vectorize: MemoryVectorize; readonly index: VectorIndex } {
  const vectorize = new MemoryVectorize();
  return { vectorize, index: createVectorIndex(vectorize) };
}

export function memoryOver(index: VectorIndex): AuctionMemory {
  const embed = async (text: string): Promise<EmbeddingAnswer> => ({
    vector: ok(Float32Array.from([text.length % 7 === 0 ? 0.6 : 1, 0.8])),
    bill: { status: "billed", usage: { ...NO_USAGE, inputTokens: 9 }, costMicros: asMicros(2) },
  });
  return createAuctionMemory({
    embedder: { dimension: 2, embed, bound: () => asMicros(3) },
    index,
    usable: async () => true,
  });
}

/** One task to its end; the winner's result decides its outcome. */
export async function runTask(
  day: MarketDay,
  options: { readonly memory: AuctionMemory; readonly result?: string; readonly input?: Partial<TaskInput> },
) {
  const { taskId, room, holder } = await day.admit(options.input);
  const { tenantId } = day;
  const models = new ScriptedModels({
    bids: BIDS,
    refinedBids: REFINED,
    verdicts: VERDICTS,
    steps: [{ text: options.result ?? "42" }],
  });
  await runAuction(auctionDeps(models, options.memory), holder);
  await runSlice(traceDeps(models), { kind: "trace", tenantId, taskId, attempt: 1, generation: 1 });
  return { taskId, room, models, events: await eventsOf(room), view: await room.view() };
}
