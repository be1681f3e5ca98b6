/** What is done to a result outside of the sandbox takes time in proportion to its length, whatever an agent hands in. */
import { expect, test } from "vitest";
import { unfence } from "../../../src/trace/verifiers/unfence.ts";
import { verify } from "../../../src/trace/verifiers/index.ts";
import { aSandbox, someOptions } from "./support.ts";

const MANY = 60_000;

test.each([
  ["tildes", `${"~".repeat(MANY)}\``],
  ["backticks", `${"`".repeat(MANY)} \``],
  ["spaces", `\`\`\`${" ".repeat(MANY)}\``],
  ["letters", `\`\`\`${"a".repeat(MANY)}\``],
])("a fence that is none, of many %s", (_, result) => {
  const from = performance.now();
  expect(unfence(result, ["js"])).toBe(result);
  expect(performance.now() - from).toBeLessThan(500);
});

test.each([
  ["after a list", `const a = ;\nexport {}${" ".repeat(MANY)}x`],
  ["after a word", `const a = ;\nexport${" ".repeat(MANY)}x`],
  ["after a default", `const a = ;\nexport default${" ".repeat(MANY)}`],
])("an export that is none, with many spaces %s", async (_, result) => {
  const code = 'test("a", () => assert.equal(a, 1))';
  const from = performance.now();
  const { outcome } = await verify({ type: "tests", code }, result, {
    sandbox: aSandbox(),
    ...someOptions(),
  });
  expect(outcome).toBe("fail");
  expect(performance.now() - from).toBeLessThan(3_000);
});
