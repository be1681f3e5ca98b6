/** The work queue in place of the local one: each message is brought to the Worker at once, in a request of its own. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { LOOPBACK } from "../../emulators/stack/ports.ts";
import { closed } from "../chaos/failpoint-server.ts";

export interface WorkQueue {
  readonly url: string;
  /** Messages that were brought. */
  readonly count: () => number;
  readonly close: () => Promise<void>;
}

const RETRY_MS = 1_000;

/** @param consumer where the Worker takes a message; known once it is up */
export async function openWorkQueue(consumer: () => string): Promise<WorkQueue> {
  let count = 0;
  const over = new AbortController();
  const bring = async (message: string): Promise<void> => {
    while (!over.signal.aborted) {
      count += 1;
      const response = await fetch(consumer(), { method: "POST", body: message }).catch(() => null);
      if (response?.ok === true) return;
      await sleep(RETRY_MS);
    }
  };
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      response.end();
      void bring(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, LOOPBACK, resolve));
  const url = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`;
  return {
    url,
    count: () => count,
    close: async () => {
      over.abort();
      await closed(server);
    },
  };
}
