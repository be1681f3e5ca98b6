import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { stepBound } from "../../../src/agents/bounds.ts";
import { firstCallHold } from "../../../src/market/ledger/trace-hold.ts";
import { utf8Bytes } from "../../../src/market/utf8.ts";
import type { JsonValue } from "../../../src/market/step.ts";
import { createSandbox } from "../../../src/trace/sandbox/index.ts";
import { SUBMIT_DESCRIPTION } from "../../../src/trace/submit.ts";
import { createHttp, createRunJavascript } from "../../../src/trace/tools/index.ts";
import { aPool } from "../../support/builders.ts";
import { wasmModule } from "../trace/support.ts";

/** All that the house has; none of them is run. */
const TOOLS = [
  createRunJavascript({ sandbox: createSandbox({ wasmModule }), nowMs: () => 0 }),
  createHttp({ allow: [], fetch: () => Promise.reject(new Error("not run")) }),
].map(({ name, description, inputSchema }) => ({
  name,
  description,
  inputSchema: z.toJSONSchema(inputSchema) as JsonValue,
}));

test("the first call of a trace is never held at more than is counted with before the sale", () => {
  const [agent] = aPool();
  if (agent === undefined) throw new Error("an empty pool");
  const text = fc.string({ unit: "binary", maxLength: 2_000 });
  fc.assert(
    fc.property(text, fc.option(text), fc.integer({ min: 64, max: 65_536 }), (task, strategy, most) => {
      const prompt = { task, strategy, nonce: "0123456789abcdef" };
      const tools = [...TOOLS, SUBMIT_DESCRIPTION];
      const held = stepBound(agent, { prompt, history: [], tools, maxOutputTokens: most, seed: 7 });
      const textBytes = utf8Bytes(task) + utf8Bytes(strategy ?? "");
      const counted = firstCallHold(agent, { textBytes, maxOutputTokens: most });
      expect(held).toBeLessThanOrEqual(counted);
      // And not much more, or tasks would go unsold that could be carried out.
      expect(counted).toBeLessThanOrEqual(
        1.5 * firstCallHold(agent, { textBytes: 0, maxOutputTokens: most }) + held,
      );
    }),
  );
});
