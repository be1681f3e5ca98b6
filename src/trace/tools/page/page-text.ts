/**
 * HTML to Markdown, by `@mdream/js`: a parser in one pass without a document tree, so that nesting, unclosed tags and
 * whatever else a page does cost time in proportion to its length (a test holds that).
 */
import { htmlToMarkdown } from "@mdream/js/core";
import { filterPlugin, isolateMainPlugin } from "@mdream/js/plugins";

export interface PageText {
  /** Null: it has none. */
  readonly title: string | null;
  readonly text: string;
}

/** What no reader of the page sees. */
const UNSEEN = [
  "head",
  "title",
  "script",
  "style",
  "template",
  "noscript",
  "svg",
  "iframe",
  "object",
  "[hidden]",
  "[aria-hidden=true]",
];
/** What stands around the content. */
const AROUND = [...UNSEEN, "nav", "footer", "aside", "button", "select"];
/** What is taken for the page's content has at least so many characters, else the whole page is. */
const MIN_CONTENT_CHARS = 200;
const MAX_TITLE_CHARS = 300;
/** Control characters but tab and line break: a journal's row would hold each of them sixfold. */
// oxlint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** @param url where the page was found: its links are made absolute by it */
export function pageText(html: string, url: URL): PageText {
  let title = "";
  let base = url;
  const links = {
    processAttributes: ({ name, attributes }: { name: string; attributes: Record<string, string> }): void => {
      if (name === "base" && base === url) base = absolute(attributes["href"], url) ?? url;
      for (const key of ["href", "src"]) {
        const link = absolute(attributes[key], base);
        if (link !== null) attributes[key] = link.href;
        else delete attributes[key];
      }
    },
  };
  const heading = {
    beforeNodeProcess: ({ node }: { node: unknown }): void => {
      const { value, parent } = node as { value?: string; parent?: { name?: string } | null };
      if (parent?.name === "title" && title === "") title = value ?? "";
    },
  };
  const convert = (exclude: string[], onlyMain: boolean): string =>
    htmlToMarkdown(html, {
      plugins: [heading, links, ...(onlyMain ? [isolateMainPlugin()] : []), filterPlugin({ exclude })],
    });
  const main = convert(AROUND, true);
  const text = main.length >= MIN_CONTENT_CHARS ? main : convert(UNSEEN, false);
  const named = plainText(title).replaceAll(/\s+/g, " ").trim().slice(0, MAX_TITLE_CHARS).toWellFormed();
  return { title: named === "" ? null : named, text: plainText(text) };
}

/** Without control characters and lone surrogates, lines ended by a line feed. */
export function plainText(text: string): string {
  return text.replaceAll(/\r\n?/g, "\n").replaceAll(CONTROLS, "").toWellFormed();
}

/** Null: it leads to no page. */
function absolute(href: string | undefined, base: URL): URL | null {
  if (href === undefined || !URL.canParse(href, base.href)) return null;
  const url = new URL(href, base.href);
  return url.protocol === "http:" || url.protocol === "https:" ? url : null;
}
