/** What came back for a request of an embedding, not yet read. */
import type { Result } from "../market/result.ts";
import type { EmbeddingFailure } from "./memory-port.ts";

/** `owed`: it may have cost something, since the request left and no error answer came back. */
export type Asked = Result<unknown, EmbeddingFailure & { readonly owed: boolean }>;
