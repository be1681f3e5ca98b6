import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { stepBound, wrapUpBound } from "../../../src/agents/bounds.ts";
import { firstCallHold, wrapUpHold } from "../../../src/market/ledger/trace-hold.ts";
import { toolTokens } from "../../../src/market/tools/tool-tokens.ts";
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

test("the first call of a trace, and the wrap-up behind it, are never held at more than is counted with before the sale", () => {
  const [agent] = aPool();
  if (agent === undefined) throw new Error("an empty pool");
  const text = fc.string({ unit: "binary", maxLength: 2_000 });
  const most = fc.integer({ min: 64, max: 65_536 });
  const own = fc.array(
    fc.record({
      name: fc.string({ maxLength: 64 }),
      description: text,
      inputSchema: fc.dictionary(text, text),
    }),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(text, fc.option(text), most, own, (task, strategy, maxOutputTokens, ownTools) => {
      const prompt = { task, strategy, nonce: "0123456789abcdef" };
      const tools = [...TOOLS, ...ownTools, SUBMIT_DESCRIPTION];
      const request = { prompt, history: [], tools, maxOutputTokens, seed: 7 };
      const held = stepBound(agent, request);
      const textBytes = utf8Bytes(task) + utf8Bytes(strategy ?? "") + toolTokens(ownTools);
      const counted = firstCallHold(agent, { textBytes, maxOutputTokens });
      expect(held).toBeLessThanOrEqual(counted);
      const reserve = wrapUpHold(agent, { textBytes, maxOutputTokens });
      expect(wrapUpBound(agent, request)).toBeLessThanOrEqual(reserve);
      // And not much more, or tasks would go unsold that could be carried out.
      expect(counted).toBeLessThanOrEqual(
        1.5 * firstCallHold(agent, { textBytes: 0, maxOutputTokens }) + held,
      );
    }),
  );
});
