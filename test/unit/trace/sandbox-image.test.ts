/** A machine that was copied from the image is one that was made anew, and no run leaves anything in it. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createEngine } from "../../../src/trace/sandbox/engine.ts";
import { connectPrint, takeImage } from "../../../src/trace/sandbox/image.ts";
import consoleGuest from "../../../src/trace/sandbox/guest/console.generated.ts";
import { loadQuickJs } from "../../../src/trace/sandbox/quickjs.ts";
import { seedFrom } from "../../../src/trace/sandbox/seed.ts";
import { Vm } from "../../../src/trace/sandbox/vm.ts";
import { SMALL_FUEL, wasmModule } from "./support.ts";

const LIMITS = { wasmModule, memoryBytes: 4 * 1024 * 1024, stackBytes: 64 * 1024 };
const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
const options = { ...LIMITS, shouldInterrupt: () => false };

/** As text, by a program that may do anything. */
async function told(script: string, seed: number, from: "image" | "anew"): Promise<string> {
  if (from === "image") {
    const engine = await createEngine({ ...options, image: await image, nowMs: NOW_MS, seed });
    engine.setFuel(SMALL_FUEL);
    const vm = new Vm(engine, () => engine.fuelLeft() < 0);
    return vm.text(vm.evaluateExpression(script, "main.js"));
  }
  let clockMs = seed;
  const { context, fuel } = await loadQuickJs({ ...options, nowMs: () => clockMs });
  clockMs = NOW_MS;
  fuel.value = SMALL_FUEL;
  const install = context.unwrapResult(context.evalCode(consoleGuest, "console"));
  context.unwrapResult(context.callFunction(install, context.undefined, connectPrint(context)));
  return context.getString(context.unwrapResult(context.evalCode(script, "main.js")));
}

const image = takeImage(LIMITS);

/** Every object that can be reached from the global one, with its properties. */
const WORLD = `
  const seen = new Map([[globalThis, "globalThis"]]);
  for (const [object, path] of seen)
    for (const key of Reflect.ownKeys(object)) {
      const { value, get, set } = Reflect.getOwnPropertyDescriptor(object, key);
      for (const it of [value, get, set, Reflect.getPrototypeOf(object)])
        if (it !== null && (typeof it === "object" || typeof it === "function") && !seen.has(it))
          seen.set(it, path + "." + String(key));
    }
  JSON.stringify([...seen].map(([object, path]) => [
    path,
    Object.isFrozen(object),
    typeof object === "function" ? String(object) : "",
    Reflect.ownKeys(object).map((key) => {
      const { value, ...how } = Reflect.getOwnPropertyDescriptor(object, key);
      return [String(key), typeof value, typeof value === "object" ? "" : String(value), how.writable, how.enumerable];
    }),
  ]))`;

describe("an image's copy", () => {
  it("holds the world that a machine made anew holds", async () => {
    const world = await told(WORLD, 7, "anew");
    expect(world.length).toBeGreaterThan(50_000);
    expect(await told(WORLD, 7, "image")).toBe(world);
  });

  it("draws the numbers that a machine made with the same seed draws", async () => {
    const seeds = fc.oneof(fc.integer({ min: 1, max: 2 ** 53 - 1 }), fc.string().map(seedFrom));
    const draw = "JSON.stringify(Array.from({ length: 5 }, Math.random))";
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        expect(await told(draw, seed, "image")).toBe(await told(draw, seed, "anew"));
      }),
      { numRuns: 40 },
    );
  });

  it("has the clock of its own run", async () => {
    const read = "JSON.stringify([Date.now(), new Date().getFullYear()])";
    expect(await told(read, 3, "image")).toBe(JSON.stringify([NOW_MS, 2026]));
  });

  it("is not changed by what a run leaves behind", async () => {
    const before = await bytes();
    const made = "globalThis.kept = 'x'.repeat(1e5); Math.random(); Object.prototype.kept = 1; 'done'";
    expect(await told(made, 5, "image")).toBe("done");
    expect(await bytes()).toEqual(before);
    expect(await told("typeof kept + typeof ({}).kept", 5, "image")).toBe("undefinedundefined");
  });
});

async function bytes(): Promise<number[][]> {
  return (await image).pieces.map((piece) => [piece.at, ...piece.bytes]);
}
