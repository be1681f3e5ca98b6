/** Consumers of what market rooms owe outside: rows and vectors by the one queue, webhooks by the other. */
import type { Config } from "../config.ts";
import type { VectorIndex } from "../memory/memory-port.ts";
import { consumeHistory } from "./consume-history.ts";
import { consumeWebhooks } from "./webhooks/consume-webhooks.ts";
import { createResolve } from "./resolve-host.ts";

export interface OutsideDeps {
  readonly config: Config;
  readonly index: VectorIndex;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

export async function consumeOutside(
  { config, index, fetch }: OutsideDeps,
  batch: MessageBatch,
): Promise<void> {
  if (batch.queue === "saleroom-history") await consumeHistory(config, index, batch);
  else await consumeWebhooks({ config, fetch, resolve: createResolve(fetch) }, batch);
}
