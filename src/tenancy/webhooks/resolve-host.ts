/**
 * A host's addresses by DNS over HTTPS, from Cloudflare's resolver: a Worker has no other, and its `node:dns` asks the
 * same one without saying why an answer failed to come.
 */
import { z } from "zod";
import { isAddress } from "../../market/public-address.ts";

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
