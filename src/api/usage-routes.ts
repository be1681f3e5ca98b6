/** `/v1/usage` and `/v1/budget`: what the caller's tenant has spent, and what is left. `/admin`: budgets and the books. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import { parseId, type TaskId, type TenantId } from "../market/ids.ts";
import { microsToUsd, sumMicros } from "../market/money.ts";
import type { ToolLine } from "../tenancy/tool-usage.ts";
import type { CallLine, UsageLine } from "../market/ledger/reconcile.ts";
import type { BooksAnswers, BooksQuery, TaskLines } from "../tenancy/books.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import { dayOf } from "../tenancy/utc.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { accountJson, budgetJson, budgetSchema } from "./budget-json.ts";
import { authorizedCaller, requireOperator } from "./credentials.ts";
import { csv } from "./csv.ts";
import { Problem } from "./problem.ts";
import { readBody, readQuery } from "./request-body.ts";

/** Days that one call may ask for. */
const MAX_DAYS = 366;
const DAY_MS = 24 * 60 * 60 * 1_000;
const DEFAULT_DAYS = 30;
const MAX_PAGE = 1_000;

const day = z.iso.date();
const usageQuerySchema = z
  .strictObject({
    from: day.optional(),
    to: day.optional(),
    task: z.string().optional(),
    format: z.enum(["json", "csv"]).default("json"),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, {
    path: ["to"],
    message: "earlier than `from`",
  })
  .refine(({ task, from, to }) => task === undefined || (from === undefined && to === undefined), {
    path: ["task"],
    message: "a task is asked for without days",
  });

const callsQuerySchema = z.strictObject({
  cursor: z.string().default(""),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
});
const transfersQuerySchema = z.strictObject({
  cursor: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
});

/** Columns of the exports, in order. */
const LINE_COLUMNS = [
  "day",
  "keyId",
  "agentId",
  "kind",
  "calls",
  "unconfirmed",
  "inputTokens",
  "cachedInputTokens",
  "outputTokens",
  "costUsd",
  "paidByHouseUsd",
] as const satisfies readonly (keyof ReturnType<typeof lineJson>)[];
const CALL_COLUMNS = [
  "callId",
  "day",
  "agentId",
  "kind",
  "attempt",
  "status",
  "inputTokens",
  "cachedInputTokens",
  "outputTokens",
  "costUsd",
  "paidByHouseUsd",
] as const satisfies readonly (keyof ReturnType<typeof callJson>)[];

const NO_TASK: TaskLines = { known: false, calls: [] };

/** For tenants, at `/v1`. */
export function usageRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/usage", async (c) => {
      const { tenantId } = await authorizedCaller(c, config, "read");
      const query = readQuery(c, usageQuerySchema);
      const read = reader(config.marketRoom<MarketRoomApi>(tenantId));
      if (query.task !== undefined) {
        const taskId = parseId("tsk", query.task);
        const { known, calls } = taskId === null ? NO_TASK : await read({ kind: "task", taskId });
        if (taskId === null || !known) throw new Problem("task_not_found");
        return query.format === "csv"
          ? csv(c, CALL_COLUMNS, calls.map(callJson))
          : c.json(taskUsage(taskId, calls));
      }
      const { from, to } = period(query, config.source.now());
      const lines = await read({ kind: "usage", from, to });
      if (query.format === "csv") return csv(c, LINE_COLUMNS, lines.map(lineJson));
      const total = sumMicros(lines.map((line) => line.chargedMicros));
      return c.json({ object: "usage", from, to, totalUsd: microsToUsd(total), data: lines.map(lineJson) });
    })
    .get("/budget", async (c) => {
      const { tenantId, keyHash } = await authorizedCaller(c, config, "read");
      return c.json(await budgetOf(config.marketRoom<MarketRoomApi>(tenantId), keyHash));
    });
}

/** For the operator, at `/admin/tenants`. */
export function bookRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  const room = async (c: Context<ApiEnv>): Promise<MarketRoomApi> => {
    await requireOperator(c, config);
    return config.marketRoom<MarketRoomApi>(tenantOf(c.req.param("id") ?? ""));
  };
  return new Hono<ApiEnv>()
    .get("/:id/budget", async (c) => c.json(await budgetOf(await room(c))))
    .put("/:id/budget", async (c) => {
      const market = await room(c);
      const { value } = await readBody(c, budgetSchema);
      if (!(await market.setBudget(value))) throw new Problem("tenant_not_found");
      return c.json(await budgetOf(market));
    })
    .get("/:id/books/calls", async (c) => {
      const read = reader(await room(c));
      const { cursor: after, limit } = readQuery(c, callsQuerySchema);
      const data = await read({ kind: "calls", after, limit });
      return c.json({ object: "list", data, nextCursor: data.length < limit ? null : data.at(-1)?.callId });
    })
    .get("/:id/books/transfers", async (c) => {
      const read = reader(await room(c));
      const { cursor: after, limit } = readQuery(c, transfersQuerySchema);
      const data = await read({ kind: "transfers", after, limit });
      return c.json({ object: "list", data, nextCursor: data.length < limit ? null : data.at(-1)?.id });
    })
    .get("/:id/books/sums", async (c) => {
      const read = reader(await room(c));
      const { cursor: after, limit } = readQuery(c, callsQuerySchema);
      const sums = await read({ kind: "sums", after, limit });
      const last = sums.accounts.length < limit ? null : sums.accounts.at(-1)?.taskId;
      return c.json({ ...sums, nextCursor: last });
    });
}

type Reader = <K extends BooksQuery["kind"]>(
  query: Extract<BooksQuery, { readonly kind: K }>,
) => Promise<BooksAnswers[K]>;

/** @throws Problem tenant_not_found */
function reader(market: MarketRoomApi): Reader {
  return async <K extends BooksQuery["kind"]>(query: Extract<BooksQuery, { readonly kind: K }>) => {
    const answer = await market.readBooks(query);
    if (answer === null) throw new Problem("tenant_not_found");
    // SAFETY: the room answers a query by its kind, see `Books.read`.
    return answer as BooksAnswers[K];
  };
}

/** @param by hash of the key that asks; absent: the operator does */
async function budgetOf(market: MarketRoomApi, by?: string) {
  const query = { kind: "budget" as const, ...(by !== undefined && { by }) };
  const { budget, spending, account } = await reader(market)(query);
  return { ...budgetJson(budget, spending), ...(account != null && { key: accountJson(account) }) };
}

function tenantOf(text: string): TenantId {
  const id = parseId("ten", text);
  if (id === null) throw new Problem("tenant_not_found");
  return id;
}

/** @throws Problem invalid_parameter where it is longer than a year */
function period(
  query: { readonly from?: string | undefined; readonly to?: string | undefined },
  nowMs: number,
): { readonly from: string; readonly to: string } {
  const to = query.to ?? dayOf(nowMs);
  const from = query.from ?? dayOf(Date.parse(to) - (DEFAULT_DAYS - 1) * DAY_MS);
  if (from > to || (Date.parse(to) - Date.parse(from)) / DAY_MS >= MAX_DAYS) {
    throw new Problem("invalid_parameter", {
      issues: [{ path: "query from", message: `between 1 and ${MAX_DAYS} days, ending with \`to\`` }],
    });
  }
  return { from, to };
}

function lineJson({ chargedMicros, houseMicros, ...line }: UsageLine | ToolLine) {
  return { ...line, costUsd: microsToUsd(chargedMicros), paidByHouseUsd: microsToUsd(houseMicros) };
}

function callJson(line: CallLine) {
  return {
    callId: line.callId,
    day: line.day,
    agentId: line.agentId,
    kind: line.kind,
    attempt: line.attempt,
    status: line.status,
    inputTokens: line.usage?.inputTokens ?? null,
    cachedInputTokens: line.usage?.cachedInputTokens ?? null,
    outputTokens: line.usage?.outputTokens ?? null,
    costUsd: microsToUsd(line.chargedMicros),
    paidByHouseUsd: microsToUsd(sumMicros([line.overrunMicros, line.lostMicros])),
  };
}

function taskUsage(taskId: TaskId, calls: readonly CallLine[]) {
  const total = sumMicros(calls.map((call) => call.chargedMicros));
  return { object: "usage", taskId, totalUsd: microsToUsd(total), data: calls.map(callJson) };
}
