/** `/v1/quotes` over HTTP. Without models nobody bids, so these are quotes of policies that hold no auction. */
import { describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { newId } from "../../../src/market/ids.ts";
import { DEFAULT_TENANT_LIMITS } from "../../../src/market/rate-limit.ts";
import { call, carryHistory, config, openTenant, post, problemOf, taskOf, type Tenant } from "./support.ts";

const bidSchema = z.strictObject({
  rank: z.int(),
  agentId: z.string(),
  name: z.string(),
  model: z.string(),
  emulated: z.boolean(),
  round: z.int(),
  score: z.number().nullable(),
  plan: z.string().nullable(),
  expectedCostUsd: z.number(),
  costRangeUsd: z.strictObject({
    low: z.number(),
    median: z.number(),
    high: z.number(),
    share: z.literal(0.8),
  }),
  capUsd: z.number(),
  passChance: z.number().nullable(),
  expectedS: z.number().nullable(),
  expectedSteps: z.number().nullable(),
  deadlineS: z.int(),
  basedOn: z.strictObject({ traces: z.int(), verified: z.int() }),
  acceptable: z.boolean(),
  obstacles: z.array(z.object({ limit: z.string(), is: z.number(), needs: z.number() })),
});
const quoteSchema = z.strictObject({
  object: z.literal("quote"),
  id: z.string(),
  taskId: z.string(),
  state: z.string(),
  expiresAt: z.string().nullable(),
  expiresInS: z.int(),
  acceptedAt: z.string().nullable(),
  acceptedAgentId: z.string().nullable(),
  limits: z.strictObject({ maxCostUsd: z.number().nullable(), deadlineS: z.int(), maxSteps: z.int() }),
  auctionCostUsd: z.number(),
  bids: z.array(bidSchema),
  noSale: z.object({ reason: z.string(), relaxation: z.unknown() }).nullable(),
  failureReason: z.string().nullable(),
  createdAt: z.string(),
});

const QUOTE = { prompt: "What is six times seven?", policy: "cheapest" };

async function quoteOf(response: Response) {
  return quoteSchema.parse(await response.json());
}

async function openQuote(tenant: Tenant, body: object = QUOTE) {
  return quoteOf(await post("/v1/quotes", body, { ...tenant.auth, Prefer: "wait=20" }));
}

describe("POST /v1/quotes", () => {
  test("answers with the bids once the auction has cleared, and reads the same afterwards", async () => {
    const tenant = await openTenant();
    const response = await post("/v1/quotes", QUOTE, { ...tenant.auth, Prefer: "wait=20" });
    expect(response.status).toBe(200);
    expect(response.headers.get("Preference-Applied")).toBe("wait=20");
    const quote = await quoteOf(response);
    expect(response.headers.get("Location")).toBe(`/v1/quotes/${quote.id}`);
    expect(quote).toMatchObject({ state: "open", expiresInS: 600, acceptedAt: null, auctionCostUsd: 0 });
    expect(quote.bids).toHaveLength(1);
    const [bid] = quote.bids;
    expect(bid).toMatchObject({ rank: 1, acceptable: true, passChance: null, deadlineS: 3_600, plan: null });
    expect(bid?.costRangeUsd.low).toBeLessThan(bid?.expectedCostUsd ?? 0);
    expect(bid?.capUsd).toBeGreaterThan(bid?.expectedCostUsd ?? 0);
    expect(await quoteOf(await call(`/v1/quotes/${quote.id}`, { headers: tenant.auth }))).toEqual(quote);
  });

  test("without a wait answers at once with the id", async () => {
    const tenant = await openTenant();
    const response = await post("/v1/quotes", QUOTE, tenant.auth);
    expect([200, 202]).toContain(response.status);
    expect(await response.json()).toMatchObject({ object: "quote", id: expect.stringMatching(/^quo_/) });
  });

  test("of which nobody bids is closed, and says why", async () => {
    const tenant = await openTenant();
    const response = await post("/v1/quotes", { prompt: "p" }, { ...tenant.auth, Prefer: "wait=20" });
    expect(await quoteOf(response)).toMatchObject({ state: "closed", failureReason: "no_bids", bids: [] });
  });

  test("the same Idempotency-Key gives the same quote, and no task", async () => {
    const tenant = await openTenant();
    const headers = { ...tenant.auth, Prefer: "wait=20", "Idempotency-Key": "k" };
    const first = await quoteOf(await post("/v1/quotes", QUOTE, headers));
    expect(await quoteOf(await post("/v1/quotes", QUOTE, headers))).toEqual(first);
    expect((await problemOf(await post("/v1/tasks", QUOTE, headers))).code).toBe("idempotency_conflict");
  });

  test.each([
    [{ ...QUOTE, expiresInS: 9 }, "expiresInS"],
    [{ ...QUOTE, expiresInS: 86_401 }, "expiresInS"],
    [{ ...QUOTE, escalation: { mode: "verified", maxAttempts: 2 } }, "escalation"],
    [{ ...QUOTE, quote: true }, "quote"],
    [{ policy: "cheapest" }, "prompt"],
  ])("%j is refused by name", async (body, path) => {
    const tenant = await openTenant();
    expect(await problemOf(await post("/v1/quotes", body, tenant.auth))).toEqual({
      status: 400,
      code: "invalid_body",
      paths: [path],
    });
  });

  test("is shown as a task in its own state, and in lists", async () => {
    const tenant = await openTenant();
    const { id, taskId } = await openQuote(tenant);
    const task = await taskOf(await call(`/v1/tasks/${taskId}`, { headers: tenant.auth }));
    expect(task).toMatchObject({ state: "quoted", quote: { id, acceptedAt: null } });
    const listed = await call("/v1/tasks?state=quoted", { headers: tenant.auth });
    expect(await listed.json()).toMatchObject({ data: [{ id: taskId, state: "quoted" }] });
  });
});

describe("accepting a quote", () => {
  test("gives its task, and the same again; without a body, the best bid", async () => {
    const tenant = await openTenant();
    const { id, taskId, bids } = await openQuote(tenant);
    const accept = async () => call(`/v1/quotes/${id}/accept`, { method: "POST", headers: tenant.auth });
    const first = await accept();
    expect(first.headers.get("Location")).toBe(`/v1/tasks/${taskId}`);
    expect(await taskOf(first)).toMatchObject({ id: taskId, agentId: bids[0]?.agentId });
    expect(await taskOf(await accept())).toMatchObject({ id: taskId });
    const body = { agentId: bids[0]?.agentId };
    expect((await post(`/v1/quotes/${id}/accept`, body, tenant.auth)).status).toBeLessThan(300);
    expect(await quoteOf(await call(`/v1/quotes/${id}`, { headers: tenant.auth }))).toMatchObject({
      state: "accepted",
      acceptedAgentId: bids[0]?.agentId,
    });
  });

  test("is told when to come again where as many traces wait as may, and its bids stand", async () => {
    const tenant = await openTenant();
    const [first, second] = [await openQuote(tenant), await openQuote(tenant)];
    await tenant.market.setLimits({ ...DEFAULT_TENANT_LIMITS, maxTraces: 1, maxQueued: 0 });
    const accept = async (id: string) => post(`/v1/quotes/${id}/accept`, {}, tenant.auth);
    expect((await accept(first.id)).status).toBe(202);
    const refused = await accept(second.id);
    expect(refused.headers.get("Retry-After")).toBe("5");
    expect(await problemOf(refused)).toEqual({ status: 429, code: "queue_full", paths: [] });
    expect(await quoteOf(await call(`/v1/quotes/${second.id}`, { headers: tenant.auth }))).toMatchObject({
      state: "open",
    });
  });

  test("names what may be accepted", async () => {
    const tenant = await openTenant();
    const { id, bids } = await openQuote(tenant);
    const response = await post(`/v1/quotes/${id}/accept`, { agentId: "agt_nobody" }, tenant.auth);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: {
        code: "unknown_offer",
        issues: [{ path: "agentId", message: `accepted are ${bids[0]?.agentId}` }],
      },
    });
    const wrong = await post(`/v1/quotes/${id}/accept`, { agentId: 7 }, tenant.auth);
    expect(await problemOf(wrong)).toMatchObject({ code: "invalid_body", paths: ["agentId"] });
  });

  test("after a cancel is too late", async () => {
    const tenant = await openTenant();
    const { id } = await openQuote(tenant);
    const cancelled = await call(`/v1/quotes/${id}/cancel`, { method: "POST", headers: tenant.auth });
    expect(await quoteOf(cancelled)).toMatchObject({ state: "closed" });
    const late = await call(`/v1/quotes/${id}/accept`, { method: "POST", headers: tenant.auth });
    expect(await problemOf(late)).toMatchObject({ status: 409, code: "quote_closed" });
  });

  test("answers the same once its task has left the market room, and the same is too late", async () => {
    const tenant = await openTenant();
    const [taken, closed] = [await openQuote(tenant), await openQuote(tenant)];
    const agentId = taken.bids[0]?.agentId;
    const accept = async (id: string, body: object) => post(`/v1/quotes/${id}/accept`, body, tenant.auth);
    expect((await accept(taken.id, {})).status).toBe(202);
    expect((await post(`/v1/tasks/${taken.taskId}/cancel`, {}, tenant.auth)).status).toBe(200);
    expect((await post(`/v1/quotes/${closed.id}/cancel`, {}, tenant.auth)).status).toBe(200);
    await vi.waitFor(async () => {
      await carryHistory(tenant);
      expect(await tenant.market.heldTasks()).toEqual([]);
    });
    for (const body of [{}, { agentId }]) {
      const again = await accept(taken.id, body);
      expect(again.status).toBe(200);
      expect(await taskOf(again)).toMatchObject({ id: taken.taskId, agentId, state: "cancelled" });
    }
    const other = await accept(taken.id, { agentId: "agt_other" });
    expect(await problemOf(other)).toMatchObject({ status: 409, code: "quote_accepted" });
    expect(await problemOf(await accept(closed.id, {}))).toMatchObject({ status: 409, code: "quote_closed" });
  });

  test.each(["quo_1", "tsk_01k8z0000000000000000000aa", newId("quo", config.source)])(
    "%s is no quote",
    async (id) => {
      const tenant = await openTenant();
      for (const [method, path] of [
        ["GET", ""],
        ["POST", "/accept"],
        ["POST", "/cancel"],
      ] as const) {
        const response = await call(`/v1/quotes/${id}${path}`, { method, headers: tenant.auth });
        expect(await problemOf(response)).toMatchObject({ status: 404, code: "quote_not_found" });
      }
    },
  );

  test("needs a key of scope tasks", async () => {
    const tenant = await openTenant();
    const { id } = await openQuote(tenant);
    const made = await post("/v1/keys", { name: "reader", scopes: ["read"] }, tenant.auth);
    const reader = { Authorization: `Bearer ${z.object({ key: z.string() }).parse(await made.json()).key}` };
    expect((await call(`/v1/quotes/${id}`, { headers: reader })).status).toBe(200);
    for (const path of [`/v1/quotes/${id}/accept`, `/v1/quotes/${id}/cancel`]) {
      expect((await call(path, { method: "POST", headers: reader })).status).toBe(403);
    }
    expect((await post("/v1/quotes", QUOTE, reader)).status).toBe(403);
  });
});
