/**
 * Where a webhook may go: https to a public host, or what the operator's allow-list names (for local use).
 *
 * Asked when an endpoint is set up, and with every delivery, whose name is resolved first. Between that and the request's
 * own resolution a name may change; see `market/public-address.ts` for what guards that.
 */
import { publicHost } from "../../market/public-address.ts";
import { fail, ok, type Result } from "../../market/result.ts";
import { hostRefusal, type HostRefusal, type Resolve } from "../resolve-host.ts";

/** The address as it is called, or what is wrong with it. @param allow origins that need not be public */
export function webhookAddress(text: string, allow: readonly string[]): Result<URL, string> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) return fail("not an absolute URL");
  if (url.username !== "" || url.password !== "") return fail("no user or password may stand in it");
  url.hash = "";
  if (allow.includes(url.origin)) return ok(url);
  if (url.protocol !== "https:") return fail("https only");
  return publicHost(url.hostname) === null ? fail("not an address of the public internet") : ok(url);
}

/** Why the address is not to be called now; null: it may be. @throws what the resolver throws */
export async function forbiddenNow(
  text: string,
  { allow, resolve }: { readonly allow: readonly string[]; readonly resolve: Resolve },
): Promise<HostRefusal | null> {
  const address = webhookAddress(text, allow);
  if (!address.ok) return "not_public";
  if (allow.includes(address.value.origin)) return null;
  return hostRefusal(address.value.hostname, resolve);
}
