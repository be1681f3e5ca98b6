/** What stands in a log line of an error: its kind and its own words, and nothing that it quotes. */
import { DrizzleQueryError } from "drizzle-orm/errors";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { logError } from "../../../src/log.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

function logged(error: unknown): string {
  const lines = vi.spyOn(console, "error").mockImplementation(() => undefined);
  logError("work-failed", error, { taskId: "tsk_1" });
  const [line] = lines.mock.calls[0] ?? [];
  const { error: words, ...rest } = z.looseObject({ error: z.string() }).parse(JSON.parse(String(line)));
  expect(rest).toEqual({ level: "error", event: "work-failed", taskId: "tsk_1" });
  return words;
}

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

test.each<readonly [string, unknown, string]>([
  ["a parser", thrownBy(() => JSON.parse("sesame")), "SyntaxError: Unexpected token"],
  ["a schema", thrownBy(() => z.literal("x").parse({ sesame: 1 })), "ZodError"],
  [
    "a query",
    new DrizzleQueryError(
      'update "outcomes" set "evidence" = ?',
      ["sesame"],
      new Error("D1_ERROR: no table"),
    ),
    "D1_ERROR: no table",
  ],
  ["a database", new Error("D1_TYPE_ERROR: Type 'object' not supported for value 'sesame'"), "D1_TYPE_ERROR"],
  ["a provider", 'embed did not embed: status 422: {"input":"sesame"}', "status 422"],
  [
    "a request",
    new TypeError("cannot load https://me:sesame@shop.example.com/orders?key=sesame"),
    "https://shop.example.com",
  ],
  ["an object", { message: "sesame" }, "object"],
])("of %s", (_, error, words) => {
  const shown = logged(error);
  expect(shown).toContain(words);
  expect(shown).not.toContain("sesame");
});

test("says what its causes say, and is no longer than a line", () => {
  const cause = new RangeError("y".repeat(5_000));
  const shown = logged(new Error("the room was not told", { cause }));
  expect(shown).toContain("Error: the room was not told; RangeError: yyy");
  expect(shown.length).toBeLessThanOrEqual(500);
});
