/**
 * Raw bindings and variables to one validated, fully defaulted config: the only reader of the environment.
 *
 * Every entry point (fetch, queue, scheduled, both Durable Objects) gets its config from here and from nowhere else.
 */
import { z } from "zod";
import { LOG_LEVELS, setLogLevel } from "./log.ts";
import { POOLS } from "./agents/pool/index.ts";
import { poolSchema, type Pool } from "./market/agent.ts";
import type { Source, TaskId, TenantId } from "./market/ids.ts";
import type { LocationHint } from "./market/location-hint.ts";
import type { AuctionMessage, HistoryMessage, TraceMessage, WebhookMessage } from "./market/message.ts";

const ms = (fallback: number, max: number) => z.coerce.number().int().min(1).max(max).default(fallback);

const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ""),
  );

const origins = list.refine(
  (all) => all.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin),
  "not a list of origins such as http://127.0.0.1:8789",
);

const variablesSchema = z.object({
  /** Name of the pool file that tenants without a pool of their own use. */
  POOL: z.enum(Object.keys(POOLS) as [string, ...string[]]).default("production"),
  /** How long agents have for their bids, and jurors for their verdicts. */
  AUCTION_BID_MS: ms(20_000, 120_000),
  AUCTION_JURY_MS: ms(20_000, 120_000),
  /** A holder that is not heard of for this long has lost its lease; it renews three times as often. */
  LEASE_MS: ms(15_000, 300_000),
  /** Work that nobody took up after this long is announced again. */
  PICKUP_MS: ms(30_000, 600_000),
  /** After how many seconds failed work comes again; each further time, five times as many (`market/queue-retry.ts`). */
  RETRY_S: z.coerce.number().int().min(0).max(60).default(2),
  /** Longest slice of a trace that one queue message carries. */
  SLICE_MS: ms(25_000, 600_000),
  /** Longest single model call of a trace. */
  MODEL_CALL_MS: ms(120_000, 600_000),
  /** Silence of a model in mid-call that ends the call; an agent may have a longer one. */
  MODEL_STALL_MS: ms(30_000, 600_000),
  /** Traces that one tenant may have in flight; the operator may set another number for a tenant. */
  MAX_TRACES: z.coerce.number().int().min(1).max(10_000).default(32),
  /** Comma-separated origins with optional path prefix that the `http` tool may call. */
  HTTP_ALLOW_LIST: list,
  /** The same, of pages that `fetch_page` may read though they are not public: for local use. */
  PAGE_ALLOW_LIST: list,
  /** Who searches for `web_search`; empty: whoever's key is there, Brave first. */
  SEARCH_PROVIDER: z.enum(["", "brave", "tavily"]).default(""),
  /** Another address of the search provider's; empty: its own. */
  SEARCH_BASE_URL: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default(""),
  /** Its key; without one there is no `web_search`. */
  BRAVE_API_KEY: z.string().optional(),
  TAVILY_API_KEY: z.string().optional(),
  /** Comma-separated origins that webhooks may go to though they are not public, or not https: for local use. */
  WEBHOOK_ALLOW_LIST: origins,
  /** The same for the tools that tenants register. */
  TOOL_ALLOW_LIST: origins,
  /** Embedding model of the memory as JSON, read by `memory/embedder.ts`; default: a Workers AI model. */
  EMBEDDING: z
    .string()
    .default('{"provider": "workers-ai"}')
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue("not JSON");
        return z.NEVER;
      }
    }),
  /** Ed25519 key that receipts are signed with (PKCS#8 in base64, or a JWK); without it they go out unsigned. */
  RECEIPT_SIGNING_KEY: z.string().optional(),
  /** What is logged: `error`, `task`, or `call`, which is everything. */
  LOG_LEVEL: z.enum(LOG_LEVELS).default("call"),
  /** Opens the operator API; without it the operator API refuses everyone. */
  ADMIN_SECRET: z.string().min(8).optional(),
});

export interface SearchConfig {
  readonly provider: "brave" | "tavily";
  readonly apiKey: string;
  /** Null: the provider's own. */
  readonly baseUrl: string | null;
}

export interface Config {
  readonly auctionBidMs: number;
  readonly auctionJuryMs: number;
  readonly leaseMs: number;
  readonly pickupMs: number;
  readonly retryS: number;
  readonly sliceMs: number;
  readonly modelCallMs: number;
  readonly modelStallMs: number;
  readonly maxTraces: number;
  readonly httpAllowList: readonly string[];
  readonly pageAllowList: readonly string[];
  /** Null: there is no key for it, and no `web_search`. */
  readonly search: SearchConfig | null;
  readonly webhookAllowList: readonly string[];
  readonly toolAllowList: readonly string[];
  /** As `memory/embedder.ts` reads it. */
  readonly embedding: unknown;
  readonly adminSecret: string | null;
  readonly receiptSigningKey: string | null;
  /** The pool of tenants that have none of their own. */
  readonly pool: Pool;
  readonly source: Source;
  readonly ai: Env["AI"];
  readonly vectorize: Env["VECTORIZE"];
  readonly db: D1Database;
  readonly workQueue: Queue<AuctionMessage | TraceMessage>;
  readonly historyQueue: Queue<HistoryMessage>;
  readonly webhookQueue: Queue<WebhookMessage>;
  /**
   * The tenant's market room, as the seam that the caller declares; `index.ts` proves that the room fits.
   *
   * @param hint where the platform is to make it, for whoever asks first
   */
  marketRoom<Port>(tenantId: TenantId, hint?: LocationHint | null): Port;
  /** The task's room. Its name holds the tenant: another tenant's id leads to an empty room, never to this one. */
  taskRoom<Port>(tenantId: TenantId, taskId: TaskId): Port;
  /** Objects that make model calls in invocations of their own, by names that nobody else uses. */
  readonly callHelpers: { newName(): string; helper<Port>(name: string): Port };
  /** A secret or variable by name, for the pool's `apiKeySecret` and `baseUrlVariable`. */
  readonly variable: (name: string) => string | undefined;
}

const source: Source = {
  now: () => Date.now(),
  random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
};

// The environment is the same object for every request and object of an isolate: it is read once.
const parsed = new WeakMap<Env, Config>();

/** @throws Error that names every variable or pool entry that is wrong; the Worker does not start half configured */
export function parseConfig(env: Env): Config {
  const known = parsed.get(env);
  if (known !== undefined) return known;
  const config = readConfig(env);
  parsed.set(env, config);
  return config;
}

function readConfig(env: Env): Config {
  const variables = variablesSchema.safeParse(env);
  if (!variables.success) throw new Error(`bad variables: ${z.prettifyError(variables.error)}`);
  const v = variables.data;
  setLogLevel(v.LOG_LEVEL);
  const pool = poolSchema.safeParse(POOLS[v.POOL]);
  if (!pool.success) throw new Error(`bad pool file ${v.POOL}: ${z.prettifyError(pool.error)}`);
  return {
    auctionBidMs: v.AUCTION_BID_MS,
    auctionJuryMs: v.AUCTION_JURY_MS,
    leaseMs: v.LEASE_MS,
    pickupMs: v.PICKUP_MS,
    retryS: v.RETRY_S,
    sliceMs: v.SLICE_MS,
    modelCallMs: v.MODEL_CALL_MS,
    modelStallMs: v.MODEL_STALL_MS,
    maxTraces: v.MAX_TRACES,
    httpAllowList: v.HTTP_ALLOW_LIST,
    pageAllowList: v.PAGE_ALLOW_LIST,
    search: searchConfig(v),
    webhookAllowList: v.WEBHOOK_ALLOW_LIST,
    toolAllowList: v.TOOL_ALLOW_LIST,
    embedding: v.EMBEDDING,
    adminSecret: v.ADMIN_SECRET ?? null,
    receiptSigningKey: v.RECEIPT_SIGNING_KEY ?? null,
    pool: pool.data,
    source,
    ai: env.AI,
    vectorize: env.VECTORIZE,
    db: env.DB,
    workQueue: env.WORK_QUEUE,
    historyQueue: env.HISTORY_QUEUE,
    webhookQueue: env.WEBHOOK_QUEUE,
    marketRoom: <Port>(tenantId: TenantId, hint: LocationHint | null = null) =>
      room<Port>(env.MARKET_ROOM, tenantId, hint),
    taskRoom: <Port>(tenantId: TenantId, taskId: TaskId) =>
      room<Port>(env.TASK_ROOM, `${tenantId}/${taskId}`),
    callHelpers: {
      newName: () => crypto.randomUUID(),
      helper: <Port>(name: string) => room<Port>(env.CALL_HELPER, name),
    },
    variable: (name) => {
      const value: unknown = Reflect.get(env, name);
      return typeof value === "string" ? value : undefined;
    },
  };
}

function searchConfig(v: z.output<typeof variablesSchema>): SearchConfig | null {
  const keys = { brave: v.BRAVE_API_KEY, tavily: v.TAVILY_API_KEY };
  const providers = v.SEARCH_PROVIDER === "" ? (["brave", "tavily"] as const) : [v.SEARCH_PROVIDER];
  for (const provider of providers) {
    const apiKey = keys[provider]?.trim() ?? "";
    if (apiKey !== "")
      return { provider, apiKey, baseUrl: v.SEARCH_BASE_URL === "" ? null : v.SEARCH_BASE_URL };
  }
  return null;
}

/**
 * A room by its name, with a fresh stub for every call: a stub whose object restarted stays broken for good, and a
 * holder of a lease outlives such restarts.
 */
function room<Port>(
  namespace: DurableObjectNamespace,
  name: string,
  locationHint: LocationHint | null = null,
): Port {
  const options = locationHint === null ? {} : { locationHint };
  const id = namespace.idFromName(name);
  return new Proxy(
    {},
    {
      get: (_, method) => {
        if (method === "then") return undefined;
        return (...args: readonly unknown[]): unknown =>
          (
            namespace.get(id, options) as unknown as Record<
              string | symbol,
              (...all: readonly unknown[]) => unknown
            >
          )[method]?.(...args);
      },
    },
  ) as Port;
}
