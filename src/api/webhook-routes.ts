/** `/v1/webhooks`: a tenant's endpoints, what was delivered to them, and once more on request. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import type { Config } from "../config.ts";
import { DELIVERY_STATES } from "../market/delivery.ts";
import { parseId, type DeliveryId, type WebhookId } from "../market/ids.ts";
import { MAX_OVERLAP_S } from "../market/key-scope.ts";
import { MAX_DESCRIPTION_CHARS, MAX_URL_CHARS, TASK_EVENT_TYPES } from "../market/webhook.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type { WebhookAnswer, WebhookOrder, WebhookView } from "../tenancy/webhooks/webhook-api.ts";
import { newSigningSecret } from "../tenancy/webhooks/signing-secret.ts";
import { webhookAddress } from "../tenancy/webhooks/webhook-address.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller, parsedOf, unauthenticated } from "./credentials.ts";
import { idempotencyOf, markReplayed, secretOf, withSecret } from "./idempotency.ts";
import { Problem } from "./problem.ts";
import { readBody, readQuery } from "./request-body.ts";
import { deliveryJson, webhookJson } from "./webhook-json.ts";

const MAX_PAGE = 100;
const DEFAULT_PAGE = 20;
const DEFAULT_OVERLAP_S = 24 * 60 * 60;

const url = z.string().min(1).max(MAX_URL_CHARS);
const description = z.string().max(MAX_DESCRIPTION_CHARS);
const events = z
  .array(z.enum(TASK_EVENT_TYPES))
  .min(1)
  .refine((types) => new Set(types).size === types.length, "an event is named twice")
  .nullable();
const webhookSchema = z.strictObject({
  url,
  description: description.default(""),
  /** Null: every final state, also those that come to be later. */
  events: events.default(null),
});
/** What is absent stays as it is. */
const changeSchema = z.strictObject({
  url: url.exactOptional(),
  description: description.exactOptional(),
  events: events.exactOptional(),
  enabled: z.boolean().exactOptional(),
});
const rotationSchema = z.strictObject({
  /** How long the old secret signs beside the new one. */
  overlapS: z.int().min(0).max(MAX_OVERLAP_S).default(DEFAULT_OVERLAP_S),
});
const deliveryQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(DEFAULT_PAGE),
  cursor: z
    .string()
    .transform((text, context): DeliveryId => {
      const id = parseId("dlv", text);
      if (id !== null) return id;
      context.addIssue("not the id of a delivery");
      return z.NEVER;
    })
    .optional(),
  state: z.enum(DELIVERY_STATES).optional(),
});

export function webhookRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/", async (c) => {
      const { webhooks } = await managed(c, config, { kind: "list" });
      return c.json({ object: "list", data: webhooks.map(webhookJson) });
    })
    .post("/", async (c) => create(c, config))
    .get("/:webhook", async (c) => c.json(webhookJson(await one(c, config, { kind: "read" }))))
    .patch("/:webhook", async (c) => {
      const { enabled, ...settings } = await parsedOf(c, { config, scope: "admin" }, async () => {
        const { value } = await readBody(c, changeSchema);
        return value.url === undefined ? value : { ...value, url: addressOf(value.url, config) };
      });
      const order = { kind: "change", settings, ...(enabled !== undefined && { enabled }) } as const;
      return c.json(webhookJson(await one(c, config, order)));
    })
    .delete("/:webhook", async (c) => {
      const { webhookId } = await one(c, config, { kind: "remove" });
      return c.json({ object: "webhook", id: webhookId, deleted: true });
    })
    .post("/:webhook/rotate", async (c) => {
      const { value, text } = await parsedOf(c, { config, scope: "admin" }, async () =>
        readBody(c, rotationSchema),
      );
      const secret = newSigningSecret();
      const order = { kind: "rotate", webhookId: webhookIdOf(c), secret, ...value } as const;
      const { shown } = await once(c, config, { order, text, secret });
      return c.json(shown);
    })
    .post("/:webhook/test", async (c) => {
      return send(c, config, { kind: "test", webhookId: webhookIdOf(c) });
    })
    .get("/:webhook/deliveries", async (c) => listDeliveries(c, config))
    .post("/:webhook/deliveries/:delivery/redeliver", async (c) => {
      const deliveryId = (parseId("dlv", c.req.param("delivery")) ?? "") as DeliveryId;
      return send(c, config, { kind: "redeliver", webhookId: webhookIdOf(c), deliveryId });
    });
}

async function create(c: Context<ApiEnv>, config: Config): Promise<Response> {
  const { settings, text } = await parsedOf(c, { config, scope: "admin" }, async () => {
    const { value, text: body } = await readBody(c, webhookSchema);
    return { settings: { ...value, url: addressOf(value.url, config) }, text: body };
  });
  const secret = newSigningSecret();
  const { webhookId, shown } = await once(c, config, {
    order: { kind: "create", settings, secret },
    text,
    secret,
  });
  c.header("Location", `/v1/webhooks/${webhookId}`);
  return c.json(shown, 201);
}

/** An endpoint with its new secret: the same ones again under the same Idempotency-Key. */
async function once(
  c: Context<ApiEnv>,
  config: Config,
  asked: { readonly order: Unsigned<WebhookOrder>; readonly text: string; readonly secret: string },
) {
  const { order, text, secret: made } = asked;
  const request = await parsedOf(c, { config, scope: "admin" }, async () => idempotencyOf(c, text));
  const idempotency = await withSecret(c, request, made);
  const { webhooks, replay } = await managed(c, config, { ...order, idempotency });
  const secret = await secretOf(c, idempotency, { made, replay });
  if (replay != null) markReplayed(c);
  const webhook = first(webhooks);
  return { webhookId: webhook.webhookId, shown: { ...webhookJson(webhook), secret } };
}

/** Sends something: once under the same Idempotency-Key. */
async function send(c: Context<ApiEnv>, config: Config, order: Unsigned<WebhookOrder>): Promise<Response> {
  const idempotency = await parsedOf(c, { config, scope: "admin" }, async () =>
    idempotencyOf(c, await c.req.text()),
  );
  const { deliveries, replay } = await managed(c, config, { ...order, idempotency });
  if (replay != null) markReplayed(c);
  return c.json(deliveryJson(first(deliveries)), 202);
}

/** Newest first. */
async function listDeliveries(c: Context<ApiEnv>, config: Config): Promise<Response> {
  const {
    limit,
    cursor = null,
    state = null,
  } = await parsedOf(c, { config, scope: "read" }, () => readQuery(c, deliveryQuerySchema));
  const { deliveries } = await managed(c, config, {
    kind: "deliveries",
    webhookId: webhookIdOf(c),
    query: { limit: limit + 1, cursor, state },
  });
  const page = deliveries.slice(0, limit);
  const nextCursor = deliveries.length > limit ? (page.at(-1)?.deliveryId ?? null) : null;
  return c.json({ object: "list", data: page.map(deliveryJson), nextCursor });
}

/** Orders that change nothing. */
const READING: ReadonlySet<WebhookOrder["kind"]> = new Set(["list", "read", "deliveries"]);

type Unsigned<O> = O extends WebhookOrder ? Omit<O, "by"> : never;
type OfOne<O> = O extends { readonly webhookId: WebhookId } ? Omit<O, "by" | "webhookId"> : never;
type Managed = Extract<WebhookAnswer, { readonly ok: true }>["value"];

/** @throws Problem where the room refuses */
async function managed(c: Context<ApiEnv>, config: Config, order: Unsigned<WebhookOrder>): Promise<Managed> {
  const scope = READING.has(order.kind) ? "read" : "admin";
  const { tenantId, keyHash } = await authorizedCaller(c, config, scope);
  const room = config.marketRoom<MarketRoomApi>(tenantId);
  const answer: WebhookAnswer = await room.manageWebhooks({ ...order, by: keyHash });
  if (answer.ok) return answer.value;
  const { reason } = answer.failure;
  throw reason === "unauthenticated" ? unauthenticated() : new Problem(reason);
}

/** An order about the path's endpoint, which it answers with. */
async function one(c: Context<ApiEnv>, config: Config, order: OfOne<WebhookOrder>): Promise<WebhookView> {
  const { webhooks } = await managed(c, config, { ...order, webhookId: webhookIdOf(c) });
  return first(webhooks);
}

function first<T>(list: readonly T[]): T {
  const [found] = list;
  if (found === undefined) throw new Error("the room answered without what it was asked about");
  return found;
}

/** An id that names none is left to the room, so that who is refused comes before what is wrong. */
function webhookIdOf(c: Context<ApiEnv>): WebhookId {
  return (parseId("whk", c.req.param("webhook") ?? "") ?? "") as WebhookId;
}

function addressOf(text: string, config: Config): string {
  const address = webhookAddress(text, config.webhookAllowList);
  if (address.ok) return address.value.href;
  throw new Problem("invalid_body", { issues: [{ path: "url", message: address.failure }] });
}
