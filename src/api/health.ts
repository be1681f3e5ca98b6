/**
 * Whether a deployment has all that it needs: for its operator, after `wrangler deploy`.
 *
 * Reads only, and calls no model. Messages name variables and secrets, never their values.
 */
import type { Config } from "../config.ts";
import { checkHistory } from "../history/check-history.ts";
import type { Agent } from "../market/agent.ts";
import { checkEmbedding } from "../memory/embedder.ts";
import { embeddingConfigSchema, type EmbeddingConfig } from "../memory/embedding-config.ts";
import { raceAbort } from "../async/race-abort.ts";
import { checkDimension } from "../memory/vector-index.ts";
import { createReceiptSigner } from "./sign-receipt.ts";

/** What does not answer for this long does not answer. */
const CHECK_MS = 5_000;

export interface HealthCheck {
  readonly name: "history" | "index" | "embedding" | "dimensions" | "receipts" | "pool";
  readonly ok: boolean;
  readonly message: string;
}

export async function checkHealth(config: Config): Promise<readonly HealthCheck[]> {
  const embedding = embeddingConfigSchema.safeParse(config.embedding);
  const [history, memory, receipts] = await Promise.all([
    historyCheck(config),
    indexChecks(config, embedding.success ? embedding.data : null),
    receiptsCheck(config.receiptSigningKey),
  ]);
  const configured = embedding.success
    ? embeddingCheck(config, embedding.data)
    : unhealthy("embedding", "the variable EMBEDDING is not of its form");
  return [history, ...memory, configured, receipts, poolCheck(config)];
}

async function historyCheck({ db }: Config): Promise<HealthCheck> {
  const checked = await raceAbort(checkHistory(db), AbortSignal.timeout(CHECK_MS)).catch(() => null);
  if (checked === null) return unhealthy("history", "D1 does not answer in time");
  return checked.ok
    ? healthy("history", "D1 answers, and its tables are there")
    : unhealthy("history", checked.failure.message);
}

async function indexChecks(
  { vectorize }: Config,
  embedding: EmbeddingConfig | null,
): Promise<readonly HealthCheck[]> {
  const expected = { dimension: embedding?.dimension ?? 0 };
  const asked = checkDimension(vectorize, expected);
  const checked = await raceAbort(asked, AbortSignal.timeout(CHECK_MS)).catch(() => null);
  if (checked === null || (!checked.ok && checked.failure.reason === "unreachable")) {
    const message = checked?.failure.message ?? "the vector index does not answer in time";
    return [unhealthy("index", message), unhealthy("dimensions", "not known: the index does not answer")];
  }
  const index = healthy("index", "the vector index answers");
  if (embedding === null)
    return [index, unhealthy("dimensions", "not known: no embedding model is configured")];
  return checked.ok
    ? [index, healthy("dimensions", `model and index have ${embedding.dimension}`)]
    : [index, unhealthy("dimensions", checked.failure.message)];
}

function embeddingCheck({ ai, variable }: Config, embedding: EmbeddingConfig): HealthCheck {
  const checked = checkEmbedding({ ai, variable }, embedding);
  return checked.ok
    ? healthy("embedding", `${embedding.model} at ${embedding.provider}`)
    : unhealthy("embedding", checked.failure.message);
}

async function receiptsCheck(secret: string | null): Promise<HealthCheck> {
  if (secret === null) return unhealthy("receipts", "the secret RECEIPT_SIGNING_KEY is not set");
  try {
    const { key } = await createReceiptSigner(secret);
    return healthy("receipts", `signed with the key ${key.kid}`);
  } catch (error) {
    return unhealthy("receipts", error instanceof Error ? error.message : String(error));
  }
}

/** Of the environment; tenants with a pool of their own are not looked at. */
function poolCheck({ pool, variable }: Config): HealthCheck {
  const missing = new Map<string, string[]>();
  for (const agent of pool) {
    for (const name of variablesOf(agent)) {
      if ((variable(name) ?? "").trim() === "") missing.set(name, [...(missing.get(name) ?? []), agent.id]);
    }
  }
  if (missing.size === 0) return healthy("pool", `${pool.length} agents, with every secret that they name`);
  const names = Array.from(missing, ([name, agents]) => `${name} (${agents.join(", ")})`);
  return unhealthy("pool", `secrets or variables that are not set: ${names.join(", ")}`);
}

function variablesOf(agent: Agent): string[] {
  const named = [
    "apiKeySecret" in agent ? agent.apiKeySecret : undefined,
    "baseUrlVariable" in agent ? agent.baseUrlVariable : undefined,
  ];
  return named.filter((name) => name !== undefined);
}

function healthy(name: HealthCheck["name"], message: string): HealthCheck {
  return { name, ok: true, message };
}

function unhealthy(name: HealthCheck["name"], message: string): HealthCheck {
  return { name, ok: false, message };
}
