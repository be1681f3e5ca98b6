/**
 * What the fit needs of one past auction: first bids, the jury's scores, and what traces are known to have done.
 *
 * Also the form in which the operator's API gives it away (`GET /admin/tenants/:id/training`), hence the schema.
 */
import { z } from "zod";
import { AGENT_ID_PATTERN, type AgentId, type AuctionId } from "../ids.ts";
import { asMicros } from "../money.ts";

const agentId = z.custom<AgentId>((value) => typeof value === "string" && AGENT_ID_PATTERN.test(value), {
  error: "an agent id is agt_ and a slug of a-z, 0-9 and -",
});

const trainingBidSchema = z.object({
  agentId,
  /** π(a), USD per million output tokens, as it was frozen when the auction opened. */
  price: z.number().min(0),
  /** |s|, visible tokens of the first bid. */
  tokens: z.int().min(0),
  /** H(s), nats per token; null where the provider gave none. */
  entropy: z.number().min(0).nullable(),
  /** γ_j(s), 0 to 5, by juror; a juror that left or was not drawn has none. */
  scores: z.record(agentId, z.number().min(0).max(5)),
});

export const trainingAuctionSchema = z.object({
  auctionId: z.string().transform((text) => text as AuctionId),
  /** Valid bids only, at most one of an agent. */
  bids: z
    .array(trainingBidSchema)
    .refine((bids) => new Set(bids.map((bid) => bid.agentId)).size === bids.length, {
      error: "two bids of one agent",
    }),
  /** What agents' traces did on the task, where a verifier could tell; an agent that is not listed is unknown. */
  outcomes: z.record(agentId, z.enum(["pass", "fail"])),
  /** What the trace behind the outcome cost, micro-USD. */
  traceCostMicros: z.record(agentId, z.int().min(0).transform(asMicros)),
  /** The jury as it should have been: every juror of the pool, whether it answered or not. */
  jurors: z.array(agentId),
});

export type TrainingAuction = z.output<typeof trainingAuctionSchema>;
export type TrainingBid = TrainingAuction["bids"][number];
