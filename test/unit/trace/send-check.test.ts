/** What a checker is sent, and what is made of whatever it answers. */
import { describe, expect, test } from "vitest";
import { Webhook } from "standardwebhooks";
import { sendCheck, type Check, type CheckerDeps } from "../../../src/trace/checker/send-check.ts";

const NOW = Date.UTC(2026, 10, 27);
const SECRETS = ["whsec_bmV3ZXN0LXNlY3JldC1vZi10aGUtdGVuYW50", "whsec_b2xkZXItc2VjcmV0LW9mLXRoZS10ZW5hbnQ="];
const CHECK: Check = {
  url: "https://checker.example.com/verify?a=1",
  id: "tsk_1-1",
  payload: '{"type":"verification.requested"}',
  secrets: SECRETS,
};

interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

const sent: Sent[] = [];
const answering = (
  answer: (init: RequestInit) => Response | Promise<Response>,
  options: Partial<CheckerDeps> = {},
): CheckerDeps => ({
  fetch: async (url, init) => {
    sent.push({ url, init });
    return answer(init);
  },
  resolve: async () => ["93.184.215.14"],
  allow: [],
  now: () => NOW,
  ...options,
});

const ask = async (deps: CheckerDeps, check: Partial<Check> = {}, signal = new AbortController().signal) =>
  sendCheck(deps, { ...CHECK, ...check }, signal);
const asked = async (body: BodyInit | null, status = 200) =>
  ask(answering(() => new Response(body, { status })));

test("the request is signed with every secret that signs, as Standard Webhooks has it", async () => {
  await ask(answering(() => Response.json({ outcome: "pass" })));
  const { url, init } = sent.at(-1) ?? never();
  expect(url).toBe(CHECK.url);
  expect(init).toMatchObject({ method: "POST", body: CHECK.payload, redirect: "manual" });
  const headers = Object.fromEntries(new Headers(init.headers));
  expect(headers).toMatchObject({ "webhook-id": "tsk_1-1", "webhook-timestamp": String(NOW / 1_000) });
  for (const secret of SECRETS) {
    // The library holds the time to its own clock: a request of this moment is made to be checked.
    const fresh = answering(() => Response.json({ outcome: "pass" }), { now: () => Date.now() });
    await ask(fresh);
    const { init: signed } = sent.at(-1) ?? never();
    const verify = (payload: string) =>
      new Webhook(secret).verify(payload, Object.fromEntries(new Headers(signed.headers)));
    expect(verify(CHECK.payload)).toEqual(JSON.parse(CHECK.payload));
    expect(() => verify(`${CHECK.payload} `)).toThrow("No matching signature");
  }
});

describe("an answer", () => {
  test.each(["pass", "fail", "unknown"] as const)("of 200 with %s decides", async (outcome) => {
    expect(await asked(JSON.stringify({ outcome, evidence: "3 of 4 tests", more: 1 }))).toEqual({
      kind: "decided",
      outcome,
      evidence: "3 of 4 tests",
    });
  });

  test("without evidence says whose word it is", async () => {
    for (const body of ['{"outcome":"pass"}', '{"outcome":"pass","evidence":null}'])
      expect(await asked(body)).toMatchObject({ evidence: "told by the checker" });
  });

  test("with long evidence has its beginning, and says so", async () => {
    const answer = await asked(JSON.stringify({ outcome: "fail", evidence: "ä".repeat(5_000) }));
    const evidence = answer.kind === "decided" ? answer.evidence : "";
    expect(new TextEncoder().encode(evidence).length).toBeLessThanOrEqual(4_096);
    expect(evidence).toMatch(/ä\n\[cut at 4 KiB\]$/);
  });

  test("of 202 takes the work on", async () => {
    expect(await asked("queued", 202)).toEqual({ kind: "accepted" });
  });

  const NO_JSON = 'its answer was not JSON with an "outcome" of pass, fail or unknown';
  test.each([
    ["empty", "", NO_JSON],
    ["prose", "looks good", NO_JSON],
    ["a page", "<html>pass</html>", NO_JSON],
    ["JSON of another kind", '{"verdict":"pass"}', NO_JSON],
    ["an outcome that is none", '{"outcome":"maybe"}', NO_JSON],
    ["evidence that is none", '{"outcome":"pass","evidence":{"a":1}}', NO_JSON],
    ["cut", '{"outcome":"pa', NO_JSON],
    ["not UTF-8", new Uint8Array([0x7b, 0xff, 0x7d]), NO_JSON],
    ["too long", `{"outcome":"pass","x":"${"x".repeat(65_536)}"}`, "its answer was longer than 65536 bytes"],
  ])("of 200 that is %s decides nothing", async (_what, body, reason) => {
    expect(await asked(body)).toEqual({ kind: "failed", reason });
  });

  test.each([
    [201, "it answered 201"],
    [301, "it answered 301, and redirects are not followed"],
    [400, "it answered 400"],
    [401, "it answered 401"],
    [429, "it answered 429"],
    [500, "it answered 500"],
  ])("of %s has failed", async (status, reason) => {
    const deps = answering(
      () => new Response("secret words", { status, headers: { Location: "http://127.0.0.1/" } }),
    );
    expect(await ask(deps)).toEqual({ kind: "failed", reason });
  });

  test("that never ends is not read to its end", async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(16_384));
      },
    });
    expect(await asked(endless)).toEqual({
      kind: "failed",
      reason: "its answer was longer than 65536 bytes",
    });
    expect(pulled).toBeLessThan(10);
  });
});

/** As `fetch` does: it ends with its signal, also with one that has aborted before. */
const hang = async ({ signal }: RequestInit): Promise<Response> => {
  signal?.throwIfAborted();
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted"))));
};

describe("no answer", () => {
  test("within the time is a failure that says so", async () => {
    const hanging = answering(hang, { timeoutMs: 20 });
    expect(await ask(hanging)).toEqual({ kind: "failed", reason: "it did not answer within 0.02 s" });
  });

  test("from a host that is not there, or that breaks off, is a failure", async () => {
    const failed = { kind: "failed", reason: "it could not be reached, or broke off" };
    expect(await ask(answering(async () => Promise.reject(new Error("ECONNREFUSED 10.0.0.1"))))).toEqual(
      failed,
    );
    const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) });
    expect(await asked(broken)).toEqual(failed);
  });

  test("once nobody waits for it any more", async () => {
    const controller = new AbortController();
    const hanging = answering(hang);
    const answer = ask(hanging, {}, controller.signal);
    await Promise.resolve();
    controller.abort("stop");
    expect((await answer).kind).toBe("failed");
  });
});

describe("an address that may not be called", () => {
  const NOT_PUBLIC = { kind: "failed", reason: "its address is not the public internet's" };

  test.each(["http://checker.example.com/", "https://127.0.0.1/", "https://[::1]/", "https://localhost/"])(
    "%s is sent nothing",
    async (url) => {
      const before = sent.length;
      expect(
        await ask(
          answering(() => Response.json({ outcome: "pass" })),
          { url },
        ),
      ).toEqual(NOT_PUBLIC);
      expect(sent).toHaveLength(before);
    },
  );

  test("is looked for with each request: a name that leads inside now is sent nothing", async () => {
    const before = sent.length;
    const inside = answering(() => Response.json({ outcome: "pass" }), {
      resolve: async () => ["93.184.215.14", "169.254.169.254"],
    });
    expect(await ask(inside)).toEqual(NOT_PUBLIC);
    const unresolved = answering(() => Response.json({}), {
      resolve: async () => Promise.reject(new Error("no resolver")),
    });
    expect(await ask(unresolved)).toMatchObject({ kind: "failed" });
    expect(sent).toHaveLength(before);
  });

  test("may be called where the operator allows its origin", async () => {
    const deps = answering(() => Response.json({ outcome: "pass" }), { allow: ["http://127.0.0.1:9000"] });
    expect((await ask(deps, { url: "http://127.0.0.1:9000/x" })).kind).toBe("decided");
  });
});

function never(): never {
  throw new Error("nothing was sent");
}
