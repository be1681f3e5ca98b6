/**
 * The platform's limit on connections, which nothing enforces locally: a proxy before the emulators that lets so many
 * requests at a time wait for their response's headers. Others queue, as they would inside a Worker's invocation.
 *
 * Stands for one invocation's limit only while one auction runs at a time.
 */
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import pLimit from "p-limit";
import { LOOPBACK } from "../../emulators/stack/ports.ts";

export interface ConnectionGate {
  readonly url: string;
  close(): Promise<void>;
}

export async function openGate(targetUrl: string, connections: number): Promise<ConnectionGate> {
  const limit = pLimit(connections);
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    // The slot is free again with the headers; the body then takes its own time.
    void limit(() => forward(incoming, outgoing, { targetUrl, agent }));
  });
  await new Promise<void>((resolve) => void server.listen(0, LOOPBACK, resolve));
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    close: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

/** Resolves with the response's headers, or once there will be none. */
function forward(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { targetUrl, agent }: { readonly targetUrl: string; readonly agent: Agent },
): Promise<void> {
  return new Promise((resolve) => {
    const { method, headers } = incoming;
    const onward = request(`${targetUrl}${incoming.url ?? "/"}`, { method, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
      resolve();
    });
    onward.once("error", () => {
      outgoing.destroy();
      resolve();
    });
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) onward.destroy();
    });
    incoming.pipe(onward);
  });
}
