/**
 * A host's addresses by DNS over HTTPS, from Cloudflare's resolver: a Worker has no other, and its `node:dns` asks the
 * same one without saying why an answer failed to come.
 *
 * Asked just before a call to wherever a tenant, a model or a page said. Between the answer and the call's own
 * resolution a name may change; see `market/public-address.ts` for what guards that.
 */
import { z } from "zod";
import { isAddress, isPublicAddress, publicHost } from "../market/public-address.ts";

const RESOLVER = "https://cloudflare-dns.com/dns-query";
const RESOLVE_MS = 5_000;
const NO_ERROR = 0;
const NO_SUCH_NAME = 3;

const answerSchema = z.object({
  Status: z.int(),
  Answer: z.array(z.object({ data: z.string() })).default([]),
});

/** All addresses of both families; none: the name has none. Rejects where the resolver did not answer for both. */
export type Resolve = (name: string) => Promise<readonly string[]>;

export function createResolve(fetch: (url: string, init: RequestInit) => Promise<Response>): Resolve {
  const ask = async (name: string, type: "A" | "AAAA"): Promise<string[]> => {
    const response = await fetch(`${RESOLVER}?name=${encodeURIComponent(name)}&type=${type}`, {
      headers: { Accept: "application/dns-json" },
      signal: AbortSignal.timeout(RESOLVE_MS),
    });
    const { Status, Answer } = answerSchema.parse(await response.json());
    if (Status !== NO_ERROR && Status !== NO_SUCH_NAME) throw new Error(`the resolver says ${Status}`);
    // Names that an alias leads over are answered, too.
    return Answer.map(({ data }) => data).filter((data) => isAddress(data));
  };
  return async (name) => (await Promise.all([ask(name, "A"), ask(name, "AAAA")])).flat();
}

/** `not_public`: the host is not, or one of its addresses is not; `unresolved`: it has none. */
export type HostRefusal = "not_public" | "unresolved";

/** Why the host is not to be called now; null: it may be. @param hostname of a parsed URL @throws what the resolver throws */
export async function hostRefusal(hostname: string, resolve: Resolve): Promise<HostRefusal | null> {
  const host = publicHost(hostname);
  if (host === null) return "not_public";
  if (host.kind === "address") return null;
  const found = await resolve(host.host);
  if (found.length === 0) return "unresolved";
  // Nobody knows which of them the request would take.
  return found.every((one) => isPublicAddress(one)) ? null : "not_public";
}
