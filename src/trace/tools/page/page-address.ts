/**
 * Which pages may be fetched: http and https on their own ports, of public hosts, without credentials; and what the
 * operator's allow-list names (for local use). Asked for the address that a model wrote and for every redirect.
 *
 * The name's addresses are asked for just before each request. See `tenancy/resolve-host.ts` for what that leaves open,
 * and what guards it.
 */
import { publicHost } from "../../../market/public-address.ts";
import { hostRefusal, type Resolve } from "../../../tenancy/resolve-host.ts";
import type { AllowList } from "../allow-list.ts";
import type { ToolErrorCode } from "../tool.ts";

export interface PageRules {
  readonly allowList: AllowList;
  readonly resolve: Resolve;
}

/** Why a page was not fetched, as the model is told. */
export interface PageFault {
  readonly code: ToolErrorCode;
  readonly message: string;
}

/** What is wrong with fetching this address now; null: nothing. @throws what `signal` aborts with */
export async function addressFault(
  url: URL,
  { allowList, resolve }: PageRules,
  signal: AbortSignal,
): Promise<PageFault | null> {
  if (url.username !== "" || url.password !== "") {
    return refused(url, "no user or password may stand in the address");
  }
  if (allowList.allows(url)) return null;
  if (url.protocol !== "https:" && url.protocol !== "http:") return refused(url, "http and https only");
  if (url.port !== "") return refused(url, "the default ports (80 and 443) only");
  if (publicHost(url.hostname) === null) return refused(url, "not a host of the public internet");
  const refusal = await hostRefusal(url.hostname, resolve).catch(() => "unanswered" as const);
  signal.throwIfAborted();
  switch (refusal) {
    case null:
      return null;
    case "not_public":
      return refused(url, "the name leads to an address that is not public");
    case "unresolved":
      return { code: "unreachable", message: `${shown(url)}: there is no such host; check the spelling` };
    case "unanswered":
      return {
        code: "unreachable",
        message: `${shown(url)}: the name could not be resolved; trying it again may help`,
      };
  }
}

function refused(url: URL, why: string): PageFault {
  return { code: "not_allowed", message: `${shown(url)} is not fetched: ${why}` };
}

/** For a message: without what may be a secret. */
function shown(url: URL): string {
  const plain = new URL(url.href);
  plain.username = "";
  plain.password = "";
  return plain.href;
}
