import { describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import {
  historyMessageSchema,
  webhookMessageSchema,
  workMessageSchema,
} from "../../../src/market/message.ts";
import { anOpening, fixedSource } from "../../support/builders.ts";

const { tenantId, taskId } = anOpening();
const auction = { kind: "auction", tenantId, taskId, generation: 1 };
const trace = { kind: "trace", tenantId, taskId, attempt: 2, generation: 3 };

describe("a work message", () => {
  test.each([auction, trace])("$kind is read as it was sent", (message) => {
    expect(workMessageSchema.parse(structuredClone(message))).toEqual(message);
  });

  test.each([
    ["nothing", undefined],
    ["a text", "auction"],
    ["of no kind", { tenantId, taskId, generation: 1 }],
    ["of another queue", { kind: "history", tenantId }],
    ["with content", { ...auction, prompt: "p" }],
    ["another id as tenant", { ...auction, tenantId: taskId }],
    ["another id as task", { ...trace, taskId: tenantId }],
    ["a name as task", { ...auction, taskId: "tsk_1" }],
    ["generation 0", { ...auction, generation: 0 }],
    ["half a generation", { ...trace, generation: 1.5 }],
    ["no attempt", { ...auction, kind: "trace" }],
    ["an attempt where none belongs", { ...auction, attempt: 1 }],
    ["attempt 0", { ...trace, attempt: 0 }],
  ])("%s is none", (_, message) => {
    expect(workMessageSchema.safeParse(message).success).toBe(false);
  });
});

describe("a history message", () => {
  test("names a tenant and nothing else", () => {
    const message = { kind: "history", tenantId };
    expect(historyMessageSchema.parse(structuredClone(message))).toEqual(message);
    expect(historyMessageSchema.safeParse({ ...message, taskId }).success).toBe(false);
    expect(historyMessageSchema.safeParse({ kind: "history", tenantId: taskId }).success).toBe(false);
    expect(historyMessageSchema.safeParse(auction).success).toBe(false);
  });
});

describe("a webhook message", () => {
  test("names an endpoint of a tenant and nothing else", () => {
    const message = { kind: "webhook", tenantId, webhookId: newId("whk", fixedSource()) };
    expect(webhookMessageSchema.parse(structuredClone(message))).toEqual(message);
    expect(webhookMessageSchema.safeParse({ ...message, url: "https://a.example/" }).success).toBe(false);
    expect(webhookMessageSchema.safeParse({ ...message, webhookId: taskId }).success).toBe(false);
    expect(webhookMessageSchema.safeParse({ ...message, tenantId: message.webhookId }).success).toBe(false);
  });
});
