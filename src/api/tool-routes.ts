/** `/v1/tools`: a tenant's own HTTP tools and remote MCP servers. */
import { Hono, type Context } from "hono";
import type { Config } from "../config.ts";
import { parseId, type ToolId } from "../market/ids.ts";
import type { SecretHeader, ToolSettings } from "../market/tools/tenant-tool.ts";
import type { MarketRoomApi } from "../tenancy/market-room-api.ts";
import type {
  ToolAnswer,
  ToolDeskRefusal,
  ToolOrder,
  ToolsTold,
  ToolView,
} from "../tenancy/tools/tool-api.ts";
import { webhookAddress } from "../tenancy/webhooks/webhook-address.ts";
import type { ApiDeps, ApiEnv } from "./api-env.ts";
import { authorizedCaller, parsedOf, unauthenticated } from "./credentials.ts";
import { idempotencyOf, markReplayed } from "./idempotency.ts";
import { Problem } from "./problem.ts";
import { readBody } from "./request-body.ts";
import { toolSchema } from "./tool-body.ts";
import { toolJson } from "./tool-json.ts";

export function toolRoutes(deps: ApiDeps): Hono<ApiEnv> {
  return new Hono<ApiEnv>()
    .get("/", async (c) => {
      const { tools } = await managed(await openDesk(c, deps, "read"), { kind: "list" });
      return c.json({ object: "list", data: tools.map(toolJson) });
    })
    .post("/", async (c) => create(c, deps))
    .get("/:tool", async (c) => {
      return c.json(toolJson(await one(c, await openDesk(c, deps, "read"), { kind: "read" })));
    })
    .put("/:tool", async (c) => {
      const { settings, secretHeader } = await asked(c, deps.config);
      const desk = await openDesk(c, deps, "admin");
      const secret = secretHeader === undefined ? {} : { secretHeader };
      const changed = await one(c, desk, { kind: "change", settings, ...secret });
      return c.json(toolJson(await listedAnew(c, desk, changed)));
    })
    .delete("/:tool", async (c) => {
      const { toolId } = await one(c, await openDesk(c, deps, "admin"), { kind: "remove" });
      return c.json({ object: "tool", id: toolId, deleted: true });
    })
    .post("/:tool/refresh", async (c) => {
      const desk = await openDesk(c, deps, "admin");
      return c.json(toolJson(await listedAnew(c, desk, await one(c, desk, { kind: "read" }))));
    });
}

/** The market room of a caller that it has confirmed: one request, however often the room is asked for it. */
interface Desk {
  readonly deps: ApiDeps;
  readonly keyHash: string;
  readonly room: MarketRoomApi;
}

async function openDesk(c: Context<ApiEnv>, deps: ApiDeps, scope: "read" | "admin"): Promise<Desk> {
  const { tenantId, keyHash } = await authorizedCaller(c, deps.config, scope);
  return { deps, keyHash, room: deps.config.marketRoom<MarketRoomApi>(tenantId) };
}

interface Asked {
  readonly settings: ToolSettings;
  /** Undefined: nothing was said of it. */
  readonly secretHeader: SecretHeader | null | undefined;
  readonly text: string;
}

async function asked(c: Context<ApiEnv>, config: Config): Promise<Asked> {
  return parsedOf(c, { config, scope: "admin" }, async () => {
    const { value, text } = await readBody(c, toolSchema);
    const { secretHeader, ...settings } = value;
    return { settings: { ...settings, url: addressOf(settings.url, config) }, secretHeader, text };
  });
}

/** A server that cannot be asked for its tools is registered all the same: the answer says why, and `refresh` asks again. */
async function create(c: Context<ApiEnv>, deps: ApiDeps): Promise<Response> {
  const { config } = deps;
  const { settings, secretHeader = null, text } = await asked(c, config);
  const idempotency = await parsedOf(c, { config, scope: "admin" }, async () => idempotencyOf(c, text));
  // Before anything is asked for its tools: nobody has this house call anywhere without a key that may.
  const desk = await openDesk(c, deps, "admin");
  const listing = settings.type === "mcp" ? await deps.listServer({ ...settings, secretHeader }) : null;
  const order = { kind: "create", settings, secretHeader, listing, idempotency } as const;
  const { tools, replay } = await managed(desk, order);
  if (replay != null) markReplayed(c);
  const made = first(tools);
  c.header("Location", `/v1/tools/${made.toolId}`);
  return c.json(toolJson(made), 201);
}

/** A server is asked again for its tools, where it is by now; an HTTP tool is as it is. */
async function listedAnew(c: Context<ApiEnv>, desk: Desk, tool: ToolView): Promise<ToolView> {
  if (tool.type !== "mcp") return tool;
  const access = await desk.room.toolAccess(tool.toolId);
  if (access === null) throw new Problem("tool_not_found");
  const { name, allow } = tool;
  const listing = await desk.deps.listServer({ ...access, name, allow });
  return one(c, desk, { kind: "listed", version: access.version, listing });
}

type Unsigned<O> = O extends ToolOrder ? Omit<O, "by"> : never;
type OfOne<O> = O extends { readonly toolId: ToolId } ? Omit<O, "by" | "toolId"> : never;

/** @throws Problem where the room refuses */
async function managed({ room, keyHash }: Desk, order: Unsigned<ToolOrder>): Promise<ToolsTold> {
  const answer: ToolAnswer = await room.manageTools({ ...order, by: keyHash });
  if (answer.ok) return answer.value;
  throw refusal(answer.failure);
}

function refusal({ reason }: ToolDeskRefusal): Problem {
  switch (reason) {
    case "unauthenticated":
      return unauthenticated();
    case "tool_type_fixed":
      return badField("type", "a tool keeps its type: remove it, and register another");
    case "secret_for_other_origin":
      return badField("secretHeader", "it goes to no other origin unsaid: send it again, or null");
    case "forbidden":
    case "tool_not_found":
    case "too_many_tools":
    case "tool_name_taken":
    case "idempotency_conflict":
      return new Problem(reason);
  }
}

/** An order about the path's tool, which it answers with. */
async function one(c: Context<ApiEnv>, desk: Desk, order: OfOne<ToolOrder>): Promise<ToolView> {
  // An id that names none is left to the room, so that who is refused comes before what is wrong.
  const toolId = (parseId("tol", c.req.param("tool") ?? "") ?? "") as ToolId;
  const { tools } = await managed(desk, { ...order, toolId });
  return first(tools);
}

function first(tools: readonly ToolView[]): ToolView {
  const [found] = tools;
  if (found === undefined) throw new Error("the room answered without the tool that it was asked about");
  return found;
}

function addressOf(text: string, config: Config): string {
  const address = webhookAddress(text, config.toolAllowList);
  if (address.ok) return address.value.href;
  throw badField("url", address.failure);
}

function badField(path: string, message: string): Problem {
  return new Problem("invalid_body", { issues: [{ path, message }] });
}
