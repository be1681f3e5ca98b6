/**
 * The form of a receipt, `saleroom.receipt.v1`: all that clearing an auction depends on, and what came of it.
 *
 * Strict throughout: a field that the recomputation does not know could tell a reader something that nobody checks.
 * Money is in micro-USD, times in milliseconds since 1970, scores of jurors are 0 to 5, entropy is in nats per token.
 * Names of secrets and addresses of endpoints are not part of it.
 */
import { z } from "zod";
import { verifiedEscalationSchema } from "./escalation.ts";
import {
  AGENT_ID_PATTERN,
  type AgentId,
  type AuctionId,
  type BidId,
  type TaskId,
  type TenantId,
} from "./ids.ts";
import { asMicros } from "./money.ts";
import { OBSTACLES } from "./sale/sale.ts";
import { noSaleReasonSchema, relaxationSchema } from "./task.ts";

export const RECEIPT_SCHEMA = "saleroom.receipt.v1";

const branded = <Id extends string>(prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[0-7][0-9a-hjkmnp-tv-z]{25}$`))
    .transform((id) => id as Id);

const agentId = z
  .string()
  .regex(AGENT_ID_PATTERN)
  .transform((id) => id as AgentId);
const count = z.int().min(0);
const micros = count.transform(asMicros);
const weight = z.number().min(0);
const finite = z.number();

const poolAgent = z.strictObject({
  id: agentId,
  name: z.string(),
  model: z.string(),
  provider: z.string(),
  emulated: z.boolean(),
  /** Micro-USD per million tokens, frozen when the auction opened. */
  prices: z.strictObject({
    inputMicrosPerMtok: count,
    cachedInputMicrosPerMtok: count,
    cacheWriteMicrosPerMtok: count,
    outputMicrosPerMtok: count,
  }),
  priceSource: z.string(),
});

const jury = z.strictObject({
  form: z.enum(["batched", "pointwise"]),
  size: count.nullable(),
  self: z.boolean(),
});

const rules = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("auction"),
    entropy: z.boolean(),
    jury: jury.nullable(),
    memory: z.boolean(),
  }),
  z.strictObject({ kind: z.literal("always"), agentId }),
  z.strictObject({ kind: z.literal("cheapest") }),
  z.strictObject({ kind: z.literal("random") }),
  z.strictObject({ kind: z.literal("static-mix"), shares: z.record(agentId, weight) }),
  /** A calibration run: no auction was held; the agent's plan is what it bid first in the auction that is named. */
  z.strictObject({
    kind: z.literal("calibration"),
    agentId,
    calibrates: z.strictObject({
      taskId: branded<TaskId>("tsk"),
      auctionId: branded<AuctionId>("auc"),
    }),
    strategy: z.string(),
  }),
]);

const policy = z.strictObject({
  name: z.string(),
  version: count,
  rules,
  weights: z.strictObject({ cost: weight, entropy: weight, jurors: z.record(agentId, weight) }),
  maxStrategyTokens: count,
  /** Caps on agents' shares of the tenant's latest awards; absent: there are none. */
  maxShares: z.record(agentId, z.number().gt(0).max(1)).exactOptional(),
  /** Absent: there is one attempt. */
  escalation: verifiedEscalationSchema.exactOptional(),
});

const usage = z.strictObject({
  inputTokens: count,
  cachedInputTokens: count,
  cacheWriteTokens: count,
  outputTokens: count,
  reasoningTokens: count,
});

const round = z.union([z.literal(1), z.literal(2)]);

/** Where a strategy's entropy comes from, or why it has none. */
const entropy = z.discriminatedUnion("source", [
  /** Mean over tokens, from the `topK` likeliest tokens that the provider returned, the rest as one more outcome. */
  z.strictObject({ source: z.literal("top-k"), nats: z.number().min(0), topK: count.nullable() }),
  /** `not-asked`: the agent is set up without log-probabilities. `not-returned`: its provider gave none this time. */
  z.strictObject({
    source: z.literal("none"),
    nats: z.null(),
    reason: z.enum(["not-asked", "not-returned"]),
  }),
]);

/** What a call took. Usage is null where its provider never reported any; the cost is what was confirmed. */
const call = { ms: z.number().min(0), usage: usage.nullable(), costMicros: micros };

const bid = z.discriminatedUnion("status", [
  z.strictObject({
    ...call,
    bidId: branded<BidId>("bid"),
    round,
    agentId,
    status: z.literal("valid"),
    strategy: z.string(),
    visibleTokens: count,
    entropy,
  }),
  z.strictObject({
    ...call,
    bidId: branded<BidId>("bid"),
    round,
    agentId,
    status: z.literal("abstained"),
    reason: z.string(),
    message: z.string(),
  }),
]);

const verdict = z.discriminatedUnion("status", [
  z.strictObject({
    ...call,
    jurorId: agentId,
    round,
    status: z.literal("scored"),
    scores: z.record(agentId, z.number().min(0).max(5)),
    /** Bids that the juror failed on alone, and why: each has 0 from it. */
    failedOn: z.record(agentId, z.string()),
  }),
  z.strictObject({
    ...call,
    jurorId: agentId,
    round,
    status: z.literal("left"),
    reason: z.string(),
    message: z.string(),
  }),
]);

const half = z.strictObject({ agentId, strategy: z.string() });

/** The refined bid minus the first one. Terms and score are each in their own round's terms. */
const change = z.strictObject({
  visibleTokens: z.int(),
  /** Null where a bid of the two has none. */
  entropy: finite.nullable(),
  cost: finite,
  juryValue: finite,
  score: finite,
  /** Words that both strategies have, as a share of all words of the two (Jaccard). */
  wordsShared: z.number().min(0).max(1),
  /** Whether the refined bid won over the provisional winner. */
  tookOver: z.boolean(),
});

/** An agent that was asked to refine its bid, the past auctions that it was shown, and what came of it. */
const refinement = z.strictObject({
  agentId,
  change: change.nullable(),
  /**
   * Why there is no change to show, else null. `abstained`: there is no refined bid. `no-entropy`: it has none, in an
   * auction that uses it, and was not admitted. `not-admitted`: for any other reason.
   */
  unchangedBecause: z.enum(["abstained", "no-entropy", "not-admitted"]).nullable(),
  pairs: z.array(
    z.strictObject({
      auctionId: branded<AuctionId>("auc"),
      task: z.string(),
      similarity: z.number().min(-1).max(1),
      losing: half,
      winning: half,
      outcome: z.enum(["pass", "unknown"]).nullable(),
    }),
  ),
});

const ranking = z.strictObject({
  ranking: z.array(
    z.strictObject({
      agentId,
      /** USD per million output tokens. */
      price: z.number().min(0),
      tokens: count,
      entropy: z.number().min(0).nullable(),
      cost: finite,
      entropyValue: finite,
      juryValue: finite,
      score: finite,
    }),
  ),
  terms: z.strictObject({ entropyUsed: z.boolean(), jurors: z.array(agentId) }),
});

const clearing = z.strictObject({
  winner: agentId,
  round: z.union([z.literal(0), round]),
  provisionalWinner: agentId,
  first: ranking.nullable(),
  refined: ranking.nullable(),
  margin: finite.nullable(),
});

/** A bid that was not sold, and the limits that stood against it, in USD, seconds, steps and share of awards. */
const passedOver = z.strictObject({
  agentId,
  obstacles: z.array(z.strictObject({ limit: z.enum(OBSTACLES), is: finite, needs: finite })).min(1),
});

/** A later attempt, and the better bids of agents that were not tried before it. */
const escalated = z.strictObject({
  attempt: z.int().min(2),
  agentId,
  round,
  passedOver: z.array(passedOver),
  /** It went on with the steps of the attempt before, whose agent could not; absent: a verifier failed that one. */
  takesOver: z.literal(true).exactOptional(),
});

/** What the market decided. Forecasts that obstacles rest on come from the tenant's history: only a signature vouches for them. */
const decision = z.discriminatedUnion("status", [
  z.strictObject({
    status: z.literal("cleared"),
    awardedAtMs: count,
    clearing,
    /** Absent: the clearing's winner was sold, and nothing stood against it. */
    sale: z
      .strictObject({
        agentId,
        round: z.union([z.literal(0), round]),
        chosenBy: z.enum(["market", "tenant"]),
        passedOver: z.array(passedOver),
      })
      .exactOptional(),
    /** To whom the task was sold after each attempt that a verifier failed or its agent left; absent: to nobody. */
    escalations: z.array(escalated).min(1).exactOptional(),
  }),
  /** Of a quote that nobody has accepted yet. */
  z.strictObject({ status: z.literal("quoted"), clearedAtMs: count, clearing }),
  /** Nothing stood without an obstacle, or nobody accepted a bid of the quote. */
  z.strictObject({
    status: z.literal("no-sale"),
    decidedAtMs: count,
    clearing,
    passedOver: z.array(passedOver),
    reason: noSaleReasonSchema,
    relaxation: relaxationSchema.nullable(),
  }),
  z.strictObject({ status: z.literal("no-bids") }),
]);

export const receiptSchema = z.strictObject({
  schema: z.literal(RECEIPT_SCHEMA),
  task: z.strictObject({
    taskId: branded<TaskId>("tsk"),
    tenantId: branded<TenantId>("ten"),
    auctionId: branded<AuctionId>("auc"),
    /** Position in the tenant's history. */
    sequence: count,
    admittedAtMs: count,
    prompt: z.string(),
  }),
  policy,
  seed: count,
  /** In the order of the pool's file, which decides between equal score and equal price. */
  pool: z.array(poolAgent).min(1),
  bids: z.array(bid),
  verdicts: z.array(verdict),
  /** Null: the auction did not come to that. */
  refinements: z.array(refinement).nullable(),
  decision,
});

export type Receipt = Frozen<z.output<typeof receiptSchema>>;

/** Read-only all the way down. */
type Frozen<T> = T extends string | number | boolean | null
  ? T
  : { readonly [Name in keyof T]: Frozen<T[Name]> };

/** What `GET /v1/tasks/:id/receipt` answers. */
export const signedReceiptSchema = z.strictObject({
  object: z.literal("receipt"),
  receipt: receiptSchema,
  /** Over the canonical JSON of `receipt`, in UTF-8; null where the market has no key to sign with. */
  signature: z
    .strictObject({
      algorithm: z.literal("Ed25519"),
      /** Thumbprint of the public key (RFC 7638). */
      keyId: z.string(),
      /** Base64url without padding. */
      value: z.string(),
    })
    .nullable(),
  /** Says so where there is no signature. */
  unsignedBecause: z.literal("no_signing_key").nullable(),
});

export type SignedReceipt = Frozen<z.output<typeof signedReceiptSchema>>;
