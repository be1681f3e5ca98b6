/** Follows an address to the answer that is the page, each hop checked by itself. */
import { fail, ok, type Result } from "../../../market/result.ts";
import { raceAbort } from "../../../async/race-abort.ts";
import { addressFault, type PageFault, type PageRules } from "./page-address.ts";

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export interface PageDeps extends PageRules {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/** A successful answer whose body has not been read. */
export interface OpenPage {
  /** Where it was found. */
  readonly url: URL;
  readonly response: Response;
}

/**
 * Sends no credentials, keeps no cookies, and never goes from https to http.
 *
 * @throws what `fetch` throws, and what `signal` aborts with
 */
export async function openPage(
  start: URL,
  deps: PageDeps,
  signal: AbortSignal,
): Promise<Result<OpenPage, PageFault>> {
  let url = start;
  for (let hop = 0; ; hop += 1) {
    const fault = await raceAbort(addressFault(url, deps, signal), signal);
    if (fault !== null) return fail(hop === 0 ? fault : redirectFault(fault));
    const asked = withoutHash(url);
    const response = await raceAbort(deps.fetch(asked.href, request(signal)), signal);
    const location = REDIRECTS.has(response.status) ? response.headers.get("location") : null;
    if (location === null) return answer(response, asked);
    await response.body?.cancel();
    if (hop >= MAX_REDIRECTS) return fail(unreachable(`more than ${MAX_REDIRECTS} redirects`));
    if (!URL.canParse(location, url.href)) {
      return fail(
        unreachable(`a redirect to ${JSON.stringify(location.slice(0, 200))}, which is no address`),
      );
    }
    const next = new URL(location, url.href);
    if (url.protocol === "https:" && next.protocol === "http:") {
      return fail({
        code: "not_allowed",
        message: `a redirect from https to http is not followed: ${next.href}`,
      });
    }
    url = next;
  }
}

function request(signal: AbortSignal): RequestInit {
  return {
    method: "GET",
    headers: {
      Accept: "text/html, application/xhtml+xml, text/*;q=0.9, application/json;q=0.9, */*;q=0.1",
      "User-Agent": "Saleroom-Fetch/1",
    },
    redirect: "manual",
    signal,
  };
}

async function answer(response: Response, url: URL): Promise<Result<OpenPage, PageFault>> {
  if (response.ok) return ok({ url, response });
  await response.body?.cancel();
  const status = `HTTP ${response.status} ${response.statusText}`.trimEnd();
  return fail({ code: "bad_status", message: `${url.href} answered ${status}${adviceFor(response.status)}` });
}

function adviceFor(status: number): string {
  if (status === 404 || status === 410) return ": there is no such page; look for another address";
  if (status === 401 || status === 403) return ": the page is not open to everybody; look for another source";
  if (status === 429 || status >= 500) return ": it may answer later";
  return "";
}

function withoutHash(url: URL): URL {
  const sent = new URL(url.href);
  sent.hash = "";
  // What was resolved is what is called: the root's dot at the end changes nothing about where a name leads.
  if (!sent.hostname.startsWith("[")) sent.hostname = sent.hostname.replace(/\.$/, "");
  return sent;
}

function redirectFault({ code, message }: PageFault): PageFault {
  return { code, message: `redirected: ${message}` };
}

function unreachable(message: string): PageFault {
  return { code: "unreachable", message };
}
