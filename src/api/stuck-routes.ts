/** `/admin/stuck`: what is stuck and why, over all tenants, for the operator; and what can be done about it. */
import { Hono, type Context } from "hono";
import { z } from "zod";
import { dismissUnreadable, findStuck, readStuck, type StuckRecord } from "../history/read-stuck.ts";
import { readOpenTenants } from "../history/read-open-tenants.ts";
import { parseId, type StuckId, type TenantId } from "../market/ids.ts";
import { microsToUsd } from "../market/money.ts";
import type { StuckApi, StuckRefusal } from "../tenancy/stuck-api.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { requireOperator } from "./credentials.ts";
import { lookIntoRooms } from "./look-into-rooms.ts";
import { Problem } from "./problem.ts";
import { readQuery } from "./request-body.ts";
import { recordJson } from "./stuck-json.ts";

const MAX_PAGE = 100;
/** Tenants whose rooms one page looks into: an invocation has a limited number of requests. */
const TENANTS_PER_PAGE = 10;

/** Where a page begins: among what was given up, or where that is at its end, among the rooms. */
type Cursor = { readonly after?: StuckId } | { readonly rooms: true; readonly after: TenantId };

const cursorSchema = z.string().transform((text, context): Cursor => {
  const stuckId = parseId("stk", text);
  if (stuckId !== null) return { after: stuckId };
  const tenantId = parseId("ten", text);
  if (tenantId !== null) return { rooms: true, after: tenantId };
  context.addIssue("not the `nextCursor` of a page");
  return z.NEVER;
});
const listQuerySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(MAX_PAGE),
  cursor: cursorSchema.default({}),
});

export function stuckRoutes({ config }: ApiDeps): Hono<ApiEnv> {
  /** With its tenant's room, where it has one. */
  const named = async (c: Context<ApiEnv>): Promise<{ record: StuckRecord; room: StuckApi | null }> => {
    await requireOperator(c, config);
    const stuckId = parseId("stk", c.req.param("id") ?? "");
    const record = stuckId === null ? null : await findStuck(config.db, stuckId);
    if (record === null) throw new Problem("stuck_not_found");
    const { tenantId } = record;
    return { record, room: tenantId === null ? null : config.marketRoom<StuckApi>(tenantId) };
  };
  return new Hono<ApiEnv>()
    .get("/", async (c) => {
      await requireOperator(c, config);
      const { limit, cursor } = readQuery(c, listQuerySchema);
      const records = "rooms" in cursor ? [] : await readStuck(config.db, { cursor: cursor.after, limit });
      const last = records.at(-1);
      if (last !== undefined && records.length === limit)
        return c.json({ object: "list", data: records.map(recordJson), nextCursor: last.stuckId });
      const after = "rooms" in cursor ? cursor.after : undefined;
      const page = { limit: TENANTS_PER_PAGE, ...(after !== undefined && { cursor: after }) };
      const tenants = await readOpenTenants(config.db, page);
      const found = await lookIntoRooms(config, tenants);
      const nextCursor = tenants.length < TENANTS_PER_PAGE ? null : (tenants.at(-1) ?? null);
      return c.json({ object: "list", data: [...records.map(recordJson), ...found], nextCursor });
    })
    .post("/:id/redrive", async (c) => {
      const { record, room } = await named(c);
      const { stuckId: id, tenantId } = record;
      if (room === null) throw new Problem("stuck_not_redrivable");
      const redriven = await room.redriveStuck(id);
      if (!redriven.ok) throw refusalProblem(redriven.failure);
      const { taskId, replayed } = redriven.value;
      return c.json({ object: "stuck", id, tenantId, taskId, state: "redriven", replayed });
    })
    .post("/:id/dismiss", async (c) => {
      const { record, room } = await named(c);
      const { stuckId: id, tenantId, taskId } = record;
      if (room === null) await dismissUnreadable(config.db, id);
      else {
        const dismissed = await room.dismissStuck(id);
        if (!dismissed.ok) throw refusalProblem(dismissed.failure);
      }
      return c.json({ object: "stuck", id, tenantId, taskId, state: "dismissed" });
    });
}

function refusalProblem(refusal: StuckRefusal): Problem {
  if (refusal.reason !== "budget") return new Problem(refusal.reason);
  const { scope, limit, askedMicros, leftMicros } = refusal.refusal;
  const [askedUsd, leftUsd] = [microsToUsd(askedMicros), microsToUsd(leftMicros)];
  return new Problem("budget_exceeded", { details: { scope, limit, askedUsd, leftUsd } });
}
