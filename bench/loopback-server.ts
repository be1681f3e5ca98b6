/** A bench's own HTTP server on this machine, for as long as the bench runs. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LOOPBACK } from "../emulators/stack/ports.ts";

export interface LoopbackServer {
  /** Without a slash at the end. */
  readonly origin: string;
  /** Whoever is still asking is cut off. */
  readonly close: () => Promise<void>;
}

/** One request, whose body has been read. */
export interface Asked {
  readonly request: IncomingMessage;
  readonly body: string;
  readonly response: ServerResponse;
}

export async function serveOnLoopback(answer: (asked: Asked) => void): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => answer({ request, body, response }));
  });
  // A client that reuses a connection which is just closed would take the server for dead.
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    origin: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
