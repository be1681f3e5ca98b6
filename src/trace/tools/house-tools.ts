/** The house's own tools, as this deployment has them, and the way to those of its tenants. */
import type { Config } from "../../config.ts";
import { createResolve } from "../../tenancy/resolve-host.ts";
import type { Sandbox } from "../sandbox/index.ts";
import { createFetchPage } from "./fetch-page.ts";
import { filesOffer } from "./file-tools.ts";
import { createHttp } from "./http.ts";
import { createTenantTools, type TenantTools } from "./own/tenant-tools.ts";
import { createRunJavascript } from "./run-javascript.ts";
import { createSearch } from "./search/create-search.ts";
import { createToolbox, offer, type Toolbox } from "./toolbox.ts";
import { createWebSearch } from "./web-search.ts";

export interface ToolDeps {
  readonly config: Pick<
    Config,
    "httpAllowList" | "pageAllowList" | "search" | "toolAllowList" | "source" | "marketRoom"
  >;
  readonly sandbox: Sandbox;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** @throws TypeError for an entry of an allow-list that is no address */
export function createTools(deps: ToolDeps): Toolbox & Pick<TenantTools, "listServer"> {
  const { config, sandbox, fetch } = deps;
  const { source, httpAllowList, pageAllowList, search } = config;
  const house = [
    offer(createRunJavascript({ sandbox, nowMs: source.now })),
    offer(createHttp({ allow: httpAllowList, fetch })),
    offer(createFetchPage({ allow: pageAllowList, fetch, resolve: createResolve(fetch) })),
    filesOffer,
    ...(search === null
      ? []
      : [offer(createWebSearch({ search: createSearch({ config: search, fetch, nowMs: source.now }) }))]),
  ];
  const { open, listServer } = createTenantTools(deps);
  return { ...createToolbox(house, open), listServer };
}
