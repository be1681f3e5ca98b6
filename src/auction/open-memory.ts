/** The memory of a deployment, put together from its configuration. */
import type { Config } from "../config.ts";
import { createEmbedder } from "../memory/embedder.ts";
import { embeddingConfigSchema } from "../memory/embedding-config.ts";
import type { VectorIndex } from "../memory/memory-port.ts";
import { checkDimension, createVectorIndex } from "../memory/vector-index.ts";
import { createAuctionMemory } from "./auction-memory.ts";
import type { AuctionMemory } from "./auction-run.ts";
import { createMemoryFit } from "./memory-fit.ts";

export interface OpenMemory {
  readonly index: VectorIndex;
  readonly memory: AuctionMemory;
  /** Whether the index takes the embedding model's vectors; found out and logged once per isolate. */
  readonly fits: () => Promise<boolean>;
}

/** @throws ZodError where the variable EMBEDDING is not of its form: a Worker does not start half configured */
export function openMemory({ ai, variable, vectorize, embedding }: Config): OpenMemory {
  const index = createVectorIndex(vectorize);
  const embedder = createEmbedder(
    { ai, variable, fetch: (input, init) => fetch(input, init) },
    embeddingConfigSchema.parse(embedding),
  );
  const fits = createMemoryFit(async () => checkDimension(vectorize, embedder));
  return { index, memory: createAuctionMemory({ embedder, index, usable: fits }), fits };
}
