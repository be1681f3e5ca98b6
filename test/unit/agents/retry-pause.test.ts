/** The pause before a request is repeated, with its real timer: a stop ends it, and nothing is sent after it. */
import { expect, it } from "vitest";
import { createModels } from "../../../src/agents/create-models.ts";
import { anAgent, httpError, limits, NOW_MS, SECRET, STEP } from "./fakes.ts";

it("ends with the call's signal, and a call that was only refused owes nothing", async () => {
  const controller = new AbortController();
  let requests = 0;
  const models = createModels({
    ai: undefined,
    fetch: async () => {
      requests += 1;
      setTimeout(() => controller.abort("stop"), 5);
      return httpError(429, { "retry-after": "30" });
    },
    variable: () => SECRET,
    now: () => NOW_MS,
  });
  const answer = await models.step(anAgent("openai-compatible"), STEP, limits({ signal: controller.signal }));
  expect(answer).toMatchObject({ ok: false, failure: { reason: "cancelled" }, bill: { status: "refused" } });
  expect(requests).toBe(1);
});
