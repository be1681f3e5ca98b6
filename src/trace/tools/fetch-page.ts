/**
 * The tool `fetch_page`: a public page as text.
 *
 * What a model asks for may be put into its mouth by a page that it read: only public hosts are asked, by GET, without
 * credentials, and every redirect is checked like the first address (`page/page-address.ts`).
 */
import { z } from "zod";
import { createAllowList } from "./allow-list.ts";
import { openPage, type PageDeps } from "./page/open-page.ts";
import { pageText, plainText, type PageText } from "./page/page-text.ts";
import { readPage } from "./page/read-page.ts";
import { isText, mediaType } from "./read-body.ts";
import { partHead, partTail, textPart } from "./text-part.ts";
import { toolError } from "./tool.ts";
import type { Tool, ToolResult } from "./tool.ts";

const TIMEOUT_MS = 20_000;
/** Of a page, so many decoded bytes are read. */
const MAX_PAGE_BYTES = 1024 * 1024;
const MAX_URL_CHARS = 8_192;

const inputSchema = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(MAX_URL_CHARS),
  from: z
    .int()
    .min(0)
    .default(0)
    .describe("Where in the page's text to begin, in characters; the answer before says where it ended."),
});

type FetchPageInput = z.infer<typeof inputSchema>;

export interface FetchPageConfig extends Pick<PageDeps, "fetch" | "resolve"> {
  /** Origins, each with an optional path prefix, that need not be public: for local use. */
  readonly allow: readonly string[];
  /** For resolving, all hops and the body together, ms. Default 20 s. */
  readonly timeoutMs?: number;
}

/** Makes the tool. @throws TypeError for an entry of the allow-list that is no address */
export function createFetchPage(config: FetchPageConfig): Tool<FetchPageInput> {
  const deps: PageDeps = { ...config, allowList: createAllowList(config.allow) };
  const timeoutMs = config.timeoutMs ?? TIMEOUT_MS;
  return {
    name: "fetch_page",
    description:
      "Fetches a public web page by GET and returns its title, its address after redirects and its text (HTML as " +
      "Markdown; JSON and plain text as they are). Not PDF, images or pages behind a login. At most 1 MiB of a page " +
      "within 20 seconds; 60 KiB of its text at a time: `from` reads on.",
    inputSchema,
    async execute(input, context) {
      const timeout = AbortSignal.timeout(timeoutMs);
      try {
        return await fetchPage(input, deps, AbortSignal.any([context.signal, timeout]));
      } catch {
        if (context.signal.aborted) return toolError("cancelled", "the task was cancelled");
        if (timeout.aborted) return toolError("timed_out", `no complete page within ${timeoutMs} ms`);
        return toolError("unreachable", `${input.url} could not be read; trying it again may help`);
      }
    },
  };
}

async function fetchPage(input: FetchPageInput, deps: PageDeps, signal: AbortSignal): Promise<ToolResult> {
  const opened = await openPage(new URL(input.url), deps, signal);
  if (!opened.ok) return toolError(opened.failure.code, opened.failure.message);
  const { url, response } = opened.value;
  const type = mediaType(response);
  if (!isText(type)) {
    await response.body?.cancel();
    const what = type === "" ? "of no stated type" : type;
    return toolError("not_text", `${url.href} is ${what}, which cannot be shown; look for it as a web page`);
  }
  const { text, cut } = await readPage(response, MAX_PAGE_BYTES, signal);
  const isHtml = type === "text/html" || type === "application/xhtml+xml";
  const page = isHtml ? pageText(text, url) : { title: null, text: plainText(text) };
  return shown({ page, url, cut, from: input.from });
}

interface Shown {
  readonly page: PageText;
  readonly url: URL;
  readonly cut: boolean;
  readonly from: number;
}

function shown({ page: { title, text }, url, cut, from }: Shown): ToolResult {
  const part = textPart(text, from);
  if (part === null) {
    return toolError("invalid_arguments", `from: the text of ${url.href} ends at character ${text.length}`);
  }
  const which = partHead(part);
  const head = [
    ...(title === null ? [] : [`title: ${title}`]),
    `url: ${url.href}`,
    ...(which === null ? [] : [which]),
    ...(cut ? [`The page is longer than ${MAX_PAGE_BYTES / 1024 / 1024} MiB: its end is left out.`] : []),
  ];
  const body = part.text === "" ? "[the page has no text]" : part.text;
  return { ok: true, output: `${head.join("\n")}\n\n${body}${partTail(part)}` };
}
