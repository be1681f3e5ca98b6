/** An agent's provider, with its secrets and base URL looked up by name. Sends nothing. */
import type { Agent } from "../../market/agent.ts";
import type { CallFailure } from "../../market/call.ts";
import { fail, ok, type Result } from "../../market/result.ts";
import type { AiBinding } from "../ai-binding.ts";
import { anthropicProvider } from "./anthropic.ts";
import { googleProvider } from "./google.ts";
import { openAiCompatibleProvider } from "./openai-compatible.ts";
import { tellsItsErrors } from "../calls/binding-errors.ts";
import type { Provider } from "./provider.ts";
import { workersAiProvider } from "./workers-ai.ts";

export interface ConnectionSources {
  /** Absent where the deployment has no Workers AI binding. */
  readonly ai: AiBinding | undefined;
  readonly fetch: typeof fetch;
  /** A secret or variable of the Worker by name. */
  variable(name: string): string | undefined;
}

interface Connection {
  readonly provider: Provider;
  /** Of the model, where it is and as whom it is asked: holds the key, and is for nobody to read. */
  readonly name: string;
  /** Values that must not appear in messages. */
  readonly secrets: readonly string[];
}

type Connected = Result<Connection, CallFailure>;

/** Providers of an isolate that are kept: making one costs about as much as the rest of a call's own work. */
const KEPT_PROVIDERS = 256;

/** Connects agents; those that share model, endpoint and key share a provider. */
export function createConnector(sources: ConnectionSources): (agent: Agent) => Connected {
  const kept = new Map<string, Provider>();
  const keep: KeepProvider = (name, make) => {
    const known = kept.get(name);
    if (known !== undefined) return known;
    const [oldest] = kept.keys();
    if (oldest !== undefined && kept.size >= KEPT_PROVIDERS) kept.delete(oldest);
    const provider = make();
    kept.set(name, provider);
    return provider;
  };
  return (agent) => connect(agent, sources, keep);
}

/** The provider of this name, made if it is not there. */
type KeepProvider = (name: string, make: () => Provider) => Provider;

function connect(agent: Agent, sources: ConnectionSources, keep: KeepProvider): Connected {
  switch (agent.provider) {
    case "workers-ai":
      if (sources.ai === undefined) {
        return fail({ reason: "misconfigured", message: "the binding AI is missing" });
      }
      return ok({
        provider: workersAiProvider(tellsItsErrors(sources.ai), agent.model),
        name: providerName(agent.provider, { model: agent.model, baseUrl: null, apiKey: null }),
        secrets: [],
      });
    case "openai-compatible":
      return connectOpenAiCompatible(agent, sources, keep);
    case "anthropic":
    case "google": {
      const apiKey = secret(agent.apiKeySecret, sources);
      if (!apiKey.ok) return apiKey;
      const endpoint = {
        model: agent.model,
        baseUrl: agent.baseUrl ?? null,
        apiKey: apiKey.value,
        fetch: sources.fetch,
      };
      const make = () =>
        agent.provider === "anthropic" ? anthropicProvider(endpoint) : googleProvider(endpoint);
      const name = providerName(agent.provider, endpoint);
      return ok({ provider: keep(name, make), name, secrets: [apiKey.value] });
    }
  }
}

function connectOpenAiCompatible(
  agent: Extract<Agent, { provider: "openai-compatible" }>,
  sources: ConnectionSources,
  keep: KeepProvider,
): Connected {
  const baseUrl = baseUrlOf(agent, sources);
  if (!baseUrl.ok) return baseUrl;
  const apiKey = agent.apiKeySecret === undefined ? ok(null) : secret(agent.apiKeySecret, sources);
  if (!apiKey.ok) return apiKey;
  const { model } = agent;
  const { fetch } = sources;
  const endpoint = { model, baseUrl: baseUrl.value, apiKey: apiKey.value, fetch };
  const name = providerName(agent.provider, endpoint);
  return ok({
    provider: keep(name, () => openAiCompatibleProvider(endpoint)),
    name,
    secrets: apiKey.value === null ? [] : [apiKey.value],
  });
}

function providerName(
  kind: Agent["provider"],
  {
    model,
    baseUrl,
    apiKey,
  }: { readonly model: string; readonly baseUrl: string | null; readonly apiKey: string | null },
): string {
  return JSON.stringify([kind, model, baseUrl, apiKey]);
}

function baseUrlOf(
  agent: Extract<Agent, { provider: "openai-compatible" }>,
  sources: ConnectionSources,
): Result<string, CallFailure> {
  if (agent.baseUrl !== undefined) return ok(agent.baseUrl);
  const name = agent.baseUrlVariable;
  if (name === undefined)
    return misconfigured(`agent ${agent.id} has neither a base URL nor a variable for one`);
  const value = sources.variable(name);
  if (value === undefined || value === "") return misconfigured(`the variable ${name} is not set`);
  if (!/^https?:\/\//.test(value) || !URL.canParse(value))
    return misconfigured(`the variable ${name} is no http(s) URL`);
  return ok(value);
}

function secret(name: string, sources: ConnectionSources): Result<string, CallFailure> {
  const value = sources.variable(name);
  if (value === undefined || value.trim() === "") return misconfigured(`the secret ${name} is not set`);
  // Such a key cannot be a header; fetch would throw an error that quotes it.
  if (/[^\x21-\x7e]/.test(value.trim()))
    return misconfigured(`the secret ${name} has characters that a key cannot have`);
  return ok(value.trim());
}

function misconfigured(message: string): Result<never, CallFailure> {
  return fail({ reason: "misconfigured", message });
}
