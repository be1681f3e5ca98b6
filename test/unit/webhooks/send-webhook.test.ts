/** Deliveries over real HTTP to a receiver on this machine, which verifies them as the standard's library does. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { Webhook } from "standardwebhooks";
import { newId } from "../../../src/market/ids.ts";
import { sendDeliveries, type SendDeps } from "../../../src/tenancy/webhooks/send-webhook.ts";
import type { ClaimedDeliveries } from "../../../src/tenancy/webhooks/webhook-api.ts";
import { webhookAddress } from "../../../src/tenancy/webhooks/webhook-address.ts";

const SECRET = `whsec_${Buffer.from("a secret of thirty-two bytes, yes").toString("base64")}`;
const OLDER = `whsec_${Buffer.from("an older secret of some length..").toString("base64")}`;
const source = { now: () => Date.now(), random: Math.random };

interface Received {
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

let server: Server;
let origin: string;
let received: Received[] = [];
beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => (body += chunk));
    request.on("end", () => {
      const path = request.url ?? "";
      received.push({ path, body, headers: request.headers });
      if (path === "/hang") return;
      const status = Number(/^\/(\d{3})/.exec(path)?.[1] ?? 204);
      const after = new URL(path, origin).searchParams.get("after");
      if (after !== null) response.setHeader("retry-after", after);
      if (status >= 300 && status < 400) response.setHeader("location", "/204");
      if (path === "/endless") {
        response.writeHead(200);
        const more = setInterval(() => response.write("x".repeat(65_536)), 1);
        response.on("close", () => clearInterval(more));
        return;
      }
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  received = [];
});

const noResolver = async (): Promise<never> => {
  throw new Error("nobody was to be asked");
};
const deps = (fields: Partial<SendDeps> = {}): SendDeps => ({
  fetch: async (url, init) => fetch(url, init),
  resolve: noResolver,
  allow: [origin],
  now: () => Date.now(),
  ...fields,
});

function claimed(path: string, fields: Partial<ClaimedDeliveries> = {}): ClaimedDeliveries {
  const payload = JSON.stringify({ type: "task.finished", data: { note: "ü" } });
  const deliveries = [{ deliveryId: newId("dlv", source), payload, claim: 3, run: 1 }];
  return { url: `${origin}${path}`, secrets: [SECRET], deliveries, ...fields };
}

async function sendOne(path: string, fields: Partial<SendDeps> = {}) {
  const [report] = await sendDeliveries(deps(fields), claimed(path));
  if (report === undefined) throw new Error("no report");
  return { ...report.attempt, retryAfterMs: report.retryAfterMs };
}

function verified(secret: string, { body, headers }: Received): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>);
}

describe("a delivery", () => {
  test("is signed as the standard's library verifies, and told as delivered", async () => {
    const sent = claimed("/hook?token=t");
    const [report] = await sendDeliveries(deps(), sent);
    const [got] = received;
    const [delivery] = sent.deliveries;
    if (got === undefined || delivery === undefined) throw new Error("nothing was received");
    expect(verified(SECRET, got)).toEqual(JSON.parse(delivery.payload));
    expect(() => verified(OLDER, got)).toThrow("No matching signature");
    expect(() => verified(SECRET, { ...got, body: `${got.body} ` })).toThrow("No matching signature");
    expect(got).toMatchObject({ path: "/hook?token=t", body: delivery.payload });
    expect(got.headers).toMatchObject({
      "webhook-id": delivery.deliveryId,
      "content-type": "application/json",
    });
    expect(got.headers["cookie"] ?? got.headers["authorization"]).toBeUndefined();
    expect(report).toMatchObject({ claim: 3, run: 1, attempt: { status: 204, error: null } });
  });

  test("is signed by both secrets while one takes over from the other", async () => {
    await sendDeliveries(deps(), claimed("/hook", { secrets: [SECRET, OLDER] }));
    const [got] = received;
    if (got === undefined) throw new Error("nothing was received");
    expect(String(got.headers["webhook-signature"]).split(" ")).toHaveLength(2);
    for (const secret of [SECRET, OLDER]) expect(() => verified(secret, got)).not.toThrow();
  });

  test.each([
    ["/200", 200, null],
    ["/400", 400, "status"],
    ["/410", 410, "status"],
    ["/500", 500, "status"],
    ["/301", 301, "redirect"],
    ["/307", 307, "redirect"],
  ])("that is answered as %s is told as %s, %s, and sent nowhere else", async (path, status, error) => {
    expect(await sendOne(path)).toMatchObject({ status, error });
    expect(received.map((one) => one.path)).toEqual([path]);
  });

  test.each([
    ["/429?after=120", 120_000],
    ["/503?after=7", 7_000],
    ["/503", null],
    ["/503?after=soon", null],
    ["/500?after=120", null],
    ["/200?after=120", null],
  ])("%s asks for %s ms", async (path, wanted) => {
    expect((await sendOne(path)).retryAfterMs).toBe(wanted);
  });

  test("honours a date, too", async () => {
    const at = new Date(Date.now() + 90_000).toUTCString();
    const { retryAfterMs } = await sendOne(`/503?after=${encodeURIComponent(at)}`);
    expect(retryAfterMs).toBeGreaterThan(85_000);
    expect(retryAfterMs).toBeLessThanOrEqual(90_000);
  });

  test("that nobody answers in time has timed out, and one without a listener is unreachable", async () => {
    expect(await sendOne("/hang", { timeoutMs: 50 })).toMatchObject({ status: null, error: "timeout" });
    const [report] = await sendDeliveries(
      deps({ allow: ["http://127.0.0.1:1"] }),
      claimed("", { url: "http://127.0.0.1:1/" }),
    );
    expect(report?.attempt).toMatchObject({ status: null, error: "unreachable" });
  });

  test("does not wait for an answer that never ends", { timeout: 5_000 }, async () => {
    expect(await sendOne("/endless")).toMatchObject({ status: 200, error: null });
  });
});

describe("an address", () => {
  const to = async (url: string, fields: Partial<SendDeps>) => {
    let calls = 0;
    const fetch = async (): Promise<Response> => {
      calls += 1;
      return new Response(null, { status: 204 });
    };
    const [report] = await sendDeliveries(deps({ allow: [], fetch, ...fields }), claimed("", { url }));
    return { error: report?.attempt.error, calls };
  };
  const answering = (...found: string[]): Partial<SendDeps> => ({ resolve: async () => found });

  test("that is public is called", async () => {
    expect(await to("https://hooks.example.com/", answering("93.184.216.34"))).toEqual({
      error: null,
      calls: 1,
    });
    expect(await to("https://8.8.8.8/", {})).toEqual({ error: null, calls: 1 });
  });

  test.each([
    ["a private address", "https://10.0.0.1/", {}, "not_public"],
    ["plain http", "http://hooks.example.com/", answering("8.8.8.8"), "not_public"],
    ["a name that leads here", "https://127.0.0.1.nip.io/", answering("127.0.0.1"), "not_public"],
    ["a name with one private address", "https://a.example/", answering("8.8.8.8", "fd00::1"), "not_public"],
    ["a name without an address", "https://a.example/", answering(), "unresolved"],
    ["a name that nobody can be asked for", "https://a.example/", { resolve: noResolver }, "unresolved"],
  ])("that is %s is not called", async (_, url, fields, error) => {
    expect(await to(url, fields)).toEqual({ error, calls: 0 });
  });

  test("on the operator's list need be neither public nor https, and no other port or host is", () => {
    const allow = ["http://127.0.0.1:8789"];
    expect(webhookAddress("http://127.1:8789/a#b", allow)).toMatchObject({ ok: true });
    for (const url of ["http://127.0.0.1:8790/", "https://127.0.0.1:8789/", "http://localhost:8789/"])
      expect(webhookAddress(url, allow).ok).toBe(false);
    expect(webhookAddress("http://u:p@127.0.0.1:8789/", allow).ok).toBe(false);
    expect(webhookAddress("ftp://example.com/", []).ok).toBe(false);
    expect(webhookAddress("/hook", []).ok).toBe(false);
  });
});
