/**
 * The tool `web_search`: what a search provider finds (`search/search-provider.ts`).
 *
 * The provider's bill is the operator's, and counts in no task's cost: usage counts the calls. A step whose tools run
 * again searches again.
 */
import { z } from "zod";
import { plainText } from "./page/page-text.ts";
import {
  FRESHNESS,
  MAX_QUERY_CHARS,
  MAX_QUERY_WORDS,
  MAX_RESULTS,
  type Search,
  type SearchFailure,
  type SearchHit,
} from "./search/search-provider.ts";
import { toolError } from "./tool.ts";
import type { Tool, ToolResult } from "./tool.ts";

const TIMEOUT_MS = 15_000;
const DEFAULT_RESULTS = 5;
/** Of one hit's title, address, age and snippet each. */
const MAX_FIELD_CHARS = 1_000;

const inputSchema = z.strictObject({
  query: z
    .string()
    .trim()
    .min(1)
    .max(MAX_QUERY_CHARS)
    .refine((text) => text.split(/\s+/).length <= MAX_QUERY_WORDS, `at most ${MAX_QUERY_WORDS} words`)
    .describe(`What to look for: at most ${MAX_QUERY_CHARS} characters and ${MAX_QUERY_WORDS} words.`),
  count: z.int().min(1).max(MAX_RESULTS).default(DEFAULT_RESULTS),
  freshness: z.enum(FRESHNESS).nullable().default(null).describe("No older than this; null: of any age."),
});

export interface WebSearchConfig {
  readonly search: Search;
  /** For the whole search, ms. Default 15 s. */
  readonly timeoutMs?: number;
}

export function createWebSearch({
  search,
  timeoutMs = TIMEOUT_MS,
}: WebSearchConfig): Tool<z.infer<typeof inputSchema>> {
  return {
    name: "web_search",
    description:
      `Searches the web and returns title, address and a snippet of up to ${MAX_RESULTS} results ` +
      `(${DEFAULT_RESULTS} unless \`count\` says otherwise), within 15 seconds.`,
    inputSchema,
    async execute(query, context) {
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        const found = await search(query, AbortSignal.any([context.signal, timeout]));
        return found.ok
          ? { ok: true, output: listed(found.value.slice(0, query.count)) }
          : refused(found.failure);
      } catch {
        if (context.signal.aborted) return toolError("cancelled", "the task was cancelled");
        if (timeout.aborted)
          return toolError("timed_out", `no answer within ${timeoutMs} ms; try again, or go on without`);
        return toolError("unreachable", "the search provider could not be reached; trying it again may help");
      }
    },
  };
}

function listed(hits: readonly SearchHit[]): string {
  if (hits.length === 0) return "nothing was found; try other words";
  return hits
    .map(({ title, url, snippet, age }, at) =>
      [
        `${at + 1}. ${oneLine(title)}`,
        oneLine(url),
        ...(age === null ? [] : [oneLine(age)]),
        oneLine(snippet),
      ]
        .filter((line) => line !== "")
        .join("\n   "),
    )
    .join("\n\n");
}

function oneLine(text: string): string {
  return plainText(text.slice(0, MAX_FIELD_CHARS)).replaceAll(/\s+/g, " ").trim();
}

/** Nothing of the provider's own words: they may hold what is not for a model to see. */
function refused(failure: SearchFailure): ToolResult {
  switch (failure.reason) {
    case "rate_limited": {
      const when = failure.waitS === null ? "for the moment" : `for ${failure.waitS} seconds`;
      return toolError(
        "rate_limited",
        `the search provider takes no more searches ${when}; go on without until then`,
      );
    }
    case "used_up":
      return toolError("rate_limited", "this deployment's plan of searches is used up; go on without");
    case "key_refused":
      return toolError("failed", "the search provider refuses this deployment's key; go on without");
    case "bad_status":
      return toolError(
        "bad_status",
        `the search provider answered HTTP ${failure.status}; ${failure.status >= 500 ? "it may answer later" : "other words may help"}`,
      );
    case "unreadable":
      return toolError("failed", "the search provider's answer could not be read; trying it again may help");
  }
}
