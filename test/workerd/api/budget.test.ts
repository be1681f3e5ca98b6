/** Budgets and books over HTTP: refused with its figures, set by the operator, and read back line by line. */
import { beforeEach, describe, expect, test } from "vitest";
import { newId } from "../../../src/market/ids.ts";
import { asMicros } from "../../../src/market/money.ts";
import type { SpentCall } from "../../../src/market/report.ts";
import type { MarketRoomPort } from "../../../src/taskroom/market-room-port.ts";
import { marketStub } from "../stubs.ts";
import {
  bodyOf,
  call,
  config,
  holdTask,
  keyWith,
  openTenant,
  OPERATOR,
  post,
  problemOf,
  put,
  type Tenant,
} from "./support.ts";

const NO_LIMITS = { totalUsd: null, dayUsd: null, monthUsd: null };

let tenant: Tenant;
beforeEach(async () => {
  tenant = await openTenant();
});

const get = async (path: string, headers: Readonly<Record<string, string>> = OPERATOR) =>
  call(path, { headers });
const budgetPath = () => `/admin/tenants/${tenant.tenantId}/budget`;
const setBudget = async (
  body: unknown,
  path = budgetPath(),
  headers: Readonly<Record<string, string>> = OPERATOR,
) => put(path, body, headers);
const ownBudget = async () => bodyOf(await get("/v1/budget", tenant.auth));

/** Calls of one task, as its room tells them; the tenant was charged so much for each. */
async function spend(micros: readonly number[]) {
  const taskId = await holdTask(tenant);
  const calls = micros.map((each): SpentCall => ({
    callId: newId("cal", config.source),
    kind: "trace",
    agentId: null,
    attempt: 1,
    status: "billed",
    micros: asMicros(each),
    boundMicros: asMicros(each),
    usage: null,
    endedAtMs: config.source.now(),
  }));
  await marketStub<MarketRoomPort>(tenant.tenantId).spent(taskId, calls);
  return { taskId, callIds: calls.map((one) => one.callId).toSorted() };
}

const detailsOf = async (response: Response) => {
  const { error } = await response.json<{ error: { details?: { askedUsd: number; leftUsd: number } } }>();
  return error.details;
};

describe("a task that its budget does not take", () => {
  test("is refused: 402, with which limit, what was asked and what is left", async () => {
    await setBudget({ totalUsd: 0.000009 });
    const response = await post("/v1/tasks", { prompt: "p" }, tenant.auth);
    expect(response.status).toBe(402);
    const body = await bodyOf(response.clone());
    expect(body).toEqual({
      error: {
        code: "budget_exceeded",
        message: expect.stringMatching(/nothing was/),
        retryable: true,
        details: {
          scope: "tenant",
          limit: "total",
          askedUsd: expect.any(Number),
          leftUsd: 0.000009,
        },
      },
      requestId: response.headers.get("X-Request-Id"),
    });
    expect((await detailsOf(response))?.askedUsd).toBeGreaterThan(0.000009);
    expect(await tenant.market.heldTasks()).toEqual([]);
  });

  test("of its key names the key's limit", async () => {
    const { auth } = await keyWith(tenant, { budget: { monthUsd: 0.000001 } });
    const response = await post("/v1/tasks", { prompt: "p" }, auth);
    expect(await problemOf(response.clone())).toEqual({ status: 402, code: "budget_exceeded", paths: [] });
    expect(await detailsOf(response)).toMatchObject({ scope: "key", limit: "month", leftUsd: 0.000001 });
  });

  test("by its own limit is told what bidding and judging may cost, and fits with that", async () => {
    const submit = async (maxCostUsd: number) =>
      post("/v1/tasks", { prompt: "p", limits: { maxCostUsd } }, tenant.auth);
    const response = await submit(0.000001);
    expect(await problemOf(response.clone())).toEqual({ status: 400, code: "cost_limit_too_low", paths: [] });
    const details = await detailsOf(response);
    expect(details).toMatchObject({ leftUsd: 0.000001 });
    expect((await submit(details?.askedUsd ?? 0)).status).toBe(202);
  });

  test("may be sent again under the same Idempotency-Key once there is money", async () => {
    await setBudget({ totalUsd: 0 });
    const submit = async () =>
      post("/v1/tasks", { prompt: "p" }, { ...tenant.auth, "Idempotency-Key": "again" });
    expect((await submit()).status).toBe(402);
    await setBudget({ totalUsd: 100 });
    expect((await submit()).status).toBe(202);
    await setBudget({ totalUsd: 0 });
    // Admitted, it is answered whatever is left.
    expect((await submit()).status).not.toBe(402);
    expect(await tenant.market.heldTasks()).toHaveLength(1);
  });

  test.each<[string, unknown]>([
    ["nothing", 0],
    ["less than nothing", -1],
    ["text", "1"],
    ["more than any task costs", 100_001],
  ])("of a limit that is %s is not understood, and the field is named", async (_, maxCostUsd) => {
    const response = await post("/v1/tasks", { prompt: "p", limits: { maxCostUsd } }, tenant.auth);
    expect(await problemOf(response)).toEqual({
      status: 400,
      code: "invalid_body",
      paths: ["limits.maxCostUsd"],
    });
  });
});

describe("a budget", () => {
  test("of a new tenant has no limit, and nothing is spent", async () => {
    expect(await ownBudget()).toEqual({
      object: "budget",
      ...NO_LIMITS,
      heldUsd: 0,
      spentUsd: { total: 0, day: 0, month: 0 },
      leftUsd: null,
    });
  });

  test("says what is held, what is spent, and what the narrowest limit leaves", async () => {
    await setBudget({ totalUsd: 500, dayUsd: 100, monthUsd: 400 });
    await spend([1_500, 2_500]);
    const seen = (await ownBudget()) as { heldUsd: number; leftUsd: number };
    expect(seen).toMatchObject({
      totalUsd: 500,
      dayUsd: 100,
      monthUsd: 400,
      spentUsd: { total: 0.004, day: 0.004, month: 0.004 },
    });
    expect(seen.heldUsd).toBeGreaterThan(0);
    expect(Math.round(1e6 * (seen.heldUsd + seen.leftUsd))).toBe(1e6 * 100 - 4_000);
  });

  test("is the same for its tenant and for the operator, who alone sets it", async () => {
    const set = await setBudget({ dayUsd: 2.5 });
    expect(set.status).toBe(200);
    const body = await bodyOf(set);
    expect(body).toMatchObject({ ...NO_LIMITS, dayUsd: 2.5, leftUsd: 2.5 });
    expect(await bodyOf(await get(budgetPath()))).toEqual(body);
    expect(await ownBudget()).toEqual(body);
    for (const headers of [{}, tenant.auth]) {
      expect((await get(budgetPath(), headers)).status).toBe(401);
      expect((await setBudget({}, budgetPath(), headers)).status).toBe(401);
    }
    expect(await ownBudget()).toEqual(body);
  });

  test("is replaced whole: a limit that is not named is none", async () => {
    await setBudget({ totalUsd: 1, dayUsd: 1 });
    await setBudget({ monthUsd: 3 });
    expect(await ownBudget()).toMatchObject({ ...NO_LIMITS, monthUsd: 3 });
    await setBudget({});
    expect(await ownBudget()).toMatchObject({ ...NO_LIMITS, leftUsd: null });
  });

  test("may come with a new tenant, and with a new key", async () => {
    const made = await post("/admin/tenants", { name: "n", budget: { dayUsd: 0.5 } }, OPERATOR);
    const body = await made.json<{ id: string; budget: object }>();
    expect(body.budget).toEqual({ ...NO_LIMITS, dayUsd: 0.5 });
    expect(await bodyOf(await get(`/admin/tenants/${body.id}/budget`))).toMatchObject({ dayUsd: 0.5 });
    expect((await keyWith(tenant, { budget: { totalUsd: 1 } })).budget).toEqual({
      ...NO_LIMITS,
      totalUsd: 1,
    });
    expect((await keyWith(tenant, { budget: null })).budget).toBeNull();
  });

  test("of a key is not its tenant's: another key goes on", async () => {
    const { auth } = await keyWith(tenant, { budget: { totalUsd: 0 } });
    expect((await post("/v1/tasks", { prompt: "p" }, auth)).status).toBe(402);
    expect((await post("/v1/tasks", { prompt: "p" }, tenant.auth)).status).toBe(202);
  });

  test.each<[string, unknown, string[]]>([
    ["less than nothing", { totalUsd: -1 }, ["totalUsd"]],
    ["text", { dayUsd: "5" }, ["dayUsd"]],
    ["more than can be counted", { monthUsd: 1e12 }, ["monthUsd"]],
    ["a week", { weekUsd: 5 }, ["weekUsd"]],
    ["several things", { totalUsd: -1, dayUsd: true }, ["totalUsd", "dayUsd"]],
    ["a number", 5, [""]],
    ["a list", [], [""]],
  ])("that is %s is refused, and the field is named", async (_, body, paths) => {
    expect(await problemOf(await setBudget(body))).toEqual({ status: 400, code: "invalid_body", paths });
    const within = (path: string) => (path === "" ? "budget" : `budget.${path}`);
    for (const path of ["/admin/tenants", `/admin/tenants/${tenant.tenantId}/keys`]) {
      const response = await post(path, { name: "n", budget: body }, OPERATOR);
      expect(await problemOf(response)).toMatchObject({ status: 400, paths: paths.map(within) });
    }
    expect(await ownBudget()).toMatchObject(NO_LIMITS);
  });

  test.each(["x", "ten_01k", "tsk_01k00000000000000000000000", newId("ten", config.source)])(
    "of %s is nobody's",
    async (id) => {
      const missing = { status: 404, code: "tenant_not_found", paths: [] };
      expect(await problemOf(await get(`/admin/tenants/${id}/budget`))).toEqual(missing);
      expect(await problemOf(await setBudget({}, `/admin/tenants/${id}/budget`))).toEqual(missing);
      for (const book of ["calls", "transfers", "sums"]) {
        expect(await problemOf(await get(`/admin/tenants/${id}/books/${book}`))).toEqual(missing);
      }
    },
  );
});

describe("the books", () => {
  const path = (book: string) => `/admin/tenants/${tenant.tenantId}/books/${book}`;
  interface Page {
    readonly data: readonly { readonly callId: string | null; readonly id?: number; readonly kind: string }[];
    readonly nextCursor: string | number | null;
  }

  /** All pages, one after the other. */
  async function pagesOf(book: string, limit: number): Promise<Page[]> {
    const pages: Page[] = [];
    for (let cursor: Page["nextCursor"] = ""; cursor !== null; cursor = pages.at(-1)?.nextCursor ?? null) {
      const query = cursor === "" ? `limit=${limit}` : `limit=${limit}&cursor=${cursor}`;
      pages.push((await bodyOf(await get(`${path(book)}?${query}`))) as Page);
      if (pages.length > 20) throw new Error("pages without end");
    }
    return pages;
  }

  test.each([1, 2, 3, 5, 6, 1_000])("have every call once, %i to a page", async (limit) => {
    const { callIds } = await spend([10, 20, 30, 40, 50]);
    const pages = await pagesOf("calls", limit);
    expect(pages.flatMap(({ data }) => data.map((one) => one.callId))).toEqual(callIds);
    for (const { data } of pages) expect(data.length).toBeLessThanOrEqual(limit);
  });

  test.each([1, 2, 4, 1_000])("have every transfer once, in order, %i to a page", async (limit) => {
    await spend([10, 20, 30]);
    const all = (await pagesOf("transfers", limit)).flatMap(({ data }) => data);
    expect(all.map((one) => one.kind)).toEqual(["hold", "charge", "charge", "charge"]);
    const ids = all.map((one) => one.id ?? 0);
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
  });

  test("have the sums that stand beside them", async () => {
    const { taskId } = await spend([10, 20]);
    const sums = (await bodyOf(await get(path("sums")))) as {
      accounts: { heldMicros: number }[];
      spending: { scope: string; time: string; micros: number }[];
    };
    expect(sums.accounts).toMatchObject([{ taskId, heldMicros: expect.any(Number), chargedMicros: 30 }]);
    const rest = await bodyOf(await get(path(`sums?cursor=${taskId}`)));
    expect(rest).toMatchObject({ accounts: [], nextCursor: null, spending: sums.spending });
    const first = await bodyOf(await get(path("sums?limit=1")));
    expect(first).toMatchObject({ accounts: sums.accounts, nextCursor: taskId });
    const held = sums.accounts[0]?.heldMicros;
    expect(sums.spending).toContainEqual({
      scope: "tenant",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
      micros: 30,
    });
    expect(sums.spending).toContainEqual({ scope: "tenant", time: "held", micros: held });
    expect(sums.spending.filter(({ scope }) => scope !== "tenant").map(({ scope }) => scope)).toContainEqual(
      expect.stringMatching(/^key_/),
    );
  });

  test.each([
    ["calls?limit=0", "query limit"],
    ["calls?limit=1001", "query limit"],
    ["calls?limit=many", "query limit"],
    ["calls?page=2", "query page"],
    ["transfers?cursor=x", "query cursor"],
    ["transfers?cursor=-1", "query cursor"],
  ])("%s: refused, and the parameter is named", async (query, named) => {
    expect(await problemOf(await get(path(query)))).toEqual({
      status: 400,
      code: "invalid_parameter",
      paths: [named],
    });
  });

  test.each(["calls", "transfers", "sums", "calls?limit=0", "transfers?cursor=x"])(
    "%s: shown to the operator alone",
    async (book) => {
      for (const headers of [{}, tenant.auth]) {
        expect(await problemOf(await get(path(book), headers))).toMatchObject({ status: 401 });
      }
    },
  );
});
