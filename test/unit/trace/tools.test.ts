/** The tools through `runTool`, as the step loop calls them. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createRunJavascript, MAX_OUTPUT_BYTES, runTool } from "../../../src/trace/tools/index.ts";
import type { Tool, ToolResult } from "../../../src/trace/tools/index.ts";
import { boundText } from "../../../src/trace/tools/bound-text.ts";
import { aContext, aSandbox } from "./support.ts";

function aTool(execute: () => Promise<ToolResult>): Tool<{ deep: { n: number }[] }> {
  return {
    name: "probe",
    description: "",
    inputSchema: z.strictObject({ deep: z.array(z.object({ n: z.number() })) }),
    execute,
  };
}

const call = (input: unknown, name = "probe"): { name: string; input: unknown } => ({ name, input });

describe("runTool", () => {
  it("names the tools there are", async () => {
    expect(
      await runTool([aTool(async () => ({ ok: true, output: "" }))], call({}, "prob"), aContext()),
    ).toEqual({
      ok: false,
      error: { code: "unknown_tool", message: 'there is no tool "prob"; there are: probe' },
    });
  });
  it("names the path of a bad argument", async () => {
    const result = await runTool(
      [aTool(async () => ({ ok: true, output: "" }))],
      call({ deep: [{ n: 1 }, { n: "2" }] }),
      aContext(),
    );
    expect(result).toMatchObject({
      ok: false,
      error: { code: "invalid_arguments", message: expect.stringContaining("deep.1.n: ") },
    });
  });
  it.each([null, undefined, "text", 3, [], { deep: [], more: 1 }])(
    "refuses %j as arguments",
    async (input) => {
      expect(
        await runTool([aTool(async () => ({ ok: true, output: "" }))], call(input), aContext()),
      ).toMatchObject({ error: { code: "invalid_arguments" } });
    },
  );
  it("catches what a tool throws, and tells nothing of it", async () => {
    const result = await runTool(
      [
        aTool(async () => {
          throw new RangeError("secret");
        }),
      ],
      call({ deep: [] }),
      aContext(),
    );
    expect(result).toMatchObject({
      ok: false,
      error: { code: "failed", message: expect.not.stringContaining("secret") },
    });
  });
  it("does not start a cancelled call", async () => {
    expect(
      await runTool(
        [aTool(async () => ({ ok: true, output: "ran" }))],
        call({ deep: [] }),
        aContext({ signal: AbortSignal.abort() }),
      ),
    ).toMatchObject({ error: { code: "cancelled" } });
  });
  it("bounds any output, in whole characters, and says so", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: "grapheme", maxLength: 30 }),
        fc.integer({ min: 1, max: 9_000 }),
        async (unit, times) => {
          const text = unit.repeat(times);
          const result = await runTool(
            [aTool(async () => ({ ok: true, output: text }))],
            call({ deep: [] }),
            aContext(),
          );
          const output = result.ok ? result.output : "";
          expect(new TextEncoder().encode(output).length).toBeLessThanOrEqual(MAX_OUTPUT_BYTES);
          expect(output === text || (output.isWellFormed() && output.endsWith("longer than 64 KiB]"))).toBe(
            true,
          );
        },
      ),
      { numRuns: 40, seed: 3 },
    );
  });
  it("bounds text to any size", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 4, max: 60 }), (text, max) => {
        const cut = boundText(text, max, "…");
        expect(new TextEncoder().encode(cut).length).toBeLessThanOrEqual(max);
        expect(cut.isWellFormed() && (cut === text || text.startsWith(cut.slice(0, -1)))).toBe(true);
      }),
      { seed: 4 },
    );
  });
});

describe("run_javascript", () => {
  const tool = createRunJavascript({ sandbox: aSandbox(), nowMs: () => 5 });
  const run = async (code: string, context = aContext()): Promise<ToolResult> =>
    runTool([tool], { name: "run_javascript", input: { code } }, context);

  it("gives log and value", async () => {
    expect(await run("console.log('a', [1]); Date.now()")).toEqual({
      ok: true,
      output: "log:\na [1]\nvalue: 5",
    });
  });
  it("gives the same again for the same key", async () => {
    expect(await run("Math.random()")).toEqual(await run("Math.random()"));
  });
  it("says what went wrong, and what was logged before", async () => {
    expect(await run("console.log('x'); null.y")).toMatchObject({
      ok: false,
      error: { code: "script_failed", message: expect.stringMatching(/^threw: TypeError.*log:\nx\n$/s) },
    });
  });
  it("comes back from a loop", async () => {
    expect(await run("for (;;);")).toMatchObject({
      error: { code: "script_failed", message: expect.stringContaining("out_of_fuel") },
    });
  });
});
