/**
 * Brave's Web Search API, by its reference and its page on response headers (both read 2026-11-27 as stored copies).
 *
 * Limits come in several windows at once (`1, 15000`: so many per second and per month), the seconds until each is full
 * again in the same order.
 */
import { z } from "zod";
import type { SearchFailure, SearchProvider } from "./search-provider.ts";
import { retryAfterS } from "./retry-after.ts";

const FRESHNESS = { day: "pd", week: "pw", month: "pm", year: "py" } as const;

const answerSchema = z.object({
  web: z
    .object({
      results: z.array(
        z.object({
          title: z.string(),
          url: z.string(),
          description: z.string().default(""),
          age: z.string().nullish(),
          page_age: z.string().nullish(),
        }),
      ),
    })
    // Where nothing of the web fits, the answer has no such part.
    .nullish(),
});

export const brave: SearchProvider = {
  baseUrl: "https://api.search.brave.com",
  request: ({ query, count, freshness }, apiKey) => {
    const asked = new URLSearchParams({
      q: query,
      count: String(count),
      // Without marks around the words that were searched for.
      text_decorations: "false",
      result_filter: "web",
      ...(freshness !== null && { freshness: FRESHNESS[freshness] }),
    });
    return {
      path: `/res/v1/web/search?${asked.toString()}`,
      init: { headers: { Accept: "application/json", "X-Subscription-Token": apiKey } },
    };
  },
  read: (body) => {
    const answer = answerSchema.safeParse(body);
    if (!answer.success) return null;
    return (answer.data.web?.results ?? []).map(({ title, url, description, age, page_age }) => ({
      title,
      url,
      snippet: description,
      age: age ?? page_age ?? null,
    }));
  },
  failure: (response, nowMs): SearchFailure => {
    const { status, headers } = response;
    if (status === 429)
      return { reason: "rate_limited", waitS: retryAfterS(headers, nowMs) ?? windowS(headers) };
    if (status === 401 || status === 403) return { reason: "key_refused" };
    if (status === 402) return { reason: "used_up" };
    return { reason: "bad_status", status };
  },
};

/** Seconds until every window that is used up is open again; null: no header says. */
function windowS(headers: Headers): number | null {
  const numbers = (name: string) =>
    (headers.get(name) ?? "").split(",").map((part) => Number.parseFloat(part));
  const remaining = numbers("X-RateLimit-Remaining");
  const waits = numbers("X-RateLimit-Reset").filter(
    (seconds, at) => Number.isFinite(seconds) && (remaining[at] ?? 0) <= 0,
  );
  return waits.length === 0 ? null : Math.max(...waits);
}
