/**
 * The only way to a tenant's tool: every request is checked just before it is made, and none goes to another origin than
 * the one that the tool was registered with, so that its secret does not.
 */
import type { Resolve } from "../../../tenancy/resolve-host.ts";
import { forbiddenNow } from "../../../tenancy/webhooks/webhook-address.ts";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export interface GuardDeps {
  readonly fetch: Fetch;
  readonly resolve: Resolve;
  /** Origins that need not be public. */
  readonly allow: readonly string[];
}

/** The request was not made. */
export class RequestRefused extends Error {
  override readonly name = "RequestRefused";
}

/** Redirects come back as they are: whoever follows one, follows it through here. @throws RequestRefused */
export function fetchWithin(origin: string, deps: GuardDeps): Fetch {
  return async (url, init) => {
    if (new URL(url).origin !== origin)
      throw new RequestRefused(
        `a request to ${new URL(url).origin}, which is not where the tool was registered`,
      );
    const forbidden = await forbiddenNow(url, deps).catch(() => "unresolved" as const);
    init.signal?.throwIfAborted();
    if (forbidden === "not_public") throw new RequestRefused("its address is not one of the public internet");
    if (forbidden === "unresolved") throw new RequestRefused("the name in its address leads nowhere by now");
    return deps.fetch(url, { ...init, redirect: "manual" });
  };
}
