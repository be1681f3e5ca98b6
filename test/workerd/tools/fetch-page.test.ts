/** What a model gets of a page, and where each limit cuts. */
import { describe, expect, test } from "vitest";
import { MAX_OUTPUT_BYTES } from "../../../src/trace/tools/index.ts";
import { anInternet, PUBLIC, type Page } from "./internet.ts";

const URL_OF_PAGE = "https://pages.example.com/guide/start?x=1";

function aPage(page: Page, overrides: Parameters<typeof anInternet>[1] = {}) {
  return anInternet({ names: { "pages.example.com": PUBLIC }, pages: { "*": page } }, overrides);
}

const answer = (body: BodyInit | null, type: string | null, init: ResponseInit = {}): Page => {
  return () => {
    const response = new Response(body, init);
    response.headers.delete("content-type");
    if (type !== null) response.headers.set("content-type", type);
    return response;
  };
};

async function textOf(page: Page, input: object = {}): Promise<string> {
  const result = await aPage(page).fetchPage({ url: URL_OF_PAGE, ...input });
  if (!result.ok) throw new Error(result.error.message);
  return result.output;
}

const CONTENT = "Saleroom sells work to the agent that does it best. ".repeat(5).trim();

const ARTICLE = `<!doctype html><html><head><title>Guide &amp; more</title><style>p { color: red }</style>
<script>document.write("<p>by script</p>")</script></head>
<body><nav><a href="/">Home</a></nav>
<main><h1>Start</h1><p>${CONTENT}</p>
<p>See <a href="next?y=2#z">the next</a>, <a href="/top">the top</a>, <a href="//other.example/a">another</a>,
<a href="javascript:alert(1)">a script</a> and <a href="data:text/html,x">data</a>.</p>
<table><tr><th>Name</th><th>Price</th></tr><tr><td>small</td><td>1 | 2</td></tr></table>
<ul><li>one<ul><li>two</li></ul></li></ul>
<pre><code class="language-js">const a = 1;
  a + 1;</code></pre>
<p hidden>not shown</p><template>nor this</template></main>
<footer>Imprint</footer></body></html>`;

describe("a page of HTML", () => {
  test("comes as Markdown, without what is around its content, its links absolute", async () => {
    expect(await textOf(ARTICLE)).toBe(
      [
        "title: Guide & more",
        `url: ${URL_OF_PAGE}`,
        "",
        "# Start",
        "",
        CONTENT,
        "",
        "See [the next](https://pages.example.com/guide/next?y=2#z), [the top](https://pages.example.com/top), " +
          "[another](https://other.example/a), a script and data.",
        "",
        "| Name | Price |",
        "| --- | --- |",
        "| small | 1 \\| 2 |",
        "",
        "- one",
        "  - two",
        "",
        "```js",
        "const a = 1;",
        "  a + 1;",
        "```",
      ].join("\n"),
    );
  });

  test("that has no main part comes whole", async () => {
    expect(await textOf("<body><div>Just <b>this</b>.</div></body>")).toContain("Just **this**.");
  });

  test("resolves its links by the base that it names", async () => {
    const html = '<head><base href="https://docs.example/v2/"></head><p><a href="a">A</a></p>';
    expect(await textOf(html)).toContain("[A](https://docs.example/v2/a)");
  });

  test("without any text says so", async () => {
    expect(await textOf("<script>render()</script>")).toContain("[the page has no text]");
  });

  test.each([
    ["its header", answer(Uint8Array.of(0x63, 0x61, 0x66, 0xe9), "text/html; charset=iso-8859-1"), "café"],
    [
      "itself",
      answer(
        new Uint8Array([...new TextEncoder().encode('<meta charset="windows-1251">'), 0xcf, 0xf0, 0xe8]),
        "text/html",
      ),
      "При",
    ],
    ["a byte order mark", answer(Uint8Array.of(0xff, 0xfe, 0x41, 0, 0xac, 0x20), "text/plain"), "A€"],
    ["nobody", answer("naïve", "text/html"), "naïve"],
    ["a word that means nothing", answer("naïve", "text/html; charset=klingon-8"), "naïve"],
  ])("is decoded as %s says", async (_, page, text) => {
    expect(await textOf(page)).toContain(text);
  });
});

describe("what is not HTML", () => {
  test.each([
    ["JSON", "application/json", '{"a": "<b>1</b>"}'],
    ["a vendor's JSON", "application/vnd.api+json; charset=utf-8", '{"a": 1}'],
    ["plain text", "text/plain", "a < b\n  & c"],
    ["Markdown", "text/markdown", "# A\n\n- b"],
    ["a feed", "application/rss+xml", "<rss><title>x</title></rss>"],
  ])("comes as it is: %s", async (_, type, body) => {
    expect(await textOf(answer(body, type))).toBe(`url: ${URL_OF_PAGE}\n\n${body}`);
  });

  test.each([
    ["a PDF", "application/pdf"],
    ["an image", "image/png"],
    ["an archive", "application/zip"],
    ["of no stated type", null],
  ])("and not text is not shown: %s", async (what, type) => {
    const result = await aPage(answer("%PDF-1.7", type)).fetchPage({ url: URL_OF_PAGE });
    expect(result).toMatchObject({
      error: { code: "not_text", message: expect.stringContaining(type ?? what) },
    });
  });

  test("loses control characters, which a journal would hold sixfold", async () => {
    expect(await textOf(answer("a\u0000\u0001\tb\r\nc\rd\u001b[0m", "text/plain"))).toContain(
      "a\tb\nc\nd[0m",
    );
  });
});

describe("a page that is no success", () => {
  test.each([
    [404, "look for another address"],
    [403, "another source"],
    [429, "later"],
    [503, "later"],
    [304, "HTTP 304"],
    [300, "HTTP 300"],
  ])("is an error that says what to do: %i", async (status, advice) => {
    const result = await aPage(answer(null, "text/html", { status })).fetchPage({ url: URL_OF_PAGE });
    expect(result).toMatchObject({ error: { code: "bad_status", message: expect.stringContaining(advice) } });
  });

  test("that breaks off is one that may be tried again", async () => {
    const broken = new ReadableStream({
      pull: (controller) => controller.error(new Error("internal error; reference = 123")),
    });
    const result = await aPage(answer(broken, "text/html")).fetchPage({ url: URL_OF_PAGE });
    expect(result).toMatchObject({
      error: { code: "unreachable", message: `${URL_OF_PAGE} could not be read; trying it again may help` },
    });
  });

  test("that redirects to nowhere is unreachable", async () => {
    const page = answer(null, null, { status: 302, headers: { location: "https://" } });
    expect(await aPage(page).fetchPage({ url: URL_OF_PAGE })).toMatchObject({
      error: { code: "unreachable" },
    });
  });
});

describe("limits", () => {
  test("of an endless page 1 MiB are read, and no more is pulled", async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(262_144).fill(97));
      },
    });
    const text = await textOf(answer(endless, "text/plain"));
    expect(text).toContain(
      "characters 0 to 61440 of 1048576\nThe page is longer than 1 MiB: its end is left out.",
    );
    expect(pulled).toBeLessThan(8);
  });

  test("a compressed bomb is cut by what comes out of it", async () => {
    const zeros = new Response(new Uint8Array(64 * 1024 * 1024)).body?.pipeThrough(
      new CompressionStream("gzip"),
    );
    const bomb = await new Response(zeros).arrayBuffer();
    expect(bomb.byteLength).toBeLessThan(100_000);
    const page: Page = () =>
      new Response(new Response(bomb).body?.pipeThrough(new DecompressionStream("gzip")) ?? null, {
        headers: { "content-type": "text/plain" },
      });
    expect(await textOf(page)).toContain("longer than 1 MiB");
  });

  test("a long text is read part by part, to its end, without gap or repetition", async () => {
    const whole = Array.from({ length: 40_000 }, (_, line) => `${line} ä€😀`).join("\n");
    const { fetchPage } = aPage(answer(whole, "text/plain; charset=utf-8"));
    let text = "";
    for (let from = 0; ; from = text.length) {
      const result = await fetchPage({ url: URL_OF_PAGE, from });
      if (!result.ok) throw new Error(result.error.message);
      expect(new TextEncoder().encode(result.output).length).toBeLessThanOrEqual(MAX_OUTPUT_BYTES);
      expect(result.output).not.toContain("longer than 64 KiB");
      const [, part = "", next] =
        /^[^\n]*\n[^\n]*\n\n(.*?)(?:\n\[there is more: from (\d+)\])?$/s.exec(result.output) ?? [];
      text += part;
      if (next === undefined) break;
      expect(Number(next)).toBe(text.length);
    }
    expect(text).toBe(whole);
  });

  test("beyond the end of the text there is nothing, and where that is is said", async () => {
    expect(await aPage(answer("short", "text/plain")).fetchPage({ url: URL_OF_PAGE, from: 5 })).toMatchObject(
      {
        error: { code: "invalid_arguments", message: expect.stringContaining("ends at character 5") },
      },
    );
  });

  test.each([
    ["an answer", () => new Promise<Response>(() => {})],
    [
      "the rest of a page",
      () =>
        new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(9)) }), {
          headers: { "content-type": "text/plain" },
        }),
    ],
  ])("whoever keeps %s back is given up", async (_, page) => {
    const { fetchPage } = aPage(page, { timeoutMs: 20 });
    expect(await fetchPage({ url: URL_OF_PAGE })).toMatchObject({ error: { code: "timed_out" } });
  });

  test("a resolver that keeps its answer back is given up", async () => {
    const { fetchPage, requests } = aPage(ARTICLE, { timeoutMs: 20, resolve: () => new Promise(() => {}) });
    expect(await fetchPage({ url: URL_OF_PAGE })).toMatchObject({ error: { code: "timed_out" } });
    expect(requests).toEqual([]);
  });

  test("a cancelled task waits for no page", async () => {
    const stop = new AbortController();
    const { fetchPage } = aPage(() => {
      stop.abort();
      return new Promise<Response>(() => {});
    });
    expect(await fetchPage({ url: URL_OF_PAGE }, { signal: stop.signal })).toMatchObject({
      error: { code: "cancelled" },
    });
  });
});
