/** `npm run fit` as a process, against files and a stand-in for the operator's API. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parseOptions } from "../../../bench/fit/options.ts";
import { newId } from "../../../src/market/ids.ts";
import type { TrainingAuction } from "../../../src/market/fit/training-auction.ts";
import { usable } from "../../../src/market/fit/usable.ts";
import { fit as runFit } from "./fit-process.ts";
import { NARROW_POOL, trialAuctions } from "./synthetic-trial.ts";

const TENANT = newId("ten", { now: () => 1_750_000_000_000, random: () => 0.5 });
const SECRET = "operator-of-a-test";

const all = trialAuctions({ pool: NARROW_POOL, count: 60, seed: 4 });
const enough = usable(all).auctions.slice(0, 32);
const unusable = all.filter((auction) => !usable([auction]).auctions.length);

const fit = async (args: readonly string[], secret = SECRET) => runFit(args, secret);

const directory = mkdtempSync(join(tmpdir(), "saleroom-fit-"));
afterAll(() => rmSync(directory, { recursive: true }));
function fileOf(auctions: readonly TrainingAuction[]): string {
  const path = join(directory, `${auctions.length}.json`);
  writeFileSync(path, JSON.stringify({ auctions }));
  return path;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

const IN_FORCE = { cost: 0, entropy: 0, jurors: Object.fromEntries(NARROW_POOL.map(({ id }) => [id, 0])) };

/** Serves pages of 20 auctions, takes policies, and answers 401 to anybody but the operator. */
let server: Server;
let url: string;
let calls: Call[] = [];
beforeAll(async () => {
  server = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  calls = [];
});
afterAll(() => server.close());

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { status, body } = await answer(request);
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

async function answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
  const { pathname, searchParams } = new URL(request.url ?? "", "http://any");
  calls.push({ method: request.method ?? "", path: request.url ?? "", body: await text(request) });
  if (request.headers.authorization !== `Bearer ${SECRET}`) return { status: 401, body: {} };
  if (pathname === `/admin/tenants/${TENANT}/policy`) return { status: 200, body: {} };
  if (pathname !== `/admin/tenants/${TENANT}/training`) return { status: 404, body: {} };
  const from = Number(searchParams.get("cursor") ?? 0);
  const history = [...enough, ...unusable];
  const nextCursor = from + 20 < history.length ? String(from + 20) : null;
  const auctions = history.slice(from, from + 20);
  return { status: 200, body: { object: "list", auctions, nextCursor, weights: IN_FORCE } };
}

describe("npm run fit", () => {
  test("too few usable auctions: says how many are missing, stores nothing, exits 0", async () => {
    const few = fileOf([...enough.slice(0, 11), ...unusable]);
    const { code, out } = await fit(["--tenant", TENANT, "--file", few, "--store", "--url", url]);
    expect(code).toBe(0);
    expect(out).toContain(`11 of ${11 + unusable.length} auctions usable`);
    expect(out).toMatch(/left out: no bidder is known to (pass|fail)/);
    expect(out).toContain("At least 30 usable auctions are needed: 19 missing.");
    expect(calls).toEqual([]);
  });

  test("a file: gap, weights, and before and after side by side", async () => {
    const { code, out, err } = await fit(["--file", fileOf(enough)], "");
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toMatch(/margin fit, max: optimal, objective -?\d\.\d{4}, bound -?\d\.\d{4}, gap 0\.0\d %/);
    expect(out).toMatch(/before: weights default +\d+ +\d+ +0 +\d+\.\d % +\$0\.\d{6} +32/);
    expect(out).toMatch(/after: fitted, 5-fold cross-validated +\d+ +\d+ +0 +\d+\.\d % +\$0\.\d{6} +32/);
  });

  test("the tenant's history, page by page; nothing is stored unasked", async () => {
    const { code, out } = await fit(["--tenant", TENANT, "--url", `${url}/`, "--time-limit", "0.05"]);
    expect(code).toBe(0);
    expect(out).toContain(`32 of ${32 + unusable.length} auctions usable`);
    expect(calls.length).toBe(Math.ceil((32 + unusable.length) / 20));
    expect(calls.every(({ method }) => method === "GET")).toBe(true);
    // The weights in force tell nobody apart: every tie goes to the cheapest.
    const row = (name: string) => out.match(new RegExp(`${name} +(.*)`))?.[1];
    expect(row("before: weights in force")).toBe(row("always the cheapest bidder"));
  });

  test("--store: the weights and their figures, once", async () => {
    const { code, out } = await fit(["--tenant", TENANT, "--url", url, "--store"]);
    expect(code).toBe(0);
    expect(out).toContain(`Stored as a new policy version of ${TENANT}.`);
    const puts = calls.filter(({ method }) => method === "PUT");
    expect(puts).toHaveLength(1);
    expect(JSON.parse(puts[0]?.body ?? "")).toMatchObject({
      weights: {
        cost: expect.any(Number),
        entropy: expect.any(Number),
        jurors: { agt_d: expect.any(Number) },
      },
      fit: {
        kind: "margin",
        aggregation: "max",
        usableAuctions: 32,
        status: "optimal",
        after: { auctions: 32 },
      },
    });
  });

  test("--aggregation mean --store: beside the weights of the worst task, not in their place", async () => {
    const { code, out } = await fit(["--tenant", TENANT, "--url", url, "--aggregation", "mean", "--store"]);
    expect(code).toBe(0);
    expect(out).toContain("tasks use them with the policy sale-mean");
    const body = JSON.parse(calls.find(({ method }) => method === "PUT")?.body ?? "") as object;
    expect(Object.keys(body)).toEqual(["meanWeights", "meanFit"]);
    expect(body).toMatchObject({ meanFit: { kind: "margin", aggregation: "mean" } });
  });

  test("what cannot be done is said in a sentence, without the secret", async () => {
    const wrong = await fit(["--tenant", TENANT, "--url", url], "not-the-secret");
    expect(wrong.code).toBe(1);
    expect(wrong.err).toBe(`GET ${url}/admin/tenants/${TENANT}/training answered 401\n`);
    const none = await fit(["--tenant", TENANT, "--url", url], "");
    expect(none).toMatchObject({ code: 1, err: "ADMIN_SECRET, the operator's secret, is not set\n" });
  });
});

describe("the command line", () => {
  test("defaults", () => {
    expect(parseOptions(["--tenant", TENANT])).toEqual({
      ok: true,
      value: {
        tenantId: TENANT,
        url: "http://localhost:8787",
        file: null,
        fit: { kind: "margin", aggregation: "max" },
        timeLimitS: 60,
        store: false,
        calibrate: null,
        help: false,
      },
    });
  });

  test.each([
    [[]],
    [["--file", "x.json", "--store"]],
    [["--tenant", "ten_1"]],
    [["--tenant", TENANT, "--fit", "best"]],
    [["--tenant", TENANT, "--aggregation", "median"]],
    [["--tenant", TENANT, "--time-limit", "0"]],
    [["--tenant", TENANT, "--time-limit", "soon"]],
    [["--tenant", TENANT, "--url", "localhost"]],
    [["--tenant", TENANT, "--what"]],
    [["--tenant", TENANT, "--calibrate", "0"]],
    [["--tenant", TENANT, "--calibrate", "101"]],
    [["--tenant", TENANT, "--calibrate", "1.5"]],
    [["--tenant", TENANT, "--calibrate", "all"]],
    [["--tenant", TENANT, "--calibrate", "5", "--wait", "-1"]],
    [["--tenant", TENANT, "--calibrate", "5", "--file", "x.json"]],
    [["--tenant", TENANT, "--yes"]],
  ])("refuses %j", (args) => {
    expect(parseOptions(args).ok).toBe(false);
  });
});
