/**
 * A receipt: everything that an auction's clearing was computed from, so that anybody can compute it again.
 *
 * Made from the task room's record alone. It leaves out what clearing does not depend on and a tenant may not see:
 * names of secrets, addresses of endpoints.
 */
import type { Agent } from "./agent.ts";
import type { SaleRecord, Unsold } from "./award.ts";
import type { AuctionAnswers, BidRecord, Opening, RefinementRecord } from "./auction-record.ts";
import type { Clearing } from "./clear.ts";
import type { AgentId } from "./ids.ts";
import type { PassedOver } from "./sale/sale.ts";
import { changeOf } from "./receipt-change.ts";
import { RECEIPT_SCHEMA, type Receipt } from "./receipt-schema.ts";

/** What the task room has of an auction. */
export interface ReceiptParts extends AuctionAnswers {
  readonly opening: Opening;
  readonly refinements: readonly RefinementRecord[] | null;
  readonly decided: Decided;
}

/** What became of the auction, as the task room has it. */
export type Decided =
  | { readonly kind: "award"; readonly award: AwardedBid }
  | { readonly kind: "quote"; readonly clearing: Clearing; readonly clearedAtMs: number }
  | { readonly kind: "unsold"; readonly unsold: Omit<Unsold, "tail"> }
  /** Nobody made a valid bid, and the task failed for it. */
  | { readonly kind: "no-bids" };

export interface AwardedBid {
  readonly agentId: AgentId;
  readonly clearing: Clearing;
  readonly awardedAtMs: number;
  /** Null or absent: the clearing's winner was sold. */
  readonly sale?: SaleRecord | null;
  /** Later attempts, in their order; absent: there were none. */
  readonly escalations?: readonly EscalatedBid[];
}

interface EscalatedBid {
  readonly attempt: number;
  readonly agentId: AgentId;
  readonly round: 1 | 2;
  readonly passedOver: readonly PassedOver[];
  readonly takesOver?: true;
}

type ReceiptBid = Receipt["bids"][number];
type Entropy = Extract<ReceiptBid, { readonly status: "valid" }>["entropy"];

/** The receipt of a cleared auction, or of one without bids. */
export function makeReceipt({ opening, bids, verdicts, refinements, decided }: ReceiptParts): Receipt {
  const { taskId, tenantId, auctionId, sequence, admittedAtMs, spec, policy, seed, pool } = opening;
  const clearing = clearingOf(decided);
  const shownBids = bids.map((bid) => receiptBid(bid, pool));
  return {
    schema: RECEIPT_SCHEMA,
    task: { taskId, tenantId, auctionId, sequence, admittedAtMs, prompt: spec.prompt },
    policy,
    seed,
    pool: pool.map(poolAgent),
    bids: shownBids,
    verdicts,
    refinements:
      refinements?.map((asked) => ({
        ...asked,
        ...changeOf(asked.agentId, shownBids, clearing),
      })) ?? null,
    decision: decisionOf(decided),
  };
}

function clearingOf(decided: Decided): Clearing | null {
  switch (decided.kind) {
    case "award":
      return decided.award.clearing;
    case "quote":
      return decided.clearing;
    case "unsold":
      return decided.unsold.clearing;
    case "no-bids":
      return null;
  }
}

function decisionOf(decided: Decided): Receipt["decision"] {
  switch (decided.kind) {
    case "award": {
      const { agentId, clearing, awardedAtMs, sale = null, escalations = [] } = decided.award;
      return {
        status: "cleared",
        clearing,
        awardedAtMs,
        ...(sale !== null && { sale: { agentId, ...sale } }),
        ...(escalations.length > 0 && { escalations }),
      };
    }
    case "quote":
      return { status: "quoted", clearing: decided.clearing, clearedAtMs: decided.clearedAtMs };
    case "unsold": {
      const { clearing, passedOver, end, decidedAtMs } = decided.unsold;
      const { reason, relaxation } = end;
      return { status: "no-sale", clearing, passedOver, reason, relaxation, decidedAtMs };
    }
    case "no-bids":
      return { status: "no-bids" };
  }
}

function poolAgent(agent: Agent): Receipt["pool"][number] {
  const { id, name, model, provider, emulated, prices, priceSource } = agent;
  return { id, name, model, provider, emulated, prices, priceSource };
}

function receiptBid(bid: BidRecord, pool: readonly Agent[]): ReceiptBid {
  if (bid.status === "abstained") return bid;
  const { entropy, entropyTopK, ...rest } = bid;
  const asked = (pool.find((agent) => agent.id === bid.agentId)?.topLogprobs ?? 0) > 0;
  return { ...rest, entropy: entropySource({ entropy, entropyTopK, asked }) };
}

function entropySource(of: {
  readonly entropy: number | null;
  readonly entropyTopK: number | null;
  readonly asked: boolean;
}): Entropy {
  if (of.entropy !== null) return { source: "top-k", nats: of.entropy, topK: of.entropyTopK };
  return { source: "none", nats: null, reason: of.asked ? "not-returned" : "not-asked" };
}
