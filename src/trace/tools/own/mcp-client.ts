/**
 * One connection to a remote MCP server over streamable HTTP, by the official SDK.
 *
 * It may call tools and nothing else: it declares no capability, so that what a server asks of it (sampling, elicitation,
 * roots) is refused, and it listens to no stream beside its own requests. Every request goes through the guard, every
 * answer is bounded.
 */
import {
  Client,
  StreamableHTTPClientTransport,
  type JsonSchemaValidator,
} from "@modelcontextprotocol/client";
import type { ToolAccess } from "../../../market/tools/tenant-tool.ts";
import { fetchWithin, type Fetch, type GuardDeps } from "./guarded-fetch.ts";

/** Of one answer, all of a stream's events together. */
const MAX_ANSWER_KIB = 1_024;
/** A server's list of tools comes in pages. */
const MAX_PAGES = 16;
/** For saying good-bye: nobody waits longer for it. */
const GOODBYE_MS = 2_000;

export type McpAccess = Pick<ToolAccess, "url" | "secretHeader" | "timeoutMs">;

export interface McpConnection {
  readonly client: Client;
  /** True where the server keeps a session, which it may also forget. */
  hasSession(): boolean;
  /** Never rejects. */
  close(): Promise<void>;
}

/** @param signal ends the attempt @throws what the server, the SDK or the guard throws */
export async function connectMcp(
  deps: GuardDeps,
  access: McpAccess,
  signal: AbortSignal,
): Promise<McpConnection> {
  const { url, secretHeader, timeoutMs } = access;
  const transport = new TellingTransport(new URL(url), {
    fetch: boundedFetch(fetchWithin(new URL(url).origin, deps)),
    ...(secretHeader !== null && { requestInit: { headers: { [secretHeader.name]: secretHeader.value } } }),
    // What broke off is told: the model decides whether to ask again.
    reconnectionOptions: {
      maxRetries: 0,
      initialReconnectionDelay: 1,
      maxReconnectionDelay: 1,
      reconnectionDelayGrowFactor: 1,
    },
  });
  const client = new Client(
    { name: "saleroom", version: "1" },
    {
      capabilities: {},
      // 2026-07-28 servers have no sessions; older ones are met as they are.
      versionNegotiation: { mode: "auto" },
      inputRequired: { autoFulfill: false },
      // Whether an answer is as its server promised is for the model to see. A schema's patterns may backtrack for ever.
      jsonSchemaValidator: { getValidator: takeAsItIs },
      listMaxPages: MAX_PAGES,
    },
  );
  const close = async (): Promise<void> => {
    const goodbye = transport.sessionId === undefined ? undefined : transport.terminateSession();
    const patience = AbortSignal.timeout(GOODBYE_MS);
    await Promise.race([
      goodbye?.catch(() => undefined),
      new Promise<void>((resolve) => patience.addEventListener("abort", () => resolve(), { once: true })),
    ]);
    await client.close().catch(() => undefined);
  };
  try {
    await client.connect(transport, { signal, timeout: timeoutMs });
  } catch (error) {
    await close();
    throw error;
  }
  return { client, hasSession: () => transport.sessionId !== undefined, close };
}

/** The code of JSON-RPC that stands for a stream that ended without the answer: servers may not use it. */
export const BROKE_OFF = -32_099;

/** Whoever waits for an answer whose stream has ended is told so: the SDK would let it wait for all of its time. */
class TellingTransport extends StreamableHTTPClientTransport {
  override async send(
    ...[message, options]: Parameters<StreamableHTTPClientTransport["send"]>
  ): ReturnType<StreamableHTTPClientTransport["send"]> {
    const onRequestStreamEnd = (): void => {
      options?.onRequestStreamEnd?.();
      const asked = Array.isArray(message) ? message : [message];
      for (const one of asked) {
        if (!("id" in one && "method" in one)) continue;
        const error = { code: BROKE_OFF, message: `it broke off, or was longer than ${MAX_ANSWER_KIB} KiB` };
        this.onmessage?.({ jsonrpc: "2.0", id: one.id, error });
      }
    };
    return super.send(message, { ...options, onRequestStreamEnd });
  }
}

function takeAsItIs<T>(): JsonSchemaValidator<T> {
  return (input) => ({ valid: true, data: input as T, errorMessage: undefined });
}

/** Streams that only a server would speak on are not opened (it is told as by a client that has none). */
function boundedFetch(fetch: Fetch) {
  return async (url: string | URL, init: RequestInit = {}): Promise<Response> => {
    if (init.method === "GET") return new Response(null, { status: 405 });
    const response = await fetch(String(url), init);
    if (response.body === null) return response;
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(bounded()), { status, statusText, headers });
  };
}

function bounded(): TransformStream<Uint8Array, Uint8Array> {
  let left = MAX_ANSWER_KIB * 1_024;
  return new TransformStream({
    transform(chunk, controller) {
      left -= chunk.length;
      if (left < 0) throw new Error(`it is longer than ${MAX_ANSWER_KIB} KiB`);
      controller.enqueue(chunk);
    },
  });
}
