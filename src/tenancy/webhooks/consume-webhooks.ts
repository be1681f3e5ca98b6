/**
 * The webhooks' queue's consumer: sends what is due to an endpoint, and tells the market room what came of it. Each
 * endpoint by itself: one that is slow delays neither another nor the history.
 */
import type { Config } from "../../config.ts";
import { logError } from "../../log.ts";
import { webhookMessageSchema, type WebhookMessage } from "../../market/message.ts";
import { setAside } from "../unreadable.ts";
import { sendDeliveries, type SendDeps } from "./send-webhook.ts";
import type { WebhookApi } from "./webhook-api.ts";

/** An invocation has a limited number of requests, and 15 minutes: of a longer backlog, the next one sends the rest. */
const MAX_BATCHES = 50;
const LAST_BATCH_MS = 10 * 60 * 1_000;

export type WebhookDeps = Omit<SendDeps, "allow" | "now"> & {
  readonly config: Pick<Config, "db" | "marketRoom" | "webhookQueue" | "webhookAllowList" | "source">;
};

export async function consumeWebhooks(deps: WebhookDeps, batch: MessageBatch): Promise<void> {
  const endpoints = new Map<string, { readonly message: WebhookMessage; readonly carried: Message[] }>();
  const unreadable: Promise<void>[] = [];
  for (const carried of batch.messages) {
    const parsed = webhookMessageSchema.safeParse(carried.body);
    if (!parsed.success) {
      unreadable.push(setAside(deps.config, { queue: batch.queue, message: carried, error: parsed.error }));
      continue;
    }
    const { tenantId, webhookId } = parsed.data;
    const key = `${tenantId}/${webhookId}`;
    const endpoint = endpoints.get(key) ?? { message: parsed.data, carried: [] };
    endpoint.carried.push(carried);
    endpoints.set(key, endpoint);
  }
  await Promise.all([
    ...unreadable,
    ...[...endpoints.values()].map(async ({ message, carried }) => {
      try {
        await sendDue(deps, message);
        for (const one of carried) one.ack();
      } catch (error) {
        const { tenantId, webhookId } = message;
        logError("webhook-failed", error, { tenantId, webhookId });
        for (const one of carried) one.retry({ delaySeconds: 2 ** one.attempts });
      }
    }),
  ]);
}

/** Sends what is due to one endpoint. Rejects where the room cannot be reached: what was sent is sent again. */
export async function sendDue(deps: WebhookDeps, message: WebhookMessage): Promise<void> {
  const { config } = deps;
  const { tenantId, webhookId } = message;
  const room = config.marketRoom<WebhookApi>(tenantId);
  const sending = { ...deps, allow: config.webhookAllowList, now: config.source.now };
  const untilMs = sending.now() + LAST_BATCH_MS;
  for (let batch = 0; batch < MAX_BATCHES && sending.now() < untilMs; batch += 1) {
    const claimed = await room.claimDeliveries(webhookId);
    if (claimed === null) return;
    await room.reportDeliveries(webhookId, await sendDeliveries(sending, claimed));
  }
  await config.webhookQueue.send(message);
}
