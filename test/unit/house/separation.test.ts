/** The code that writes strategies and the code that judges them share nothing but constants and the draws. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const HOUSE = path.resolve(import.meta.dirname, "../../../emulators/house");

/** All files that a file reaches by relative imports, itself included, as paths relative to the house. */
function closure(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const match of readFileSync(file, "utf8").matchAll(/from "(\.[^"]+)"/g))
    closure(path.resolve(path.dirname(file), match[1] as string), seen);
  return seen;
}

function reached(folder: string): string[] {
  const files = readdirSync(path.join(HOUSE, folder)).map((name) => path.join(HOUSE, folder, name));
  return [...new Set(files.flatMap((file) => [...closure(file)]))].map((file) => path.relative(HOUSE, file));
}

describe("writers and judges", () => {
  it("do not reach each other", () => {
    expect(reached("bid").filter((file) => file.startsWith("jury"))).toEqual([]);
    expect(reached("jury").filter((file) => file.startsWith("bid"))).toEqual([]);
  });

  it("have only constants, draws and the shape of a task in common", () => {
    const judges = reached("jury").filter((file) => !file.startsWith("jury"));
    // workload/task.ts gives the type of a bin; it brings the verifier's shape along, as types only.
    expect(judges.toSorted()).toEqual([
      "../../src/market/verifier-spec.ts",
      "../workload/task.ts",
      "constants.ts",
      "draws.ts",
    ]);
  });

  it("take nothing from clocks, globals or platforms", () => {
    const sources = readdirSync(HOUSE, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && name !== "report.ts",
    );
    const impure: string[] = [];
    for (const name of sources) {
      const source = readFileSync(path.join(HOUSE, name), "utf8");
      if (/Math\.random|Date\.now|new Date|process\.|globalThis|crypto\./.test(source)) impure.push(name);
    }
    expect(impure).toEqual([]);
  });
});
