/**
 * In workerd, with the real budget: a script that spins comes back, and meanwhile the Worker answers others.
 */
import { describe, expect, it } from "vitest";
import worker from "./worker.ts";

async function run(script: string): Promise<{ ok: boolean; reason?: string; value?: string }> {
  const response = await worker.fetch(new Request("http://sandbox/", { method: "POST", body: script }));
  return response.json();
}

describe("the sandbox in workerd", () => {
  // First, because the code is slowest and its frames largest before the engine has warmed up.
  it("lets a script catch its own recursion, before the native stack ends", async () => {
    const script = "let deep = 0; function f() { deep += 1; f() } try { f() } catch {} deep > 500";
    expect(await run(script)).toMatchObject({ ok: true, value: "true" });
  });

  it("answers other requests while loops spin", async () => {
    const spins = ["while (true) {}", "for (;;) await 1", "/^(a+)+$/.test('a'.repeat(40) + 'b')"].map(run);
    const waits: number[] = [];
    const begunMs = Date.now();
    const spinning = { now: true };
    const asked = (async () => {
      while (spinning.now) {
        const before = Date.now();
        // A timer is what lets the clock of a Worker advance, as the arrival of a request would.
        await new Promise((resolve) => setTimeout(resolve, 0));
        expect(await (await worker.fetch(new Request("http://sandbox/"))).text()).toBe("here");
        waits.push(Date.now() - before);
      }
    })();
    expect((await Promise.all(spins)).map((outcome) => outcome.reason)).toEqual([
      "out_of_fuel",
      "out_of_fuel",
      "out_of_fuel",
    ]);
    spinning.now = false;
    await asked;
    // It was answered between the scripts, not only after the last: nobody waited for all three.
    expect(Math.max(...waits)).toBeLessThan(0.75 * (Date.now() - begunMs));
    expect(waits.length).toBeGreaterThan(3);
  }, 30_000);

  it.each([
    ["a native spin", "Array.prototype.indexOf.call({ length: 2 ** 53 - 1 }, 1)", "out_of_fuel"],
    ["a memory bomb", "const a = []; for (;;) a.push(new Array(1000).fill(0))", "out_of_memory"],
    ["recursion", "function f() { return f() + 1 } f()", "stack_overflow"],
    ["recursion through natives", "const f = () => 'a'.replace(/a/, f); f()", "stack_overflow"],
    ["a deep literal", "eval('['.repeat(1e5))", "stack_overflow"],
    ["deep JSON", "JSON.parse('['.repeat(1e5))", "stack_overflow"],
  ])(
    "survives %s",
    async (_, script, reason) => {
      expect(await run(script)).toMatchObject({ ok: false, reason });
      expect(await run("1 + 1")).toMatchObject({ ok: true, value: "2" });
    },
    15_000,
  );
});
