/** Ports of this machine's loopback. */
import { randomInt } from "node:crypto";
import { createServer, type AddressInfo, type Server } from "node:net";
import { StackError } from "./stack-error.ts";

export const LOOPBACK = "127.0.0.1";

/** Free ports are looked for below those that systems lend to outgoing connections, which come and go. */
const FREE_FROM = 20_000;
const FREE_TO = 30_000;
const TRIES = 50;

/**
 * The ports themselves if nothing listens on them; for a 0, a free one. No two are the same.
 *
 * They are let go again for the caller to take: another process may be faster.
 *
 * @throws StackError `port_taken`
 */
export async function claimPorts(ports: readonly number[]): Promise<number[]> {
  const servers: Server[] = [];
  try {
    for (const port of ports) servers.push(port === 0 ? await listenAnywhere() : await listenOn(port));
    return servers.map((server) => (server.address() as AddressInfo).port);
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => void server.close(resolve))));
  }
}

/** One port, as `claimPorts`. */
export async function claimPort(port: number): Promise<number> {
  const [claimed = port] = await claimPorts([port]);
  return claimed;
}

async function listenAnywhere(): Promise<Server> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await listenOn(randomInt(FREE_FROM, FREE_TO));
    } catch (error) {
      if (tries >= TRIES) throw error;
    }
  }
}

function listenOn(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", ({ message }) =>
      reject(
        new StackError(
          "port_taken",
          `Port ${port} on ${LOOPBACK} cannot be used (${message}). Stop what uses it, or choose another port.`,
        ),
      ),
    );
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => resolve(server));
  });
}
