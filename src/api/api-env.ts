/** What handlers find in their context. */
import type { AuctionDeps } from "../auction/auction-run.ts";
import type { Config } from "../config.ts";
import type { Listing } from "../market/tools/tenant-tool.ts";
import type { ListedServer } from "../trace/tools/index.ts";

export interface ApiDeps {
  readonly config: Config;
  readonly auction: AuctionDeps;
  /** Asks a remote MCP server for its tools. Never rejects. */
  readonly listServer: (server: ListedServer) => Promise<Listing>;
}

export interface ApiEnv {
  Variables: { requestId: string };
}
