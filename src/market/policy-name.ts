/**
 * The names of policies: a small grammar, read and written here alone.
 *
 *   sale[:option=value,…]                     the paper's auction; each option switches off, or changes, one part of it
 *   static-mix:<agent>=<share>,…              no auction: dealt at random in these relative shares
 *   always:<agent>  cheapest  random          no auction
 *
 * Short names stand for the paper's ablations. A policy has one canonical name, the one that is recorded: no short name,
 * no option at its default, options and agents in a fixed order, no share of 0.
 */
import type { Agent } from "./agent.ts";
import { AGENT_ID_PATTERN, type AgentId } from "./ids.ts";
import type { JuryRules, PolicyRules } from "./policy.ts";
import { fail, ok, type Result } from "./result.ts";

/**
 * Which weights an auction scores with. `fitted`: the tenant's fitted ones, where it has none the pool's default ones;
 * `default`: those in any case; `mean`: those fitted to the mean over tasks instead of the worst task.
 */
export type WeightSource = "fitted" | "default" | "mean";

/** What a name stands for. */
export interface PolicyChoice {
  readonly rules: PolicyRules;
  /** `fitted` where no auction is held: nothing is scored. */
  readonly weights: WeightSource;
}

type AuctionRules = Extract<PolicyRules, { readonly kind: "auction" }>;
type Pool = readonly Pick<Agent, "id">[];

/** Room for a mix of a few dozen agents. */
export const MAX_POLICY_NAME_CHARS = 2_000;

const WHOLE_JURY: JuryRules = { form: "batched", size: null, self: true };
/** The paper's auction. */
export const SALE: AuctionRules = { kind: "auction", entropy: true, jury: WHOLE_JURY, memory: true };

/** Names for the paper's ablations, and what each leaves out. */
export const SHORT_NAMES: Readonly<Record<string, string>> = {
  "sale-no-memory": "sale:memory=off",
  "sale-no-entropy": "sale:entropy=off",
  "sale-no-self": "sale:self=off",
  "sale-single-juror": "sale:size=1",
  "sale-no-jury": "sale:jury=none",
  "sale-pointwise": "sale:jury=pointwise",
  "sale-mean": "sale:weights=mean",
};

const ACCEPTED = `accepted are sale[:option=value,…], static-mix:<agent>=<share>,…, always:<agent>, cheapest, random, ${Object.keys(SHORT_NAMES).join(", ")}`;

/** What a name stands for in a pool; a failure is one sentence that says what is wrong and what is accepted. */
export function parsePolicyName(name: string, pool: Pool): Result<PolicyChoice, string> {
  const full = Object.hasOwn(SHORT_NAMES, name) ? (SHORT_NAMES[name] ?? name) : name;
  const colon = full.indexOf(":");
  const kind = colon < 0 ? full : full.slice(0, colon);
  const rest = colon < 0 ? null : full.slice(colon + 1);
  switch (kind) {
    case "sale":
      return rest === null ? ok({ rules: SALE, weights: "fitted" }) : parseSale(rest, pool);
    case "static-mix":
      return parseMix(rest ?? "", pool);
    case "always":
      return parseAlways(rest ?? "", pool);
    case "cheapest":
    case "random":
      if (rest !== null) return fail(`${kind} takes no options`);
      return ok({ rules: { kind }, weights: "fitted" });
    default:
      return fail(`${quoted(name)} is no policy; ${ACCEPTED}`);
  }
}

/** The canonical name: reading it again gives the same choice. */
export function printPolicyName({ rules, weights }: PolicyChoice): string {
  switch (rules.kind) {
    case "auction":
      return printSale(rules, weights);
    case "static-mix": {
      const shares = Object.entries(rules.shares)
        .filter(([, share]) => share > 0)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([agentId, share]) => `${agentId}=${share}`);
      return `static-mix:${shares.join(",")}`;
    }
    case "always":
      return `always:${rules.agentId}`;
    case "cheapest":
    case "random":
    // Printed for the records, and never read: no request may ask for a calibration run.
    case "calibration":
      return rules.kind;
  }
}

const SWITCH = { on: true, off: false } as const;
/** Values of every option but `size`, in the order in which they are printed. */
const OPTIONS = {
  jury: ["batched", "pointwise", "none"],
  size: null,
  self: Object.keys(SWITCH),
  entropy: Object.keys(SWITCH),
  memory: Object.keys(SWITCH),
  weights: ["fitted", "default", "mean"],
} as const;
type OptionName = keyof typeof OPTIONS;

function printSale(rules: AuctionRules, weights: WeightSource): string {
  const { jury, entropy, memory } = rules;
  const options = [
    ...(jury === null ? ["jury=none"] : printJury(jury)),
    ...(entropy ? [] : ["entropy=off"]),
    ...(memory ? [] : ["memory=off"]),
    ...(weights === "fitted" ? [] : [`weights=${weights}`]),
  ];
  return options.length === 0 ? "sale" : `sale:${options.join(",")}`;
}

function printJury({ form, size, self }: JuryRules): string[] {
  return [
    ...(form === "batched" ? [] : [`jury=${form}`]),
    ...(size === null ? [] : [`size=${size}`]),
    ...(self ? [] : ["self=off"]),
  ];
}

function parseSale(rest: string, pool: Pool): Result<PolicyChoice, string> {
  const read = readOptions(rest, pool.length);
  if (!read.ok) return read;
  const given = read.value;
  const idle = (["size", "self"] as const).find((name) => given[name] !== undefined);
  if (given.jury === "none" && idle !== undefined)
    return fail(`${idle} needs a jury, and jury=none has none`);
  return ok({
    rules: {
      kind: "auction",
      entropy: given.entropy !== "off",
      jury:
        given.jury === "none"
          ? null
          : {
              form: given.jury === "pointwise" ? "pointwise" : "batched",
              size: given.size === undefined ? null : Number(given.size),
              self: given.self !== "off",
            },
      memory: given.memory !== "off",
    },
    weights: given.weights === "default" || given.weights === "mean" ? given.weights : "fitted",
  });
}

/** The options as they are written, each checked. */
function readOptions(rest: string, poolSize: number): Result<Partial<Record<OptionName, string>>, string> {
  const given: Partial<Record<OptionName, string>> = {};
  for (const part of rest.split(",")) {
    const [name = "", value, ...more] = part.split("=");
    if (!isOption(name)) return fail(`sale has no option ${quoted(name)}; ${optionsText(poolSize)}`);
    if (given[name] !== undefined) return fail(`the option ${name} stands twice`);
    if (value === undefined || more.length > 0 || !takes(name, value, poolSize)) {
      return fail(`${quoted(part)}: ${name} takes ${valuesText(name, poolSize)}`);
    }
    given[name] = value;
  }
  return ok(given);
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(OPTIONS, name);
}

function takes(name: OptionName, value: string, poolSize: number): boolean {
  const values: readonly string[] | null = OPTIONS[name];
  return values === null ? /^[1-9]\d*$/.test(value) && Number(value) <= poolSize : values.includes(value);
}

function valuesText(name: OptionName, poolSize: number): string {
  return OPTIONS[name]?.join("|") ?? `1 to ${poolSize}, the pool's size`;
}

function optionsText(poolSize: number): string {
  const names = Object.keys(OPTIONS).filter(isOption);
  return `accepted are ${names.map((name) => `${name}=${valuesText(name, poolSize)}`).join(", ")}`;
}

function parseAlways(text: string, pool: Pool): Result<PolicyChoice, string> {
  const agentId = agentNamed(text, pool);
  if (agentId === null) return fail(`always: ${strangerText(text, pool)}`);
  return ok({ rules: { kind: "always", agentId }, weights: "fitted" });
}

/** Printed by JavaScript without an exponent, so that printing and reading agree. */
const SHARE = /^\d{1,7}(\.\d{1,6})?$/;

function parseMix(rest: string, pool: Pool): Result<PolicyChoice, string> {
  const shares: Record<AgentId, number> = {};
  for (const part of rest.split(",")) {
    const [name = "", value = "", ...more] = part.split("=");
    const agentId = agentNamed(name, pool);
    if (agentId === null) return fail(`static-mix: ${strangerText(name, pool)}`);
    if (shares[agentId] !== undefined) return fail(`static-mix: ${agentId} stands twice`);
    if (more.length > 0 || !SHARE.test(value)) {
      return fail(
        `static-mix: ${quoted(part)}: a share is a number from 0 to below 10,000,000 with at most six decimals`,
      );
    }
    shares[agentId] = Number(value);
  }
  const dealt = Object.entries(shares).filter(([, share]) => share > 0);
  if (dealt.length === 0) return fail("static-mix: at least one share must be above 0");
  return ok({ rules: { kind: "static-mix", shares: Object.fromEntries(dealt) }, weights: "fitted" });
}

function agentNamed(text: string, pool: Pool): AgentId | null {
  if (!AGENT_ID_PATTERN.test(text)) return null;
  return pool.find((agent) => agent.id === text)?.id ?? null;
}

function strangerText(text: string, pool: Pool): string {
  return `${quoted(text)} is no agent of the pool; its agents are ${pool.map((agent) => agent.id).join(", ")}`;
}

/** What a client wrote, as much of it as helps to find it. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
