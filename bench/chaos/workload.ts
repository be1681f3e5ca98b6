/** What clients ask for, and how they behave: a mix of everything, the same for the same seed. */
import { drawsFor, type Draws } from "../../emulators/house/draws.ts";
import { workloadTasks } from "../../emulators/demo/workload-tasks.ts";
import type { TaskInput } from "../../src/market/task.ts";
import type { VerifierSpec } from "../../src/market/verifier-spec.ts";
import type { AgentInput } from "../../src/market/agent.ts";
import { MODEL_NAMES, poolOf } from "../auction/pool.ts";
import { CHECKER_WAYS } from "./checker.ts";
import { OWN_TOOL } from "./own-tool.ts";
import type { NewTenant } from "../../emulators/stack/operator.ts";

export const TENANTS = ["plain", "tight", "strict", "wide"] as const;
export type TenantName = (typeof TENANTS)[number];

/** Of the tenant whose budget runs out: some thirty tasks. */
export const TIGHT_CAP_USD = 0.06;

/** Beside those that a task has by default: the tenant's own in place of the house's, and files. */
const OTHER_TOOLS = [
  ["run_javascript", OWN_TOOL],
  ["run_javascript", OWN_TOOL, "files"],
  ["run_javascript", "http", "files"],
];

/** For a verdict that may never come; and for one that does, over many deaths. */
const WAIT_S = 10;
const LONG_WAIT_S = 600;

/** More agents than an invocation may ask side by side: helpers ask some of them. */
const WIDE_POOL = 7;
/** Of the emulated models, each asked over HTTP: what is logged of one is one pool's alone. */
const WIDE_MODEL = "house-emulated-8b";
const PASSING_MODEL = "house-emulated-4b";

function poolOfModel(model: string, size: number, emulatorUrl: string): AgentInput[] {
  const all = poolOf(size * MODEL_NAMES.length, `${emulatorUrl}/v1`);
  return all.filter((agent) => agent.model === model);
}

/** Of tenants that are deleted with all that they had: nobody can say afterwards what of the log was theirs. */
export function passingPool(emulatorUrl: string): AgentInput[] {
  return poolOfModel(PASSING_MODEL, 3, emulatorUrl);
}

export function newTenant(name: TenantName, emulatorUrl: string): NewTenant & { ordering?: "strict" } {
  switch (name) {
    case "plain":
      return { name };
    case "tight":
      return { name, budget: { totalUsd: TIGHT_CAP_USD } };
    case "strict":
      return { name, ordering: "strict" };
    case "wide":
      return { name, pool: poolOfModel(WIDE_MODEL, WIDE_POOL, emulatorUrl) };
  }
}

/** What a client does with one task. */
export interface Errand {
  readonly number: number;
  readonly tenant: TenantName;
  readonly idempotencyKey: string;
  readonly input: TaskInput;
  /** Null: a task. What becomes of a quote's bids: one is accepted, nobody accepts in time, or it is cancelled. */
  readonly quote: "accepted" | "left" | "cancelled" | null;
  /** What its tenant says of the result, where it is asked; null: nothing, until the wait is over. */
  readonly verdict: "pass" | "fail" | null;
  /** Null: it is not cancelled. */
  readonly cancelAfterMs: number | null;
  /** That time begins with its auction or its trace, so that most cancels find models at work; null: at once. */
  readonly cancelsIn: "bidding" | "running" | null;
  /** Follows its events from the start, over the Worker's deaths. */
  readonly listens: "events" | "text" | null;
  /** Asks again with the same key after this time; null: never. */
  readonly asksAgainAfterMs: number | null;
}

/** What of the world outside tasks name. */
export interface Outside {
  readonly docsUrl: string;
  /** Of the tenants' checker, without a slash at the end. */
  readonly checkerUrl: string;
}

export function errandOf(seed: number, number: number, { docsUrl, checkerUrl }: Outside): Errand {
  const draws = drawsFor(seed, "chaos", number);
  const chance = (share: number) => draws.uniform() < share;
  const task = draws.pick(workloadTasks(docsUrl));
  const tenant = TENANTS[number % TENANTS.length] ?? "plain";
  const quote = chance(0.2)
    ? draws.pick(["accepted", "accepted", "left", "left", "cancelled"] as const)
    : null;
  const cancelled = quote === null && chance(0.22);
  const asked = quote === null && chance(0.4) ? askingVerifier(draws, checkerUrl) : null;
  return {
    number,
    tenant,
    idempotencyKey: `chaos-${seed}-${number}`,
    input: {
      ...task.input,
      ...variation(chance, draws.int(5, 9), draws.int(1, 3)),
      ...escalation(quote, chance),
      ...(asked !== null && { verifier: asked }),
      ...(chance(0.6) && { tools: draws.pick(OTHER_TOOLS) }),
    },
    verdict: draws.pick(["pass", "fail", null] as const),
    quote,
    cancelAfterMs: cancelled ? draws.int(50, 5_000) : null,
    cancelsIn: draws.pick(["bidding", "bidding", "running", "running", null] as const),
    listens: chance(0.5) ? draws.pick(["events", "text"] as const) : null,
    asksAgainAfterMs: chance(0.3) ? draws.int(100, 4_000) : null,
  };
}

/** Somebody is asked for the verdict: the tenant, its checker in all its ways, or other agents. */
function askingVerifier(draws: Draws, checkerUrl: string): VerifierSpec {
  const type = draws.pick(["user", "http", "http", "judge"] as const);
  if (type === "user") return { type, timeoutS: WAIT_S };
  if (type === "judge") return { type, rubric: "The result is right.", panel: 3 };
  const way = draws.pick(CHECKER_WAYS);
  return { type, url: `${checkerUrl}/${way}`, timeoutS: way === "never" ? WAIT_S : LONG_WAIT_S };
}

function escalation(quote: Errand["quote"], chance: (share: number) => boolean): Partial<TaskInput> {
  if (quote !== null || !chance(0.35)) return {};
  return { escalation: { mode: "verified", maxAttempts: 3 } };
}

/** Most tasks have room; some run against a limit. */
function variation(
  chance: (share: number) => boolean,
  deadlineS: number,
  maxSteps: number,
): Partial<TaskInput> {
  if (chance(0.1)) return { limits: { deadlineS } };
  if (chance(0.08)) return { limits: { maxSteps } };
  if (chance(0.14)) return { limits: { maxCostUsd: 0.016 + 0.002 * maxSteps } };
  if (chance(0.1)) return { verifier: null };
  if (chance(0.08)) return { policy: "cheapest" };
  if (chance(0.08)) return { policy: "sale:jury=pointwise" };
  return {};
}

/** Injected into every model, as `PUT /emulator/faults/*` takes it: all kinds, none of them rare. */
export function faultRule(seed: number): object {
  return {
    seed,
    status429: { probability: 0.03, retryAfterS: 0 },
    status500: { probability: 0.03 },
    hang: { probability: 0.01 },
    cutStreamAfterTokens: { probability: 0.02, tokens: 5 },
    malformedJson: { probability: 0.02 },
    emptyAnswer: { probability: 0.01 },
    latencyMs: { min: 400, max: 1_500, probability: 0.05 },
  };
}
