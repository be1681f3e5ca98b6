/**
 * Builders of market data for tests: every field has a sensible value, a test names only those that it is about.
 *
 * No platform types, so that tests in Node and in workerd share them.
 */
import type { AuctionCommit } from "../../src/market/auction-commit.ts";
import { agentSchema, type Agent, type AgentInput } from "../../src/market/agent.ts";
import type { BidRecord, Opening, VerdictRecord } from "../../src/market/auction-record.ts";
import { newId, type AgentId, type Source } from "../../src/market/ids.ts";
import { asMicros, callCost, type TokenUsage } from "../../src/market/money.ts";
import { makePolicy, type Policy } from "../../src/market/policy.ts";
import { parsePolicyName, printPolicyName } from "../../src/market/policy-name.ts";
import { taskSpecSchema, type TaskInput, type TaskSpec } from "../../src/market/task.ts";

/** 2026-11-01T00:00:00Z, before any test's clock is advanced. */
export const START_MS = Date.UTC(2026, 10, 1);

export interface FixedSource extends Source {
  /** Moves the clock; time passes in no other way. */
  advance(ms: number): void;
}

/** A clock that stands still and a repeatable sequence of random numbers (mulberry32). */
export function fixedSource(options: { readonly nowMs?: number; readonly seed?: number } = {}): FixedSource {
  let nowMs = options.nowMs ?? START_MS;
  let state = options.seed ?? 1;
  return {
    now: () => nowMs,
    random: () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    },
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

// One sequence of ids for all builders of a test file: two built things never share an id by accident.
const ids = fixedSource();

/** The id of an agent by its slug: `agentId("small")` is `agt_small`. */
export function agentId(slug: string): AgentId {
  return anAgent({ id: `agt_${slug}` }).id;
}

type AgentFields = Partial<Extract<AgentInput, { provider: "workers-ai" }>> & {
  /** Price of output in USD per million tokens; input costs half of it. Shorthand for `usdPerMtok`. */
  readonly price?: number;
};

/** An agent at the Workers AI binding, as the pool's schema makes it. */
export function anAgent({ price = 0.36, ...fields }: AgentFields = {}): Agent {
  return agentSchema.parse({
    id: "agt_large",
    name: "Large",
    model: "@cf/test/large",
    provider: "workers-ai",
    usdPerMtok: { input: price / 2, output: price },
    priceSource: "made up for tests",
    contextTokens: 131_072,
    maxOutputTokens: 16_384,
    topLogprobs: 5,
    ...fields,
  });
}

/** The four sizes of the paper: agt_tiny 0.05, agt_small 0.09, agt_medium 0.16, agt_large 0.36 USD per Mtok of output. */
export function aPool(): Agent[] {
  return [
    anAgent({ id: "agt_tiny", name: "Tiny", model: "@cf/test/tiny", price: 0.05 }),
    anAgent({ id: "agt_small", name: "Small", model: "@cf/test/small", price: 0.09 }),
    anAgent({ id: "agt_medium", name: "Medium", model: "@cf/test/medium", price: 0.16 }),
    anAgent({ id: "agt_large", name: "Large", model: "@cf/test/large", price: 0.36 }),
  ];
}

/** A task with its defaults filled in. */
export function aTaskSpec(fields: Partial<TaskInput> = {}): TaskSpec {
  return taskSpecSchema.parse({ prompt: "Write a function that adds two numbers.", ...fields });
}

/** The first version of a policy by its name, with the default weights of its pool. */
export function aPolicy(
  name = "sale",
  { pool = aPool() }: { readonly pool?: readonly Pick<Agent, "id" | "prices">[] } = {},
): Policy {
  const choice = parsePolicyName(name, pool);
  if (!choice.ok) throw new Error(choice.failure);
  return makePolicy({ name: printPolicyName(choice.value), rules: choice.value.rules, pool, version: 1 });
}

/** An admitted task whose policy has the default weights of its pool. */
export function anOpening(fields: Partial<Opening> = {}): Opening {
  const pool = fields.pool ?? aPool();
  const admittedAtMs = fields.admittedAtMs ?? START_MS;
  const spec = fields.spec ?? aTaskSpec();
  return {
    taskId: newId("tsk", ids),
    tenantId: newId("ten", ids),
    auctionId: newId("auc", ids),
    sequence: 1,
    spec,
    pool,
    policy: aPolicy("sale", { pool }),
    seed: 7,
    firstCalls: [],
    allowanceMicros: null,
    admittedAtMs,
    deadlineAtMs: admittedAtMs + spec.limits.deadlineS * 1_000,
    ...fields,
  };
}

export function aUsage(fields: Partial<TokenUsage> = {}): TokenUsage {
  return {
    inputTokens: 900,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 240,
    reasoningTokens: 0,
    ...fields,
  };
}

type ValidBid = Extract<BidRecord, { status: "valid" }>;

/** A valid first bid of agt_large, billed at that agent's price. */
export function aBid(fields: Partial<ValidBid> = {}): ValidBid {
  const usage = aUsage();
  return {
    bidId: newId("bid", ids),
    round: 1,
    agentId: agentId("large"),
    ms: 1_200,
    usage,
    costMicros: callCost(usage, anAgent().prices),
    status: "valid",
    strategy: "Read the task, write the function, run it on two examples, submit it.",
    visibleTokens: 240,
    entropy: 0.5,
    entropyTopK: 5,
    ...fields,
  };
}

type Abstention = Extract<BidRecord, { status: "abstained" }>;

/** An agent that did not bid, and that nobody billed. */
export function anAbstention(fields: Partial<Abstention> = {}): Abstention {
  return {
    bidId: newId("bid", ids),
    round: 1,
    agentId: agentId("large"),
    ms: 20_000,
    usage: null,
    costMicros: asMicros(0),
    status: "abstained",
    reason: "timeout",
    message: "no answer within 20 s",
    ...fields,
  };
}

type ScoredVerdict = Extract<VerdictRecord, { status: "scored" }>;

/** A verdict of agt_large that gives every agent of `aPool` 3 points. */
export function aVerdict(fields: Partial<ScoredVerdict> = {}): ScoredVerdict {
  const usage = aUsage({ inputTokens: 1_600, outputTokens: 60 });
  return {
    jurorId: agentId("large"),
    round: 1,
    ms: 900,
    usage,
    costMicros: callCost(usage, anAgent().prices),
    status: "scored",
    scores: Object.fromEntries(aPool().map((agent) => [agent.id, 3])),
    failedOn: {},
    ...fields,
  };
}

type LostJuror = Extract<VerdictRecord, { status: "left" }>;

/** A juror that left the jury, and that nobody billed. */
export function aLostJuror(fields: Partial<LostJuror> = {}): LostJuror {
  return {
    jurorId: agentId("large"),
    round: 1,
    ms: 20_000,
    usage: null,
    costMicros: asMicros(0),
    status: "left",
    reason: "timeout",
    message: "no answer within 20 s",
    ...fields,
  };
}

/** A commit of the task's room; nothing in it unless said. */
export function aCommit(fields: Partial<AuctionCommit> = {}): AuctionCommit {
  return { ended: [], bids: [], verdicts: [], refinement: null, embedding: null, started: [], ...fields };
}
