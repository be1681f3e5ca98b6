/** A tool that every tenant has registered: brings a document. Keeps what it was asked for, and sometimes fails, as tools do. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { documents } from "../../emulators/workload/index.ts";
import { LOOPBACK } from "../../emulators/stack/ports.ts";
import { closed } from "./failpoint-server.ts";
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

export interface ToolServer {
  readonly origin: string;
  readonly hits: readonly ToolHit[];
  close(): Promise<void>;
}

/** One call in so many is answered with an error. */
const FAIL_EVERY = 11;

export async function serveTool(): Promise<ToolServer> {
  const hits: ToolHit[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { url } = JSON.parse(body) as { readonly url: string };
      hits.push({ idempotencyKey: String(request.headers["idempotency-key"]), url });
      const text = documents[url.slice(url.lastIndexOf("/") + 1)];
      if (hits.length % FAIL_EVERY === 0) response.writeHead(500).end();
      else if (text === undefined) response.writeHead(404).end();
      else response.writeHead(200, { "content-type": "text/markdown" }).end(text);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const origin = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
  return { origin, hits, close: async () => closed(server) };
}
