/**
 * Which hosts are the public internet's: what a tenant may have this house call. Pure; decided on a host as WHATWG URL
 * parsing normalises it (every spelling of an IPv4 address becomes four decimals), never on the text before.
 *
 * What this cannot know is where a name leads to at the moment of the call: whoever calls resolves it just before and
 * asks `isPublicAddress` of every answer. A name that changes between that and the call is left to the network: a
 * deployed Worker's requests leave through Cloudflare's edge, which has no route into anybody's private network; and
 * those to its own zone come in at the front (`global_fetch_strictly_public` in wrangler.toml).
 */
import ipaddr from "ipaddr.js";

/** Names that stand for no host of the public internet (RFC 6761, 6762, 7686, 8375, 9476; ICANN's `internal`), or by custom. */
const PRIVATE_SUFFIX =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|test|invalid|onion|alt)$/;
const LABELS = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;
const MAX_NAME_CHARS = 253;
/** IANA's global unicast: the rest of IPv6 is special or given to nobody. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");

/** `address`: an IP address as it stands; `name`: its addresses are to be checked when it is called. */
export type PublicHost = { readonly kind: "address" | "name"; readonly host: string };

/** @param hostname of a parsed URL. Null: not public, and never to be called */
export function publicHost(hostname: string): PublicHost | null {
  const host = hostname.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (ipaddr.isValid(host)) return isPublicAddress(host) ? { kind: "address", host } : null;
  // The root's dot at the end changes nothing about where a name leads.
  const name = host.replace(/\.$/, "");
  if (name.length > MAX_NAME_CHARS || !LABELS.test(name) || PRIVATE_SUFFIX.test(name)) return null;
  return { kind: "name", host: name };
}

/** An address as resolvers write it: IPv4 in four decimals, or IPv6. Whatever is not unicast and globally routed is not public. */
export function isPublicAddress(text: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text).range() === "unicast";
  if (!ipaddr.IPv6.isValid(text)) return false;
  const address = ipaddr.IPv6.parse(text);
  // Those that carry an IPv4 address (mapped, NAT64, 6to4, Teredo) are in ranges of their own, and no receiver's.
  return address.zoneId == null && address.range() === "unicast" && address.match(GLOBAL_UNICAST);
}

/** True where the text is an address of either family; resolvers also answer with names. */
export function isAddress(text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);
}
