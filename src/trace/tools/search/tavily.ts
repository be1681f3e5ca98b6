/**
 * Tavily's Search API, by its reference and its page on errors (both read 2026-11-27 as stored copies). That a 429 says
 * in `Retry-After` when to come again is unconfirmed there; without it nothing is said.
 */
import { z } from "zod";
import type { SearchFailure, SearchProvider } from "./search-provider.ts";
import { retryAfterS } from "./retry-after.ts";

const PLAN_LIMIT = 432;
const PAY_AS_YOU_GO_LIMIT = 433;

const answerSchema = z.object({
  results: z.array(
    z.object({
      title: z.string(),
      url: z.string(),
      content: z.string().default(""),
      published_date: z.string().nullish(),
    }),
  ),
});

export const tavily: SearchProvider = {
  baseUrl: "https://api.tavily.com",
  request: ({ query, count, freshness }, apiKey) => ({
    path: "/search",
    init: {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({
        query,
        max_results: count,
        // One credit; `advanced` is two.
        search_depth: "basic",
        ...(freshness !== null && { time_range: freshness }),
      }),
    },
  }),
  read: (body) => {
    const answer = answerSchema.safeParse(body);
    if (!answer.success) return null;
    return answer.data.results.map(({ title, url, content, published_date }) => ({
      title,
      url,
      snippet: content,
      age: published_date ?? null,
    }));
  },
  failure: (response, nowMs): SearchFailure => {
    const { status, headers } = response;
    if (status === 429) return { reason: "rate_limited", waitS: retryAfterS(headers, nowMs) };
    if (status === 401 || status === 403) return { reason: "key_refused" };
    if (status === PLAN_LIMIT || status === PAY_AS_YOU_GO_LIMIT) return { reason: "used_up" };
    return { reason: "bad_status", status };
  },
};
