/** Where training auctions come from, a file or the operator's API, and where fitted weights go. */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { trainingAuctionSchema, type TrainingAuction } from "../../src/market/fit/training-auction.ts";
import { AGENT_ID_PATTERN, type AgentId } from "../../src/market/ids.ts";
import type { Weights } from "../../src/market/policy.ts";
import { callOperator, FitError, type OperatorAccess } from "./operator-access.ts";

/** Weights as the API has them. */
const weightsSchema = z.object({
  cost: z.number().min(0),
  entropy: z.number().min(0),
  jurors: z.record(
    z.custom<AgentId>((value) => typeof value === "string" && AGENT_ID_PATTERN.test(value)),
    z.number().min(0),
  ),
});

/** A file is one page. */
const pageSchema = z.object({
  auctions: z.array(trainingAuctionSchema),
  /** Pass as `cursor` for the next page; null at the end. */
  nextCursor: z.string().nullable().default(null),
  /** The weights in force; null: not told. */
  weights: weightsSchema.nullable().default(null),
});

export interface Training {
  readonly auctions: readonly TrainingAuction[];
  readonly weights: Weights | null;
}

/** @throws FitError */
export async function readTrainingFile(path: string): Promise<Training> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new FitError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return readPage(content, path);
}

/** All pages of the tenant's history. @throws FitError */
export async function fetchTraining(access: OperatorAccess): Promise<Training> {
  const auctions: TrainingAuction[] = [];
  let weights: Weights | null = null;
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? "" : `?${new URLSearchParams({ cursor }).toString()}`;
    const response = await callOperator(access, { method: "GET", path: `training${query}` });
    const page = readPage(await response.json(), "the history");
    auctions.push(...page.auctions);
    weights ??= page.weights;
    if (page.nextCursor !== null && page.nextCursor === cursor)
      throw new FitError("the history's pages repeat");
    cursor = page.nextCursor;
  } while (cursor !== null);
  return { auctions, weights };
}

/** Stores the weights, beside those of the other aggregation, as a new policy version of the tenant. @throws FitError */
export async function storeWeights(
  access: OperatorAccess,
  fitted: { readonly weights: Weights; readonly fit: object; readonly aggregation: "max" | "mean" },
): Promise<void> {
  const { weights, fit, aggregation } = fitted;
  const body = aggregation === "mean" ? { meanWeights: weights, meanFit: fit } : { weights, fit };
  await callOperator(access, { method: "PUT", path: "policy", body });
}

function readPage(content: unknown, from: string): z.output<typeof pageSchema> {
  const page = pageSchema.safeParse(content);
  if (!page.success) throw new FitError(`${from} holds no training auctions: ${z.prettifyError(page.error)}`);
  return page.data;
}
