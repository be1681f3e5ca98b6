/** One request to `/embeddings` of any endpoint that speaks OpenAI's wire. */
import { fail, ok, type Result } from "../market/result.ts";
import type { Asked } from "./asked.ts";
import type { EmbeddingConfig } from "./embedding-config.ts";
import type { EmbeddingFailure } from "./memory-port.ts";

type EndpointConfig = Extract<EmbeddingConfig, { provider: "openai-compatible" }>;

interface Sources {
  readonly fetch: typeof fetch;
  variable(name: string): string | undefined;
}

interface Endpoint {
  readonly url: string;
  /** Null: the endpoint needs none. */
  readonly apiKey: string | null;
}

/** Never rejects; no message holds the key. */
export async function askOpenAiCompatible(
  sources: Sources,
  config: EndpointConfig,
  request: { readonly text: string; readonly signal: AbortSignal },
): Promise<Asked> {
  const endpoint = endpointOf(config, sources);
  if (!endpoint.ok) return fail({ ...endpoint.failure, owed: false });
  const { url, apiKey } = endpoint.value;
  // The platform's fetch refuses to be called as a method of something else.
  const { fetch } = sources;
  const sent = !request.signal.aborted;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({ model: config.model, input: request.text, encoding_format: "float" }),
      signal: request.signal,
    });
    const body = await response.text();
    return response.ok
      ? parsedJson(body, config.model)
      : refusal(config.model, { status: response.status, body: withoutKey(body, apiKey) });
  } catch (error) {
    const message = withoutKey(error instanceof Error ? error.message : String(error), apiKey);
    return fail({ reason: "unreachable", message: `${config.model} did not embed: ${message}`, owed: sent });
  }
}

function parsedJson(body: string, model: string): Asked {
  try {
    return ok(JSON.parse(body));
  } catch {
    return fail({ reason: "malformed", message: `the answer of ${model} is no JSON`, owed: true });
  }
}

/** Wrong key, no right, no such model or path: waiting mends none of these. */
const CONFIGURATION_STATUS = new Set([401, 403, 404]);

function refusal(model: string, { status, body }: { readonly status: number; readonly body: string }): Asked {
  const reason = CONFIGURATION_STATUS.has(status) ? "misconfigured" : "unreachable";
  return fail({ reason, message: `${model} did not embed: status ${status}: ${body}`, owed: false });
}

/** One short line; some endpoints repeat the key that they refuse. */
function withoutKey(message: string, apiKey: string | null): string {
  const clean = apiKey === null ? message : message.replaceAll(apiKey, "[secret]");
  return clean.replaceAll(/\s+/g, " ").slice(0, 300);
}

/** Where to ask and with which key; `misconfigured` where a variable or secret that the configuration names is not set. */
export function endpointOf(
  config: EndpointConfig,
  sources: Pick<Sources, "variable">,
): Result<Endpoint, EmbeddingFailure> {
  const { baseUrl, baseUrlVariable = "", apiKeySecret } = config;
  const base = baseUrl ?? sources.variable(baseUrlVariable) ?? "";
  if (!/^https?:\/\//.test(base) || !URL.canParse(base))
    return misconfigured(`the variable ${baseUrlVariable} is no http(s) URL`);
  const url = `${base.replace(/\/+$/, "")}/embeddings`;
  if (apiKeySecret === undefined) return ok({ url, apiKey: null });
  const apiKey = sources.variable(apiKeySecret)?.trim() ?? "";
  // A key with other characters cannot be a header; fetch would throw an error that quotes it.
  if (!/^[\x21-\x7e]+$/.test(apiKey))
    return misconfigured(`the secret ${apiKeySecret} is not set, or no key`);
  return ok({ url, apiKey });
}

function misconfigured(message: string): Result<never, EmbeddingFailure> {
  return fail({ reason: "misconfigured", message });
}
