/**
 * The work queue as the platform runs it, in place of the local one, which hands out one batch at a time and forgets all
 * when it dies: kept in the bench's process, each message brought to the Worker in a request of its own, side by side with
 * the others, again where its delivery broke off, and as a dead letter in the end.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { WORK_DELIVERIES } from "../../src/market/queue-retry.ts";
import { serveOnLoopback, type LoopbackServer } from "../loopback-server.ts";
import type { Delivery, Settled } from "./delivery.ts";

/** How soon a delivery that was not answered is made again. */
const AGAIN_MS = 100;

/**
 * Messages are sent to its origin.
 *
 * @param consumer where the Worker takes a delivery; known once it is up
 */
export async function openWorkQueue(consumer: () => string): Promise<LoopbackServer> {
  const over = new AbortController();
  const bring = async (body: string): Promise<void> => {
    let queue: Delivery["queue"] = "saleroom-work";
    for (let attempts = 1; !over.signal.aborted;) {
      const settled = await deliver(consumer(), { queue, attempts, body }, over.signal);
      if (settled === "done") return;
      await sleep(settled === "unreached" || settled === "broken" ? AGAIN_MS : settled.retryInMs);
      if (settled === "unreached") continue;
      attempts += 1;
      if (queue === "saleroom-dead" || attempts <= WORK_DELIVERIES) continue;
      queue = "saleroom-dead";
      attempts = 1;
    }
  };
  const { origin, close } = await serveOnLoopback(({ body, response }) => {
    response.end();
    void bring(body);
  });
  return {
    origin,
    close: async () => {
      over.abort();
      await close();
    },
  };
}

/** `unreached`: nobody was there. `broken`: somebody may have begun with it. */
async function deliver(
  url: string,
  delivery: Delivery,
  signal: AbortSignal,
): Promise<Settled | "unreached" | "broken"> {
  try {
    const response = await fetch(url, { method: "POST", body: JSON.stringify(delivery), signal });
    return response.ok ? ((await response.json()) as Settled) : "broken";
  } catch (error) {
    return isRefused(error) ? "unreached" : "broken";
  }
}

function isRefused(error: unknown): boolean {
  return (
    error instanceof Error && (error.cause as { readonly code?: string } | undefined)?.code === "ECONNREFUSED"
  );
}
