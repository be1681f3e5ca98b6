/**
 * The tenant's memory as an auction of the study sees it: every auction that cleared before it, with its outcome.
 *
 * Nearest by cosine similarity of the emulated embeddings. Production's index and recent window give the same entries,
 * once merged; here they are one list.
 */
import { embed } from "../../emulators/ai/embedding.ts";
import type { AuctionId, TaskId } from "../../src/market/ids.ts";
import type { MemoryEntry, RecalledEntry } from "../../src/market/memory.ts";
import { TOP_K } from "./constants.ts";
import type { AuctionTask } from "./run-auction.ts";

/** Cosine similarities between the tasks of one order, by position: vectors have unit length. */
export function similarities(tasks: readonly AuctionTask[]): readonly (readonly number[])[] {
  const vectors = embed(tasks.map((task) => task.prompt)).vectors.map((vector) => Float64Array.from(vector));
  return vectors.map((a, i) => vectors.slice(0, i).map((b) => dot(a, b)));
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

export interface StudyMemory {
  recall(task: AuctionTask): readonly RecalledEntry[];
  remember(
    task: AuctionTask,
    what: Pick<MemoryEntry, "strategies" | "winner" | "winnerRound" | "outcome">,
  ): void;
}

/** @param similar of the tasks that come in turn, from the first one */
export function createStudyMemory(similar: readonly (readonly number[])[]): StudyMemory {
  const entries: MemoryEntry[] = [];
  return {
    recall: (task) =>
      entries
        .map((entry, index) => ({ entry, similarity: similar[task.index]?.[index] ?? 0 }))
        .toSorted((a, b) => b.similarity - a.similarity)
        .slice(0, TOP_K),
    remember: (task, what) => {
      if (task.index !== entries.length) throw new Error("tasks are remembered in their order");
      const number = String(task.index).padStart(6, "0");
      entries.push({
        ...what,
        auctionId: `auc_${number}` as AuctionId,
        taskId: `tsk_${number}` as TaskId,
        version: 1,
        task: task.prompt,
        verdicts: null,
        verifier: null,
        traceCostMicros: null,
      });
    },
  };
}
