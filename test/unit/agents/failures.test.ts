/** Errors of providers: which are retried, when, what they are called, and what they cost. */
import { APICallError } from "ai";
import { describe, expect, it } from "vitest";
import { classifyError } from "../../../src/agents/calls/classify-error.ts";
import type { Answer } from "../../../src/agents/model-port.ts";
import {
  anAgent,
  aWorld,
  BID,
  httpError,
  JURY,
  limits,
  NOW_MS,
  openAi,
  SECRET,
  STEP,
  type Scripted,
} from "./fakes.ts";

const OK = openAi({ content: "Look it up" });
const AGENT = anAgent("openai-compatible");
const network = (code: string): Error =>
  Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error(code), { code }) });

const cut = (): Error => network("ECONNRESET");
const api = (statusCode?: number): APICallError =>
  new APICallError({ message: "m", url: "u", requestBodyValues: {}, statusCode });

describe("one request fails, the next would succeed", () => {
  it.each<[string, () => Scripted, boolean, string]>([
    ["408", () => httpError(408), true, ""],
    ["409", () => httpError(409), true, ""],
    ["429", () => httpError(429), true, ""],
    ["500", () => httpError(500), true, ""],
    ["503", () => httpError(503), true, ""],
    ["529", () => httpError(529), true, ""],
    ["a connection that was never made", () => network("ECONNREFUSED"), true, ""],
    ["401", () => httpError(401), false, "misconfigured"],
    ["402", () => httpError(402), false, "provider_error"],
    ["403", () => httpError(403), false, "misconfigured"],
    ["404", () => httpError(404), false, "misconfigured"],
    ["413", () => httpError(413), false, "provider_error"],
  ])("%s", async (_what, failure, retried, reason) => {
    const { models, slept } = aWorld({ http: [failure(), OK] });
    const answer = await models.bid(AGENT, BID, limits());
    expect(answer).toMatchObject(
      retried
        ? { ok: true, requests: 2, bill: { status: "billed", costMicros: 300 } }
        : { ok: false, requests: 1, failure: { reason }, bill: { status: "refused" } },
    );
    expect(slept).toEqual(retried ? [250] : []);
  });

  it.each([
    ["InferenceUpstreamError: 3040: Capacity temporarily exceeded, please try again.", true, ""],
    ["AiError: 3007: Request timeout", true, ""],
    ["AiError: 3043: Internal server error", true, ""],
    ["AiError: 3036: you have used up your daily free allocation", false, "provider_error"],
    ["AiError: 5007: No such model @cf/test/model or task", false, "misconfigured"],
    ["AiError: 5016: User has not agreed to the model's terms", false, "misconfigured"],
  ])("Workers AI: %s", async (message, retried, reason) => {
    for (const kind of ["bid", "step"] as const) {
      const { models } = aWorld({
        ai: [new Error(message), { response: "ok", usage: { prompt_tokens: 100, completion_tokens: 20 } }],
      });
      const agent = anAgent("workers-ai");
      const answer: Answer<unknown> =
        kind === "bid" ? await models.bid(agent, BID, limits()) : await models.step(agent, STEP, limits());
      expect(answer).toMatchObject(
        retried
          ? { ok: true, requests: 2, bill: { status: "billed" } }
          : { ok: false, requests: 1, failure: { reason }, bill: { status: "refused" } },
      );
    }
  });
});

describe("a step's call that failed", () => {
  it.each<[string, () => Scripted, boolean]>([
    ["429", () => httpError(429), true],
    ["500", () => httpError(500), true],
    ["a connection that broke", cut, true],
    [
      "an answer that is no JSON",
      () => new Response("{", { headers: { "content-type": "application/json" } }),
      true,
    ],
    ["400", () => httpError(400), false],
    ["402", () => httpError(402), false],
  ])("by %s says whether it may get through later", async (_what, failure, mayPass) => {
    const { models } = aWorld({ http: [failure(), failure(), failure(), failure()] });
    const answer = await models.step(AGENT, STEP, limits());
    expect(!answer.ok && (answer.failure.mayPass ?? false)).toBe(mayPass);
  });
});

describe("retries", () => {
  it("end after three requests, backing off", async () => {
    const { models, slept } = aWorld({ http: [httpError(503), httpError(503), httpError(503), OK] });
    const answer = await models.bid(AGENT, BID, limits());
    expect(answer).toMatchObject({
      ok: false,
      requests: 3,
      failure: { reason: "provider_error" },
      bill: { status: "refused" },
    });
    expect(slept).toEqual([250, 500]);
    expect(answer.ms).toBe(750);
  });

  it.each([
    ["seconds", { "retry-after": "3" }, 3_000],
    ["an HTTP date", { "retry-after": new Date(NOW_MS + 5_000).toUTCString() }, 5_000],
    ["a date that has passed", { "retry-after": new Date(NOW_MS - 5_000).toUTCString() }, 250],
    ["milliseconds", { "retry-after": "9", "retry-after-ms": "1200" }, 1_200],
    ["nonsense", { "retry-after": "soon" }, 250],
  ])("wait as asked: %s", async (_form, headers, ms) => {
    const { models, slept } = aWorld({ http: [httpError(429, headers), OK] });
    expect((await models.bid(AGENT, BID, limits())).ok).toBe(true);
    expect(slept).toEqual([ms]);
  });

  it("do not start when they could not end before the deadline", async () => {
    const { models, slept } = aWorld({ http: [httpError(429, { "retry-after": "10" }), OK] });
    const answer = await models.bid(AGENT, BID, limits({ deadlineAtMs: NOW_MS + 10_400 }));
    expect(answer).toMatchObject({
      ok: false,
      requests: 1,
      failure: { reason: "rate_limited" },
      bill: { status: "refused" },
    });
    expect(slept).toEqual([]);
  });

  it("count within one call, the over-length one included", async () => {
    const long = openAi({ content: "long" }, { usage: { prompt_tokens: 100, completion_tokens: 512 } });
    const { models } = aWorld({ http: [httpError(503), httpError(503), long] });
    expect(await models.bid(AGENT, BID, limits())).toMatchObject({
      ok: false,
      requests: 3,
      failure: { reason: "too_long" },
    });
  });

  it("follow a cut connection only as far as the bound pays for its cost", async () => {
    const bid = aWorld({ http: [cut(), OK] });
    expect(await bid.models.bid(AGENT, BID, limits())).toMatchObject({
      ok: true,
      requests: 2,
      bill: { status: "unconfirmed" },
    });
    const twice = aWorld({ http: [cut(), cut(), OK] });
    expect(await twice.models.bid(AGENT, BID, limits())).toMatchObject({
      ok: false,
      requests: 2,
      failure: { reason: "unreachable" },
    });
    const step = aWorld({ http: [cut(), OK] });
    expect(await step.models.step(AGENT, STEP, limits())).toMatchObject({
      ok: false,
      requests: 1,
      failure: { reason: "unreachable" },
      bill: { status: "unconfirmed" },
    });
  });
});

describe("an aborted call", () => {
  const ends = [
    ["timeout", () => new DOMException("late", "TimeoutError")],
    ["cancelled", () => new DOMException("gone", "AbortError")],
    ["cancelled", () => new Error("lease lost")],
    ["cancelled", () => "a string"],
  ] as const;

  it.each(ends)("is %s and stays unconfirmed once it was sent", async (reason, why) => {
    for (const provider of ["openai-compatible", "anthropic", "google", "workers-ai"] as const) {
      for (const kind of ["bid", "judge", "step"] as const) {
        const controller = new AbortController();
        const world = aWorld({ http: [null], ai: [null] });
        const limit = limits({ signal: controller.signal });
        const agent = anAgent(provider);
        const call: Promise<Answer<unknown>> =
          kind === "bid"
            ? world.models.bid(agent, BID, limit)
            : kind === "judge"
              ? world.models.judge(agent, JURY, limit)
              : world.models.step(agent, STEP, limit);
        await until(() => world.requests.length + world.runs.length === 1);
        controller.abort(why());
        expect(await call).toMatchObject({
          ok: false,
          requests: 1,
          failure: { reason },
          bill: { status: "unconfirmed" },
        });
      }
    }
  });

  it("sends nothing when it was over before it began", async () => {
    const { models, requests } = aWorld();
    const answer = await models.bid(AGENT, BID, limits({ signal: AbortSignal.abort() }));
    expect(answer).toMatchObject({
      ok: false,
      requests: 0,
      failure: { reason: "cancelled" },
      bill: { status: "refused" },
    });
    expect(requests).toEqual([]);
  });

  it("is not retried when a refusal comes with the abort", async () => {
    const controller = new AbortController();
    const { models } = aWorld({
      http: [
        () => {
          controller.abort();
          return httpError(503);
        },
      ],
    });
    const answer = await models.bid(AGENT, BID, limits({ signal: controller.signal }));
    expect(answer).toMatchObject({ ok: false, requests: 1, failure: { reason: "cancelled" } });
  });
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

describe("a pool that does not fit its deployment", () => {
  it.each([
    ["secret", anAgent("openai-compatible", { apiKeySecret: "NO_KEY" }), "the secret NO_KEY is not set"],
    ["secret", anAgent("anthropic", { apiKeySecret: "NO_KEY" }), "the secret NO_KEY is not set"],
    ["secret", anAgent("google", { apiKeySecret: "NO_KEY" }), "the secret NO_KEY is not set"],
    [
      "variable",
      anAgent("openai-compatible", { baseUrl: undefined, baseUrlVariable: "NO_URL" }),
      "the variable NO_URL is not set",
    ],
    [
      "URL",
      anAgent("openai-compatible", { baseUrl: undefined, baseUrlVariable: "API_KEY" }),
      "the variable API_KEY is no http(s) URL",
    ],
  ])("is misconfigured without its %s", async (_what, agent, message) => {
    const { models, requests } = aWorld();
    expect(await models.bid(agent, BID, limits())).toEqual({
      ok: false,
      failure: { reason: "misconfigured", message },
      bill: { status: "refused" },
      ms: 0,
      requests: 0,
    });
    expect(requests).toEqual([]);
  });

  it("does not quote a key that cannot be a header", async () => {
    const { models } = aWorld({ variables: { API_KEY: "sk-broken\nkey" } });
    const answer = await models.bid(AGENT, BID, limits());
    expect(answer).toMatchObject({ failure: { reason: "misconfigured" }, requests: 0 });
    expect(JSON.stringify(answer)).not.toContain("broken");
  });
});

describe("messages", () => {
  it.each([
    ["the key", `Incorrect API key provided: ${SECRET}.`],
    ["a masked key", "Incorrect API key provided: sk-proj-****************cdef."],
    ["a header", `bad header Authorization: Bearer ${SECRET}`],
  ])("never hold %s", async (_what, message) => {
    const { models } = aWorld({ http: [httpError(401, {}, message)] });
    const answer = await models.bid(AGENT, BID, limits());
    expect(answer).toMatchObject({ ok: false, failure: { reason: "misconfigured" } });
    expect(JSON.stringify(answer)).not.toMatch(/sk-|cdef/);
    expect(JSON.stringify(answer)).toContain("[secret]");
  });

  it("have at most 500 characters", async () => {
    const { models } = aWorld({ http: [httpError(413, {}, "x".repeat(5_000))] });
    const answer = await models.bid(AGENT, BID, limits());
    expect(!answer.ok && answer.failure.message.length).toBe(500);
  });
});

describe("classifyError", () => {
  const context = { signal: new AbortController().signal, nowMs: NOW_MS, secrets: [] };

  it.each<[string, unknown, string, string, boolean]>([
    ["an answer that cannot be read was worked for", api(200), "provider_error", "unconfirmed", false],
    ["an error without status or code", api(), "provider_error", "unconfirmed", false],
    ["workerd's lost connection", new Error("Network connection lost."), "unreachable", "unconfirmed", true],
    ["an endless answer", new TypeError("terminated"), "unreachable", "unconfirmed", true],
    [
      "a time limit that is not ours",
      new DOMException("t", "TimeoutError"),
      "unreachable",
      "unconfirmed",
      true,
    ],
    ["a name that does not resolve", network("ENOTFOUND"), "unreachable", "refused", true],
    ["a bug", new RangeError("oops"), "provider_error", "unconfirmed", false],
    ["no error at all", "text", "provider_error", "unconfirmed", false],
    ["nothing", undefined, "provider_error", "unconfirmed", false],
  ])("%s", (_what, error, reason, billing, retryable) => {
    expect(classifyError(error, context)).toMatchObject({ failure: { reason }, billing, retryable });
  });

  it("survives a cycle of causes", () => {
    const error = new Error("a");
    error.cause = error;
    expect(classifyError(error, context).failure.reason).toBe("provider_error");
  });
});
