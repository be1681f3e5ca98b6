/** Whoever searches the web for the house: one small interface, so that another provider is one file. */
import type { Result } from "../../../market/result.ts";

export const FRESHNESS = ["day", "week", "month", "year"] as const;
/** As many as every provider gives at once. */
export const MAX_RESULTS = 20;
export const MAX_QUERY_CHARS = 400;
export const MAX_QUERY_WORDS = 50;

export interface SearchQuery {
  readonly query: string;
  readonly count: number;
  /** No older than this; null: whatever its age. */
  readonly freshness: (typeof FRESHNESS)[number] | null;
}

export interface SearchHit {
  readonly title: string;
  readonly url: string;
  readonly snippet: string;
  /** Its age or date, as the provider says it; null: it does not. */
  readonly age: string | null;
}

export type SearchFailure =
  /** `waitS`: seconds until the next one is taken; null: it does not say. */
  | { readonly reason: "rate_limited"; readonly waitS: number | null }
  /** The plan that the operator has is used up. */
  | { readonly reason: "used_up" }
  /** The key is not taken. */
  | { readonly reason: "key_refused" }
  | { readonly reason: "bad_status"; readonly status: number }
  | { readonly reason: "unreadable" };

/** One provider's wire format. It sees the key only to send it. */
export interface SearchProvider {
  readonly baseUrl: string;
  request(query: SearchQuery, apiKey: string): { readonly path: string; readonly init: RequestInit };
  /** Null: the answer is not of the provider's form. */
  read(body: unknown): readonly SearchHit[] | null;
  /** What a status that is no success means. */
  failure(response: Response, nowMs: number): SearchFailure;
}

export type Search = (
  query: SearchQuery,
  signal: AbortSignal,
) => Promise<Result<readonly SearchHit[], SearchFailure>>;
