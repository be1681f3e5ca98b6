/** A market day with webhooks: endpoints, tasks that end, and the consumer's part over a receiver that tests script. */
import { Webhook } from "standardwebhooks";
import { runInDurableObject } from "cloudflare:test";
import type { DeliveryState } from "../../../src/market/delivery.ts";
import type { TaskId, WebhookId } from "../../../src/market/ids.ts";
import type { TaskEnd } from "../../../src/market/task.ts";
import { sendDue, type WebhookDeps } from "../../../src/tenancy/webhooks/consume-webhooks.ts";
import type {
  DeliveryView,
  WebhookAnswer,
  WebhookOrder,
  WebhookSettings,
  WebhookView,
} from "../../../src/tenancy/webhooks/webhook-api.ts";
import { admitOnly, config, KEY_HASH, openMarket, type MarketDay } from "./market-day.ts";

/** As test/workerd/wrangler.toml allows it. */
export const RECEIVER = "http://receiver.test";
export const SECRET = `whsec_${btoa("a secret that is long enough ....")}`;

type Unsigned<O> = O extends WebhookOrder ? Omit<O, "by"> : never;

export interface Sent {
  readonly url: string;
  readonly id: string;
  readonly body: string;
  readonly headers: Record<string, string>;
}

/** A receiver that keeps what it is sent and answers as it is told. */
export class Receiver {
  readonly sent: Sent[] = [];
  answer: (sent: Sent) => Promise<Response> | Response = () => new Response(null, { status: 204 });

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const headers = init.headers as Record<string, string>;
    const sent = { url, id: headers["webhook-id"] ?? "", body: init.body as string, headers };
    this.sent.push(sent);
    return this.answer(sent);
  };

  /** What the library reads of it under this secret. @throws where the signature is none of it */
  static verified({ body, headers }: Sent, secret = SECRET): { type: string; data: Record<string, unknown> } {
    return new Webhook(secret).verify(body, headers) as { type: string; data: Record<string, unknown> };
  }
}

/** Answers of a receiver, all with this status. */
export const answering =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    new Response(null, { status, headers });

export interface WebhookDay extends MarketDay {
  readonly receiver: Receiver;
  order(order: Unsigned<WebhookOrder>): Promise<WebhookAnswer>;
  endpoint(settings?: Partial<WebhookSettings>): Promise<WebhookView>;
  read(webhookId: WebhookId): Promise<WebhookView>;
  /** A task that ends at once. */
  endTask(end?: TaskEnd): Promise<TaskId>;
  /** The consumer comes. */
  carry(webhookId: WebhookId, deps?: Partial<WebhookDeps>): Promise<void>;
  deliveries(webhookId: WebhookId, state?: DeliveryState): Promise<readonly DeliveryView[]>;
  /** When the endpoint's timer rings; null: it has none. */
  timerOf(webhookId: WebhookId): Promise<number | null>;
}

/** @param opened the market whose tenant listens; default: a new one */
export async function openWebhookDay(opened?: MarketDay): Promise<WebhookDay> {
  const day = opened ?? (await openMarket());
  const { market, tenantId } = day;
  const receiver = new Receiver();
  const order = async (given: Unsigned<WebhookOrder>): Promise<WebhookAnswer> =>
    market.manageWebhooks({ ...given, by: KEY_HASH });
  const done = async (given: Unsigned<WebhookOrder>) => {
    const answer = await order(given);
    if (!answer.ok) throw new Error(answer.failure.reason);
    return answer.value;
  };
  const one = async (given: Unsigned<WebhookOrder>): Promise<WebhookView> => {
    const [webhook] = (await done(given)).webhooks;
    if (webhook === undefined) throw new Error("no webhook");
    return webhook;
  };
  return {
    ...day,
    receiver,
    order,
    endpoint: async (settings = {}) =>
      one({
        kind: "create",
        settings: { url: `${RECEIVER}/hook`, description: "", events: null, ...settings },
        secret: SECRET,
      }),
    read: async (webhookId) => one({ kind: "read", webhookId }),
    endTask: async (end = { state: "cancelled" }) => {
      const { taskId } = await admitOnly(day);
      await market.ended({ taskId, attempt: 0, end, verdict: null, trace: null });
      return taskId;
    },
    carry: async (webhookId, deps = {}) =>
      sendDue(
        { config, fetch: receiver.fetch, resolve: async () => [], ...deps },
        { kind: "webhook", tenantId, webhookId },
      ),
    deliveries: async (webhookId, state) => {
      const query = { limit: 100, cursor: null, state: state ?? null };
      return (await done({ kind: "deliveries", webhookId, query })).deliveries;
    },
    timerOf: async (webhookId) =>
      runInDurableObject(market, (_, { storage }) => {
        const query = "SELECT due_at_ms FROM timers WHERE kind = 'webhook' AND subject = ?";
        return storage.sql.exec<{ due_at_ms: number }>(query, webhookId).toArray()[0]?.due_at_ms ?? null;
      }),
  };
}
