/** Variables: each one that an environment sets is read, valid and documented; each that is read has a default. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { POOLS } from "../../../src/agents/pool/index.ts";
import { parseConfig } from "../../../src/config.ts";
import { poolSchema } from "../../../src/market/agent.ts";

const variablesOf = (config: string, env?: string) =>
  unstable_readConfig({ config, ...(env !== undefined && { env }) }, { hideWarnings: true }).vars;

const ENVIRONMENTS: readonly (readonly [name: string, variables: Record<string, unknown>])[] = [
  ["production", variablesOf("wrangler.toml")],
  ["local", variablesOf("wrangler.toml", "local")],
  ["test/workerd", variablesOf("test/workerd/wrangler.toml")],
];

/** An environment with these variables and no bindings: parsing a config touches none. */
const anEnv = (variables: Record<string, unknown> = {}) => variables as unknown as Env;

/** Names that the config reads of its environment while it is parsed. */
function namesRead(variables: Record<string, unknown>): Set<string> {
  const read = new Set<string>();
  const recorded = new Proxy(variables, {
    get: (target, name, receiver) => {
      if (typeof name === "string") read.add(name);
      return Reflect.get(target, name, receiver) as unknown;
    },
  });
  parseConfig(anEnv(recorded));
  return read;
}

/** Names that the environment's pool asks for when a model is called. */
function namesOfPool(pool: unknown): string[] {
  return poolSchema
    .parse(POOLS[String(pool)])
    .flatMap((agent) => [
      "apiKeySecret" in agent ? agent.apiKeySecret : undefined,
      "baseUrlVariable" in agent ? agent.baseUrlVariable : undefined,
    ])
    .filter((name) => name !== undefined);
}

/** Variables of the config's schema that stand under a doc comment; a comment holds for the lines up to the next. */
function documentedNames(): string[] {
  const lines = readFileSync("src/config.ts", "utf8").split("\n");
  let commented = false;
  const names: string[] = [];
  for (const line of lines.slice(lines.findIndex((text) => text.includes("variablesSchema = ")) + 1)) {
    if (line.startsWith("}")) break;
    if (line.trim().startsWith("/**")) commented = true;
    const name = /^ {2}([A-Z][A-Z0-9_]*):/.exec(line)?.[1];
    if (name !== undefined && commented) names.push(name);
  }
  return names;
}

describe.each(ENVIRONMENTS)("the variables of %s", (_, variables) => {
  test("are valid", () => {
    expect(() => parseConfig(anEnv(variables))).not.toThrow();
  });

  test("are each read: by the config, or for the pool", () => {
    const known = new Set([...namesRead(variables), ...namesOfPool(variables["POOL"])]);
    expect(Object.keys(variables).filter((name) => !known.has(name))).toEqual([]);
  });

  test("are each documented where they are read", () => {
    const documented = new Set([...documentedNames(), ...namesOfPool(variables["POOL"])]);
    expect(Object.keys(variables).filter((name) => !documented.has(name))).toEqual([]);
  });
});

test("production's secrets stand in no file", () => {
  const variables = variablesOf("wrangler.toml");
  const secrets = ["ADMIN_SECRET", ...namesOfPool(variables["POOL"])];
  expect(secrets.filter((name) => name in variables)).toEqual([]);
});

describe("a config", () => {
  test("without variables is production's pool with every default", () => {
    const config = parseConfig(anEnv());
    expect(config).toMatchObject({
      auctionBidMs: 20_000,
      auctionJuryMs: 20_000,
      leaseMs: 15_000,
      pickupMs: 30_000,
      sliceMs: 25_000,
      modelCallMs: 120_000,
      modelStallMs: 30_000,
      httpAllowList: [],
      webhookAllowList: [],
      adminSecret: null,
    });
    expect(config.pool.map((agent) => agent.id)).toEqual(
      poolSchema.parse(POOLS["production"]).map((agent) => agent.id),
    );
  });

  test("reads numbers and lists from text", () => {
    const config = parseConfig(
      anEnv({ LEASE_MS: "6000", HTTP_ALLOW_LIST: " https://a.example , ,https://b.example/docs" }),
    );
    expect(config.leaseMs).toBe(6_000);
    expect(config.httpAllowList).toEqual(["https://a.example", "https://b.example/docs"]);
  });

  test.each([
    ["LEASE_MS", "soon"],
    ["LEASE_MS", "0"],
    ["LEASE_MS", "1.5"],
    ["AUCTION_BID_MS", "120001"],
    ["AUCTION_JURY_MS", "-1"],
    ["PICKUP_MS", "600001"],
    ["SLICE_MS", "600001"],
    ["MODEL_CALL_MS", "NaN"],
    ["MODEL_STALL_MS", "0"],
    ["POOL", "staging"],
    ["WEBHOOK_ALLOW_LIST", "127.0.0.1:8789"],
    ["WEBHOOK_ALLOW_LIST", "http://127.0.0.1:8789/hook"],
    ["ADMIN_SECRET", "short"],
  ])("with %s=%s does not start, and names the variable", (name, value) => {
    expect(() => parseConfig(anEnv({ [name]: value }))).toThrow(name);
  });

  test("hands out variables by name, and nothing that is no text", () => {
    const config = parseConfig(anEnv({ API_KEY: "k", DB: { prepare: () => null } }));
    expect(config.variable("API_KEY")).toBe("k");
    expect(config.variable("DB")).toBeUndefined();
    expect(config.variable("NOT_SET")).toBeUndefined();
  });

  test("its randomness lies in [0, 1) and does not repeat, its clock is the time", () => {
    const { source } = parseConfig(anEnv());
    const drawn = Array.from({ length: 100 }, () => source.random());
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(90);
    expect(Math.abs(source.now() - Date.now())).toBeLessThan(1_000);
  });
});
