/** An internet for `fetch_page`: names with addresses, pages with answers, and a record of who was asked. */
import { createFetchPage, runTool } from "../../../src/trace/tools/index.ts";
import type { FetchPageConfig, ToolContext, ToolResult } from "../../../src/trace/tools/index.ts";
import { createResolve } from "../../../src/tenancy/resolve-host.ts";

/** A name's records, or how its resolution fails. Several: what is answered one time after the other, the last for good. */
export type Records = readonly { readonly type: "A" | "AAAA" | "CNAME"; readonly data: string }[];
export type Answers = Records | "no such name" | "server failure" | "no answer" | "nonsense";

/** An answer, a page of HTML, or (as an address) a redirect to it. */
export type Page = string | ((request: Request) => Response | Promise<Response>);

interface Internet {
  readonly names?: Readonly<Record<string, Answers | readonly [Answers, ...Answers[]]>>;
  readonly pages?: Readonly<Record<string, Page>>;
}

export const PUBLIC: Records = [
  { type: "A", data: "93.184.215.14" },
  { type: "AAAA", data: "2606:2800:21f:cb07:6820:80da:af6b:8b2c" },
];

const NUMBERS = { A: 1, CNAME: 5, AAAA: 28 } as const;
/** `createResolve` asks for both families. */
const QUESTIONS_PER_LOOKUP = 2;

export function anInternet({ names = {}, pages = {} }: Internet, overrides: Partial<FetchPageConfig> = {}) {
  const requests: Request[] = [];
  const lookups: string[] = [];
  const resolver = (url: URL): Response => {
    const name = url.searchParams.get("name") ?? "";
    const time = Math.floor(lookups.filter((one) => one === name).length / QUESTIONS_PER_LOOKUP);
    lookups.push(name);
    const known = names[name] ?? "no such name";
    const inTurn = Array.isArray(known) && (typeof known[0] === "string" || Array.isArray(known[0]));
    const answers = inTurn ? (known as Answers[])[Math.min(time, known.length - 1)] : (known as Answers);
    if (answers === undefined || answers === "no such name") return Response.json({ Status: 3 });
    if (answers === "server failure") return Response.json({ Status: 2 });
    if (answers === "no answer") return new Response("down", { status: 502 });
    if (answers === "nonsense") return Response.json({ hello: "there" });
    const asked = url.searchParams.get("type");
    return Response.json({
      Status: 0,
      Answer: answers
        .filter(({ type }) => type === "CNAME" || type === asked)
        .map(({ type, data }) => ({ name, type: NUMBERS[type], TTL: 60, data })),
    });
  };
  const fetch: FetchPageConfig["fetch"] = async (url, init) => {
    const address = new URL(url);
    if (address.hostname === "cloudflare-dns.com") return resolver(address);
    const request = new Request(url, init);
    requests.push(request);
    const page = pages[url] ?? pages["*"];
    if (page === undefined) return new Response("nothing here", { status: 404 });
    if (typeof page !== "string") return page(request);
    return page.startsWith("<")
      ? new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } })
      : new Response(null, { status: 302, headers: { location: page } });
  };
  const tool = createFetchPage({ allow: [], fetch, resolve: createResolve(fetch), ...overrides });
  return {
    /** Pages that were asked for. */
    requests,
    lookups,
    fetchPage: async (input: object, context: Partial<ToolContext> = {}): Promise<ToolResult> =>
      runTool(
        [tool],
        { name: "fetch_page", input },
        { idempotencyKey: "k", signal: new AbortController().signal, ...context },
      ),
  };
}
