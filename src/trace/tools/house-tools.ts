/** The house's own tools, as this deployment has them. */
import type { Config } from "../../config.ts";
import { createResolve } from "../../tenancy/resolve-host.ts";
import type { Sandbox } from "../sandbox/index.ts";
import { createFetchPage } from "./fetch-page.ts";
import { createHttp } from "./http.ts";
import { createRunJavascript } from "./run-javascript.ts";
import { createToolbox, offer, type Toolbox } from "./toolbox.ts";

export interface HouseDeps {
  readonly config: Pick<Config, "httpAllowList" | "pageAllowList" | "source">;
  readonly sandbox: Sandbox;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** @throws TypeError for an entry of an allow-list that is no address */
export function createHouseTools({ config, sandbox, fetch }: HouseDeps): Toolbox {
  const { source, httpAllowList, pageAllowList } = config;
  return createToolbox([
    offer(createRunJavascript({ sandbox, nowMs: source.now })),
    offer(createHttp({ allow: httpAllowList, fetch })),
    offer(createFetchPage({ allow: pageAllowList, fetch, resolve: createResolve(fetch) })),
  ]);
}
