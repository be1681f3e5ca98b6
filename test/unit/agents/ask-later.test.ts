/** What a failed call says of a later one: when it may be made, and that it may get through. */
import { describe, expect, it } from "vitest";
import type { Answer } from "../../../src/agents/model-port.ts";
import { anAgent, aWorld, BID, httpError, JURY, limits, NOW_MS, STEP, type Scripted } from "./fakes.ts";

const AGENT = anAgent("openai-compatible");

describe("how long a provider asks to wait", () => {
  const asked = async (headers: Record<string, string>): Promise<number | undefined> => {
    const { models } = aWorld({ http: [httpError(429, headers), httpError(429), httpError(429)] });
    const answer = await models.step(AGENT, STEP, limits());
    if (answer.ok) throw new Error("an answer");
    return answer.failure.retryAfterMs;
  };

  it("comes with the failure of a call that has no time for it", async () => {
    expect(await asked({ "retry-after": "300" })).toBe(300_000);
    const at = new Date(NOW_MS + 90_000).toUTCString();
    expect(await asked({ "retry-after": at })).toBe(90_000);
    expect(await asked({ "retry-after": "1e300" })).toBe(86_400_000);
  });

  it("is what its latest refusal said", async () => {
    expect(await asked({ "retry-after": "1" })).toBeUndefined();
    expect(await asked({})).toBeUndefined();
  });

  it("is nothing to a call that was stopped", async () => {
    const controller = new AbortController();
    const refuses = () => {
      controller.abort();
      return httpError(429, { "retry-after": "300" });
    };
    const { models } = aWorld({ http: [refuses] });
    const answer = await models.step(AGENT, STEP, limits({ signal: controller.signal }));
    expect(answer).not.toHaveProperty("failure.retryAfterMs");
  });
});

describe("the binding fails, and names no code", () => {
  const model = anAgent("workers-ai");

  it.each<[string, Scripted]>([
    ["an answer of nothing", () => undefined],
    ["an error of the edge", new Error("error code: 1031")],
    ["a wait that ended there", new Error("upstream request timeout")],
    ["a code without a meaning", new Error("AiError: 9999 what")],
  ])("%s: it may pass, and may have cost something", async (_what, script) => {
    for (const kind of ["bid", "judge", "step"] as const) {
      const { models } = aWorld({ ai: [script] });
      const answer: Answer<unknown> =
        kind === "bid"
          ? await models.bid(model, BID, limits())
          : kind === "judge"
            ? await models.judge(model, JURY, limits())
            : await models.step(model, STEP, limits());
      const failure = { reason: "provider_error", mayPass: true };
      expect(answer).toMatchObject({ ok: false, requests: 1, failure, bill: { status: "unconfirmed" } });
    }
  });

  it.each<[string, string, boolean]>([
    ["AiError: 5007: No such model", "misconfigured", false],
    ["AiError: 3036: you have used up your daily free allocation", "provider_error", false],
    ["Network connection lost.", "unreachable", true],
  ])("unlike one that is known: %s", async (message, reason, mayPass) => {
    const { models } = aWorld({ ai: [new Error(message), new Error(message)] });
    const answer = await models.step(model, STEP, limits());
    if (answer.ok) throw new Error("an answer");
    expect([answer.failure.reason, answer.failure.mayPass ?? false]).toEqual([reason, mayPass]);
  });
});
