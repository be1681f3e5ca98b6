import { describe, expect, test } from "vitest";
import { verifierSpecSchema } from "../../../src/market/verifier-spec.ts";

describe("a verifier", () => {
  test.each([
    [
      { type: "equals", expected: "" },
      { type: "equals", expected: "", trim: true, ignoreCase: false },
    ],
    [
      { type: "regex", pattern: "^4$" },
      { type: "regex", pattern: "^4$", flags: "" },
    ],
    [
      { type: "json_schema", schema: { type: "object" } },
      { type: "json_schema", schema: { type: "object" } },
    ],
    [
      { type: "json_schema", schema: true },
      { type: "json_schema", schema: true },
    ],
    [
      { type: "tests", code: "test('a', () => {})" },
      { type: "tests", code: "test('a', () => {})" },
    ],
  ])("%j is read with its defaults", (input, read) => {
    expect(verifierSpecSchema.parse(input)).toEqual(read);
  });

  test.each([
    ["no type", { expected: "4" }, "type"],
    ["a type that is none", { type: "llm" }, "type"],
    ["nothing expected", { type: "equals" }, "expected"],
    ["a number expected", { type: "equals", expected: 4 }, "expected"],
    ["too much expected", { type: "equals", expected: "x".repeat(65_537) }, "expected"],
    ["trim as text", { type: "equals", expected: "4", trim: "yes" }, "trim"],
    ["another verifier's field", { type: "equals", expected: "4", pattern: "4" }, ""],
    ["an empty pattern", { type: "regex", pattern: "" }, "pattern"],
    ["too long a pattern", { type: "regex", pattern: "x".repeat(2_001) }, "pattern"],
    ["a pattern that does not compile", { type: "regex", pattern: "(" }, "pattern"],
    ["a pattern that its flags forbid", { type: "regex", pattern: "\\-", flags: "u" }, "pattern"],
    ["a flag that is none", { type: "regex", pattern: "4", flags: "x" }, "flags"],
    ["a flag with memory", { type: "regex", pattern: "4", flags: "g" }, "flags"],
    ["a flag behind a line break", { type: "regex", pattern: "4", flags: "i\ng" }, "flags"],
    ["a schema as text", { type: "json_schema", schema: "{}" }, "schema"],
    ["a list as schema", { type: "json_schema", schema: [] }, "schema"],
    ["no tests", { type: "tests", code: "" }, "code"],
    ["too many tests", { type: "tests", code: "x".repeat(65_537) }, "code"],
  ])("with %s is refused, and the field is named", (_, input, path) => {
    const parsed = verifierSpecSchema.safeParse(input);
    expect(parsed.error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
  });
});
