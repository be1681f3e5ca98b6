/** Pages that are made to cost more than they are long: half a megabyte of each is text within moments. */
import { describe, expect, it } from "vitest";
import { pageText } from "../../../src/trace/tools/page/page-text.ts";

const BYTES = 512 * 1024;
const of = (unit: string): string => unit.repeat(Math.ceil(BYTES / unit.length));
/** What takes time by the square of its length would take hours. */
const MAX_MS = 10_000;

describe("half a megabyte", () => {
  it.each([
    ["of open divs", of("<div>")],
    ["of divs, all closed", of("<div>").slice(0, BYTES / 2) + of("</div>").slice(0, BYTES / 2)],
    ["of open emphasis", of("<b><i>")],
    ["of crossed tags", of("<b><i></b></i>")],
    ["of closing tags", of("</div>")],
    ["of open lists", of("<ul><li>")],
    ["of open quotations", of("<blockquote>")],
    ["of open tables", of("<table><tr><td>")],
    ["of open links", of('<a href="/x">')],
    ["of links", of('<a href="/x">y</a>')],
    ["of bases", of('<base href="/x/">')],
    ["of titles", of("<title>x</title>")],
    ["of open titles", of("<title>")],
    ["of less-than signs", of("<")],
    ["of begun tags", of("<a ")],
    ["of one tag's attributes", `<a ${of("x=1 ")}>y`],
    ["of one attribute's value", `<a href="${of("x")}`],
    ["of begun comments", of("<!--")],
    ["of begun scripts", of("<script>")],
    ["of begun CDATA", of("<![CDATA[")],
    ["of entities", of("&amp;")],
    ["of begun entities", of("&#x")],
    ["of ampersands", of("&")],
    ["of blanks", of(" ")],
    ["of headings", of("<h1>y</h1>")],
    ["of paragraphs", of("<p>word</p>")],
    ["of main parts", of("<main>x</main>")],
    ["of headings and footers", of("<h1>a</h1><footer>b</footer>")],
    ["of hidden parts", of("<p hidden>")],
    ["of backticks", of("<code>`</code>")],
    ["of pipes in a table", `<table><tr><td>${of("|")}</td></tr></table>`],
    ["of images", of('<img src="a" alt="b">')],
    ["of lone surrogates", of("\ud800")],
  ])("%s", (_, html) => {
    const startedAt = performance.now();
    const { text } = pageText(html, new URL("https://pages.example.com/"));
    expect(performance.now() - startedAt).toBeLessThan(MAX_MS);
    expect(text.isWellFormed()).toBe(true);
  });
});

describe("a title", () => {
  it("is one line of at most 300 characters", () => {
    const { title } = pageText(`<title> a\n\tb ${"c".repeat(400)}</title>`, new URL("https://e.example/"));
    expect(title).toBe(`a b ${"c".repeat(296)}`);
  });
  it("is the first one", () => {
    const html = "<head><title>First</title></head><svg><title>Icon</title></svg>";
    expect(pageText(html, new URL("https://e.example/")).title).toBe("First");
  });
});
