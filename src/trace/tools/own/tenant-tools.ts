/** The tools of the tenants, as this deployment reaches them: opened for a trace, and asked what they have. */
import type { Config } from "../../../config.ts";
import type { Listing } from "../../../market/tools/tenant-tool.ts";
import type { MarketRoomApi } from "../../../tenancy/market-room-api.ts";
import { createResolve } from "../../../tenancy/resolve-host.ts";
import type { Sandbox } from "../../sandbox/index.ts";
import type { OpenTools, ToolSlice } from "../toolbox.ts";
import type { Fetch } from "./guarded-fetch.ts";
import { listServer, type ListedServer } from "./list-server.ts";
import { openOwnTools } from "./own-tools.ts";

export interface TenantTools {
  /** Opens the tools of a slice's tenant that its task allows. */
  readonly open: (slice: ToolSlice) => OpenTools;
  /** Asks a remote MCP server for its tools. Never rejects. */
  readonly listServer: (server: ListedServer) => Promise<Listing>;
}

export interface TenantToolDeps {
  readonly config: Pick<Config, "toolAllowList" | "source" | "marketRoom">;
  readonly sandbox: Sandbox;
  readonly fetch: Fetch;
}

export function createTenantTools({ config, sandbox, fetch }: TenantToolDeps): TenantTools {
  const { now: nowMs } = config.source;
  const guard = { fetch, resolve: createResolve(fetch), allow: config.toolAllowList };
  return {
    open: (slice) =>
      openOwnTools(
        {
          ...guard,
          sandbox,
          nowMs,
          access: async (tenantId, toolId) => config.marketRoom<MarketRoomApi>(tenantId).toolAccess(toolId),
        },
        slice,
      ),
    listServer: async (server) => listServer({ ...guard, nowMs }, server),
  };
}
