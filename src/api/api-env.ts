/** What handlers find in their context. */
import type { AuctionDeps } from "../auction/auction-run.ts";
import type { Config } from "../config.ts";

export interface ApiDeps {
  readonly config: Config;
  readonly auction: AuctionDeps;
}

export interface ApiEnv {
  Variables: { requestId: string };
}
