/** Queue messages: ids and a generation, never content (architecture, decision 2). */
import { z } from "zod";
import { parseId, type TaskId, type TenantId, type WebhookId } from "./ids.ts";

const tenantId = z.string().transform((text, context): TenantId => {
  const id = parseId("ten", text);
  if (id !== null) return id;
  context.addIssue("not a tenant id");
  return z.NEVER;
});
const taskId = z.string().transform((text, context): TaskId => {
  const id = parseId("tsk", text);
  if (id !== null) return id;
  context.addIssue("not a task id");
  return z.NEVER;
});

const webhookId = z.string().transform((text, context): WebhookId => {
  const id = parseId("whk", text);
  if (id !== null) return id;
  context.addIssue("not the id of a webhook");
  return z.NEVER;
});

const auctionMessageSchema = z.strictObject({
  kind: z.literal("auction"),
  tenantId,
  taskId,
  generation: z.int().min(1),
});
const traceMessageSchema = z.strictObject({
  kind: z.literal("trace"),
  tenantId,
  taskId,
  attempt: z.int().min(1),
  generation: z.int().min(1),
});

/** On the work queue: resume an auction, or run one slice of a trace. */
export const workMessageSchema = z.discriminatedUnion("kind", [auctionMessageSchema, traceMessageSchema]);
/** On the history queue: this tenant's market room has rows for D1, or vectors for the memory's index. */
export const historyMessageSchema = z.strictObject({ kind: z.enum(["history", "memory"]), tenantId });
/** On the webhooks' queue: something is due to be sent to this endpoint. */
export const webhookMessageSchema = z.strictObject({ kind: z.literal("webhook"), tenantId, webhookId });

export type AuctionMessage = z.output<typeof auctionMessageSchema>;
export type TraceMessage = z.output<typeof traceMessageSchema>;
export type HistoryMessage = z.output<typeof historyMessageSchema>;
export type WebhookMessage = z.output<typeof webhookMessageSchema>;
