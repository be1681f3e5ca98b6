/** The walls of `src/`: which room may import which (architecture, "Rooms"), and what the pure room may not touch. */
import { globSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";

/** Architecture's table, and what every room shares: `durable` beneath the objects, `async`, `log.ts`, `config.ts`. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  api: [
    "trace",
    "auction",
    "tenancy",
    "taskroom",
    "agents",
    "memory",
    "history",
    "market",
    "config",
    "async",
    "log",
  ],
  trace: ["auction", "tenancy", "taskroom", "agents", "market", "config", "async", "log"],
  auction: ["tenancy", "taskroom", "agents", "memory", "market", "config", "async", "log"],
  tenancy: ["history", "memory", "market", "durable", "config", "async", "log"],
  taskroom: ["market", "durable", "config", "log"],
  agents: ["market", "async", "log"],
  memory: ["market", "async", "log"],
  history: ["market", "log"],
  durable: ["log"],
  async: [],
  market: [],
  // The pools are files that an environment names: data of the agents' room, read with the variables. So is what is logged.
  config: ["market", "agents/pool", "log"],
  // What may be told of an error.
  log: ["market"],
};

/** Packages of the pure room: libraries that compute, and nothing of a platform. */
const PURE_PACKAGES = ["zod", "ulidx", "pure-rand", "ipaddr.js"];

const IMPURE = [
  "Date", "performance", "Math.random", "crypto", "console", "fetch", "setTimeout", "setInterval", "queueMicrotask",
  "process", "globalThis", "WebSocket", "Request", "Response", "caches", "navigator",
]; // oxfmt-ignore

const SOURCES = globSync("src/**/*.ts").map((path) => path.replaceAll("\\", "/"));

/** Code without comments and without the contents of quoted strings; template literals stay, for they hold code. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, (match) =>
    match.startsWith("/") ? " " : '""',
  );
}

/** What a module imports, re-exports or loads, types included. */
function specifiersOf(text: string): string[] {
  const withoutComments = text.replaceAll(/^\s*(?:\/\*[\s\S]*?\*\/|\/\/[^\n]*)/gm, "");
  const found = withoutComments.matchAll(
    /^\s*(?:import|export)\b[^;"']*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm,
  );
  return Array.from(found, (match) => match[1] ?? match[2] ?? match[3] ?? "");
}

/** The room of a path under `src/`: its first folder, or the file's own name. */
function roomOf(path: string): string {
  const [first = ""] = path.replace(/^src\//, "").split("/");
  return first.replace(/\.ts$/, "");
}

/** Why a file may not import this; null where it may. */
function breach(file: string, specifier: string): string | null {
  const room = roomOf(file);
  if (!specifier.startsWith(".")) return null;
  const target = posix.join(posix.dirname(file), specifier);
  if (!target.startsWith("src/")) return `${file} leaves src/ for ${target}`;
  const allowed = MAY_IMPORT[room];
  if (allowed === undefined) return `${file} stands in a room that the table does not know`;
  if (roomOf(target) === room) return null;
  if (allowed.some((name) => name === roomOf(target) || target.startsWith(`src/${name}/`))) return null;
  return `${file} imports ${target}`;
}

describe("the scan", () => {
  test("finds every form of import", () => {
    const text = [
      'import { a } from "./a.ts";',
      'import type { B } from "../b/b.ts";',
      "import {\n  c,\n  d,\n} from './c.ts';",
      'import "./side-effect.ts";',
      'export { e } from "./e.ts";',
      'export * from "./f.ts";',
      'const g = await import("./g.ts");',
      'import data from "./h.json" with { type: "json" };',
      '// import { no } from "./no.ts";',
      '/* import { no } from "./no.ts"; */',
    ].join("\n");
    expect(specifiersOf(text)).toEqual([
      "./a.ts",
      "../b/b.ts",
      "./c.ts",
      "./side-effect.ts",
      "./e.ts",
      "./f.ts",
      "./g.ts",
      "./h.json",
    ]);
  });

  test("sees through comments and strings, and not through templates", () => {
    const code = codeOf('// Date\n/* fetch */ const a = "crypto"; const b = `${Date.now()}`;');
    expect(code).not.toMatch(/fetch|crypto/);
    expect(code.match(/Date/g)).toHaveLength(1);
  });

  test("tells a breach from what is allowed", () => {
    expect(breach("src/market/score.ts", "./policy.ts")).toBeNull();
    expect(breach("src/market/score.ts", "../agents/bounds.ts")).not.toBeNull();
    expect(breach("src/taskroom/room.ts", "../durable/outbox.ts")).toBeNull();
    expect(breach("src/trace/run-slice.ts", "../durable/outbox.ts")).not.toBeNull();
    expect(breach("src/agents/bounds.ts", "../config.ts")).not.toBeNull();
    expect(breach("src/config.ts", "./agents/pool/index.ts")).toBeNull();
    expect(breach("src/config.ts", "./agents/bounds.ts")).not.toBeNull();
    expect(breach("src/api/app.ts", "../../emulators/index.ts")).not.toBeNull();
    expect(breach("src/cellar/rat.ts", "../market/ids.ts")).not.toBeNull();
  });

  test("reads all of src/", () => {
    expect(SOURCES).toContain("src/market/score.ts");
    expect(SOURCES).toContain("src/trace/sandbox/engine.ts");
    const rooms = new Set(SOURCES.map(roomOf));
    expect([...rooms].filter((room) => room !== "index" && MAY_IMPORT[room] === undefined)).toEqual([]);
  });
});

describe("src/", () => {
  test("each room imports only the rooms beneath it", () => {
    const breaches = SOURCES.filter((file) => file !== "src/index.ts").flatMap((file) =>
      specifiersOf(readFileSync(file, "utf8"))
        .map((specifier) => breach(file, specifier))
        .filter((found) => found !== null),
    );
    expect(breaches).toEqual([]);
  });

  test("index.ts is composition only: under 100 lines, and nobody imports it", () => {
    expect(readFileSync("src/index.ts", "utf8").trimEnd().split("\n").length).toBeLessThan(100);
    const importers = SOURCES.filter((file) =>
      specifiersOf(readFileSync(file, "utf8")).some(
        (specifier) => posix.join(posix.dirname(file), specifier) === "src/index.ts",
      ),
    );
    expect(importers).toEqual([]);
  });

  test("only config.ts reads the environment", () => {
    const readers = SOURCES.filter((file) => {
      const code = codeOf(readFileSync(file, "utf8"));
      // `env.NAME`, `env["NAME"]` and the importable environment; handing `env` on is composition.
      return /\benv(?:\.[A-Z]|\[)|\bprocess\.env\b|\bimport\s*\{[^}]*\benv\b/.test(code);
    });
    expect(readers).toEqual(["src/config.ts"]);
  });
});

/** A relative import that leads to another file of the room. */
function staysInMarket(file: string, specifier: string): boolean {
  return specifier.startsWith(".") && posix.join(posix.dirname(file), specifier).startsWith("src/market/");
}

describe("src/market", () => {
  const market = SOURCES.filter((file) => roomOf(file) === "market");

  test.each(market)("%s imports no platform", (file) => {
    const foreign = specifiersOf(readFileSync(file, "utf8")).filter(
      (specifier) =>
        !staysInMarket(file, specifier) &&
        !PURE_PACKAGES.some((name) => `${specifier}/`.startsWith(`${name}/`)),
    );
    expect(foreign).toEqual([]);
  });

  test.each(market)("%s has no clock, no chance and no way out", (file) => {
    const code = codeOf(readFileSync(file, "utf8"));
    const used = IMPURE.filter((name) =>
      new RegExp(`(?<![\\w$.])${name.replace(".", "\\.")}(?![\\w$])`).test(code),
    );
    expect(used).toEqual([]);
  });
});
