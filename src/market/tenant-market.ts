/**
 * What a tenant's market differs in from its environment's: agents of its own, prices, who may take part and how often,
 * and how long answers and tasks may take.
 *
 * Rules are read against the pool as it is when an auction opens. The environment's pool changes with a deployment: an id
 * that names nobody any more is ignored and shown as such, and a pool that is left empty is the caller's to refuse.
 */
import type { Agent, Pool, ProviderKind } from "./agent.ts";
import { NO_ESCALATION, type Escalation } from "./escalation.ts";
import type { AgentId } from "./ids.ts";
import type { Prices } from "./money.ts";

/** Instead of what the pool says; frozen into each auction, as those are. */
export interface OwnPrice {
  readonly prices: Prices;
  readonly priceSource: string;
}

export interface Deadlines {
  /** For each bid, and for each verdict, in milliseconds; null: the environment's, which neither may exceed. */
  readonly bidMs: number | null;
  readonly juryMs: number | null;
  /** Of tasks that name no deadline, in seconds; null: the house's default. */
  readonly taskDefaultS: number | null;
  /** The longest that a task may ask for, in seconds; null: the house's. */
  readonly taskMaxS: number | null;
}

export interface TenantMarket {
  /** Beside the environment's. */
  readonly agents: readonly Agent[];
  readonly prices: Readonly<Record<AgentId, OwnPrice>>;
  readonly disabled: readonly AgentId[];
  /** Largest share of the tenant's latest awards that an agent may have and still be awarded, in (0, 1]. */
  readonly maxShares: Readonly<Record<AgentId, number>>;
  /** Null: everyone who is not denied. */
  readonly allow: readonly AgentId[] | null;
  readonly deny: readonly AgentId[];
  readonly providers: {
    readonly allow: readonly ProviderKind[] | null;
    readonly deny: readonly ProviderKind[];
  };
  /** Residency: an agent takes part only where it states its regions and all are among these; null: wherever. */
  readonly regions: readonly string[] | null;
  readonly deadlines: Deadlines;
  /** Of tasks that say nothing of it. */
  readonly escalation: Escalation;
}

/** As the environment has it. */
export const OPEN_MARKET: TenantMarket = {
  agents: [],
  prices: {},
  disabled: [],
  maxShares: {},
  allow: null,
  deny: [],
  providers: { allow: null, deny: [] },
  regions: null,
  deadlines: { bidMs: null, juryMs: null, taskDefaultS: null, taskMaxS: null },
  escalation: NO_ESCALATION,
};

export type LeftOutReason =
  | "disabled"
  | "not_allowed"
  | "denied"
  | "provider_not_allowed"
  | "provider_denied"
  | "region_unknown"
  | "region_not_allowed";

/** An agent that takes no part, and every reason for it. */
export interface LeftOut {
  readonly agentId: AgentId;
  readonly reasons: readonly LeftOutReason[];
}

export interface EffectivePool {
  /** Whom the tenant's auctions ask, at the tenant's prices, in the order of the pool's file; may be empty. */
  readonly pool: Pool;
  readonly leftOut: readonly LeftOut[];
  /** Ids in the rules that name no agent. */
  readonly ignored: readonly AgentId[];
}

/** Everyone whom the rules are about: the environment's agents, then the tenant's own, which go before one of the same id. */
export function wholePool(base: Pool, market: Pick<TenantMarket, "agents">): Pool {
  const own = new Map(market.agents.map((agent) => [agent.id, agent]));
  const known = new Set(base.map(({ id }) => id));
  return [
    ...base.map((agent) => own.get(agent.id) ?? agent),
    ...market.agents.filter(({ id }) => !known.has(id)),
  ];
}

export function effectivePool(base: Pool, market: TenantMarket): EffectivePool {
  const whole = wholePool(base, market);
  const judged = whole.map((agent) => ({ agent, reasons: reasonsAgainst(agent, market) }));
  const pool = judged.flatMap(({ agent, reasons }) => (reasons.length === 0 ? [priced(agent, market)] : []));
  const known = new Set(whole.map(({ id }) => id));
  return {
    // The same object where nothing differs: tenants without rules share what is made of it.
    pool: pool.length === base.length && pool.every((agent, at) => agent === base[at]) ? base : pool,
    leftOut: judged.flatMap(({ agent, reasons }) =>
      reasons.length === 0 ? [] : [{ agentId: agent.id, reasons }],
    ),
    ignored: namedAgents(market).filter((id) => !known.has(id)),
  };
}

function priced(agent: Agent, { prices }: TenantMarket): Agent {
  const own = prices[agent.id];
  return own === undefined ? agent : { ...agent, ...own };
}

function reasonsAgainst(agent: Agent, market: TenantMarket): LeftOutReason[] {
  const { disabled, allow, deny, providers, regions } = market;
  const against: readonly (readonly [LeftOutReason, boolean])[] = [
    ["disabled", disabled.includes(agent.id)],
    ["not_allowed", allow?.includes(agent.id) === false],
    ["denied", deny.includes(agent.id)],
    ["provider_not_allowed", providers.allow?.includes(agent.provider) === false],
    ["provider_denied", providers.deny.includes(agent.provider)],
    ["region_unknown", regions !== null && agent.regions === undefined],
    [
      "region_not_allowed",
      regions !== null && agent.regions?.every((one) => regions.includes(one)) === false,
    ],
  ];
  return against.flatMap(([reason, holds]) => (holds ? [reason] : []));
}

/** Rules that name agents, and whom each names. */
export function agentsNamedBy(market: TenantMarket): Readonly<Record<NamingRule, readonly AgentId[]>> {
  return {
    prices: idsOf(market.prices),
    disabled: market.disabled,
    maxShares: idsOf(market.maxShares),
    allow: market.allow ?? [],
    deny: market.deny,
  };
}

export type NamingRule = "prices" | "disabled" | "maxShares" | "allow" | "deny";

function namedAgents(market: TenantMarket): AgentId[] {
  return [...new Set(Object.values(agentsNamedBy(market)).flat())].toSorted();
}

function idsOf(of: Readonly<Record<AgentId, unknown>>): AgentId[] {
  // SAFETY: the record's keys are ids, which its type says and Object.keys does not.
  return Object.keys(of) as AgentId[];
}

/** Of the agents that take part; absent where none has one. */
export function shareCaps(
  pool: Pool,
  { maxShares }: TenantMarket,
): { readonly maxShares?: Readonly<Record<AgentId, number>> } {
  const caps = pool.flatMap(({ id }) => (maxShares[id] === undefined ? [] : [[id, maxShares[id]] as const]));
  return caps.length === 0 ? {} : { maxShares: Object.fromEntries(caps) };
}
