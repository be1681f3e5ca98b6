/** A tool that every tenant has registered: brings a document. Keeps what it was asked for, and sometimes fails, as tools do. */
import { documents } from "../../emulators/workload/index.ts";
import { serveOnLoopback, type LoopbackServer } from "../loopback-server.ts";
import type { ToolHit } from "./evidence.ts";

/** As models call it; the emulated ones read documents with whatever fetches. */
export const OWN_TOOL = "fetch_document";

export function ownTool(origin: string): object {
  return {
    type: "http",
    name: OWN_TOOL,
    description: "Fetches a document by its URL.",
    url: `${origin}/document`,
    method: "POST",
    inputSchema: {
      type: "object",
      properties: { url: { type: "string" } },
      required: ["url"],
      additionalProperties: false,
    },
  };
}

export interface ToolServer extends LoopbackServer {
  readonly hits: readonly ToolHit[];
}

/** One call in so many is answered with an error. */
const FAIL_EVERY = 11;

export async function serveTool(): Promise<ToolServer> {
  const hits: ToolHit[] = [];
  const server = await serveOnLoopback(({ request, body, response }) => {
    const { url } = JSON.parse(body) as { readonly url: string };
    hits.push({ idempotencyKey: String(request.headers["idempotency-key"]), url });
    const text = documents[url.slice(url.lastIndexOf("/") + 1)];
    if (hits.length % FAIL_EVERY === 0) response.writeHead(500).end();
    else if (text === undefined) response.writeHead(404).end();
    else response.writeHead(200, { "content-type": "text/markdown" }).end(text);
  });
  return { ...server, hits };
}
