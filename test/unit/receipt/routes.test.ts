/** The receipt's routes, with rooms and variables as the test has them. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { ApiDeps } from "../../../src/api/api-env.ts";
import { problemResponse } from "../../../src/api/problem.ts";
import { receiptKeyRoutes, receiptRoutes, type ReceiptRoom } from "../../../src/api/receipt-routes.ts";
import type { Receipt } from "../../../src/market/receipt-schema.ts";
import { aReceipt, tampered } from "./support.ts";

const PKCS8 = "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g";
const API_KEY = `sr_01k8z0000000000000000000aa_${"0".repeat(48)}`;
const TASK = "tsk_01k8z0000000000000000000aa";

const roomOf = (receipt: Receipt | null, state: "running" | "cancelled" | null = "running"): ReceiptRoom => ({
  receipt: async () => receipt,
  view: async () => (state === null ? null : { state }),
});

function get(path: string, options: { key?: string; room?: ReceiptRoom; known?: boolean; auth?: boolean }) {
  const { key, room = roomOf(null, null), known = true, auth = true } = options;
  const deps = {
    config: {
      receiptSigningKey: key ?? null,
      marketRoom: () => ({ authorize: async () => (known ? { scopes: ["read"] } : null) }),
      taskRoom: () => room,
    },
  } as unknown as ApiDeps;
  const routes = path.startsWith("/saleroom") ? receiptKeyRoutes(deps) : receiptRoutes(deps);
  routes.onError((error, c) => problemResponse(error, c));
  return routes.request(path, { headers: auth ? { Authorization: `Bearer ${API_KEY}` } : {} });
}

describe("GET /v1/tasks/:id/receipt", () => {
  test("answers the receipt, signed where there is a key", async () => {
    const receipt = aReceipt();
    const signed = await get(`/${TASK}/receipt`, { key: PKCS8, room: roomOf(receipt) });
    expect(signed.status).toBe(200);
    expect(await signed.json()).toMatchObject({
      object: "receipt",
      receipt,
      signature: { algorithm: "Ed25519" },
      unsignedBecause: null,
    });
    const unsigned = await get(`/${TASK}/receipt`, { room: roomOf(receipt) });
    expect(await unsigned.json()).toEqual({
      object: "receipt",
      receipt,
      signature: null,
      unsignedBecause: "no_signing_key",
    });
  });

  test("refuses strangers, and whoever asks for what there is not", async () => {
    const room = roomOf(aReceipt());
    expect((await get(`/${TASK}/receipt`, { room, auth: false })).status).toBe(401);
    expect((await get(`/${TASK}/receipt`, { room, known: false })).status).toBe(401);
    expect((await get("/tsk_nonsense/receipt", { room })).status).toBe(404);
    expect((await get(`/${TASK}/receipt`, {})).status).toBe(404);
    for (const state of ["running", "cancelled"] as const) {
      // oxlint-disable-next-line no-await-in-loop -- two requests
      expect((await get(`/${TASK}/receipt`, { room: roomOf(null, state) })).ok).toBe(false);
    }
  });

  test("a key that cannot be read is an error, never an unsigned receipt", async () => {
    const answer = await get(`/${TASK}/receipt`, { key: "nonsense", room: roomOf(aReceipt()) });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("nonsense");
  });
});

describe("GET /.well-known/saleroom-receipt-key", () => {
  test("answers the public half alone, to anybody", async () => {
    const answer = await get("/saleroom-receipt-key", { key: PKCS8, auth: false });
    expect(answer.headers.get("Content-Type")).toBe("application/jwk+json");
    const key = (await answer.json()) as Record<string, unknown>;
    expect(Object.keys(key).toSorted()).toEqual(["alg", "crv", "kid", "kty", "use", "x"]);
  });

  test("without a key there is none", async () => {
    expect((await get("/saleroom-receipt-key", { auth: false })).status).toBe(404);
  });
});

describe("the command", () => {
  const run = async (...args: readonly string[]) =>
    promisify(execFile)(process.execPath, ["bench/receipt/verify.ts", ...args]).then(
      ({ stdout }) => ({ code: 0, text: stdout }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        text: error.stdout + error.stderr,
      }),
    );

  test("agrees with what the route answered, and says where another differs", async () => {
    const folder = await mkdtemp(join(tmpdir(), "receipt-"));
    try {
      const at = (name: string) => join(folder, name);
      const answer = await get(`/${TASK}/receipt`, { key: PKCS8, room: roomOf(aReceipt()) });
      const body = (await answer.json()) as object;
      const forged = tampered(body, ["receipt", "decision", "clearing", "first", "ranking", 0, "score"]);
      await Promise.all([
        writeFile(at("good.json"), JSON.stringify(body)),
        writeFile(at("forged.json"), JSON.stringify(forged)),
        writeFile(at("key.json"), await (await get("/saleroom-receipt-key", { key: PKCS8 })).text()),
      ]);
      const good = await run(at("good.json"), "--key", at("key.json"));
      expect(good.text).toMatch(/recomputed, agt_\w+ wins[\s\S]*signed with key/);
      expect(good.code).toBe(0);
      const bad = await run(at("forged.json"), "--key", at("key.json"));
      expect(bad.text).toMatch(/DIFFERS decision\.clearing\.first\.ranking\[0\]\.score: stated/);
      expect(bad.text).toMatch(/BAD SIGNATURE/);
      expect(bad.code).toBe(1);
      expect((await run(at("none.json"))).code).toBe(2);
      expect((await run()).code).toBe(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
