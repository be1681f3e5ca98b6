/** Where the Worker's failpoints report: each waits for an answer, and gets none when the process is to be killed there. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { LOOPBACK } from "../../emulators/stack/ports.ts";

export interface FailpointServer {
  readonly url: string;
  close(): Promise<void>;
}

/** @param pass true: the process is to be killed, and the place is not answered */
export async function serveFailpoints(
  pass: (name: string, quiet: boolean) => boolean,
): Promise<FailpointServer> {
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { name, quiet } = JSON.parse(body) as { name: string; quiet: boolean };
      if (!pass(name, quiet)) response.end();
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    close: async () => closed(server),
  };
}

export async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
