/** Asks the configured provider. Its key goes to its own address only: a redirect is not followed. */
import { raceAbort } from "../../../async/race-abort.ts";
import { fail, ok } from "../../../market/result.ts";
import { readPage } from "../page/read-page.ts";
import { brave } from "./brave.ts";
import type { SearchConfig } from "../../../config.ts";
import type { Search, SearchProvider } from "./search-provider.ts";
import { tavily } from "./tavily.ts";

const MAX_ANSWER_BYTES = 1024 * 1024;
const PROVIDERS: Readonly<Record<SearchConfig["provider"], SearchProvider>> = { brave, tavily };

export interface SearchDeps {
  readonly config: SearchConfig;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly nowMs: () => number;
}

/** What it rejects with may name the address, and never the key's header. */
export function createSearch({ config, fetch, nowMs }: SearchDeps): Search {
  const provider = PROVIDERS[config.provider];
  const base = (config.baseUrl ?? provider.baseUrl).replace(/\/+$/, "");
  return async (query, signal) => {
    const { path, init } = provider.request(query, config.apiKey);
    const response = await raceAbort(
      fetch(`${base}${path}`, { ...init, redirect: "manual", signal }),
      signal,
    );
    if (!response.ok) {
      await response.body?.cancel();
      return fail(provider.failure(response, nowMs()));
    }
    const { text, cut } = await readPage(response, MAX_ANSWER_BYTES, signal);
    const hits = cut ? null : provider.read(parsed(text));
    return hits === null ? fail({ reason: "unreadable" }) : ok(hits);
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
