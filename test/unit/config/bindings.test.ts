/**
 * The environments of wrangler.toml against each other: what is bound in production is bound locally under the same
 * name, and the tests' Worker is the same Worker.
 */
import { describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { z } from "zod";
import { WORK_DELIVERIES } from "../../../src/market/queue-retry.ts";

const bindings = z.array(z.object({ binding: z.string() }));

/** The parts of a config that are compared. */
const configSchema = z.object({
  main: z.string(),
  compatibility_date: z.string(),
  compatibility_flags: z.array(z.string()),
  ai: z.object({ binding: z.string() }).optional(),
  vectorize: bindings,
  services: z.array(z.object({ binding: z.string(), service: z.string() })).default([]),
  d1_databases: z.array(z.object({ binding: z.string(), database_name: z.string() })),
  kv_namespaces: bindings,
  r2_buckets: bindings,
  durable_objects: z.object({ bindings: z.array(z.object({ name: z.string(), class_name: z.string() })) }),
  migrations: z.array(z.looseObject({ new_sqlite_classes: z.array(z.string()).default([]) })),
  queues: z.object({
    producers: z.array(z.object({ binding: z.string(), queue: z.string() })).default([]),
    consumers: z
      .array(
        z.object({
          queue: z.string(),
          max_retries: z.number(),
          dead_letter_queue: z.string().optional(),
        }),
      )
      .default([]),
  }),
  triggers: z.object({ crons: z.array(z.string()).optional() }),
});
type WranglerConfig = z.output<typeof configSchema>;

const read = (config: string, env?: string) =>
  // Hidden warning: that Workers AI and Vectorize, which have no local form, are services there. Which is tested below.
  configSchema.parse(
    unstable_readConfig({ config, ...(env !== undefined && { env }) }, { hideWarnings: true }),
  );

const production = read("wrangler.toml");
const local = read("wrangler.toml", "local");
const workerd = read("test/workerd/wrangler.toml");

const durableObjects = (config: WranglerConfig) =>
  Object.fromEntries(config.durable_objects.bindings.map((binding) => [binding.name, binding.class_name]));
const producers = (config: WranglerConfig) =>
  Object.fromEntries(config.queues.producers.map(({ binding, queue }) => [binding, queue]));
const databases = (config: WranglerConfig) =>
  config.d1_databases.map(({ binding, database_name }) => ({ binding, database_name }));
const consumers = (config: WranglerConfig) => config.queues.consumers.map(({ queue }) => queue);

const deadLetters = (config: WranglerConfig) =>
  config.queues.consumers.flatMap(({ queue, dead_letter_queue: dead, max_retries }) =>
    dead === undefined ? [] : [{ queue, dead, deliveries: max_retries + 1 }],
  );

/** Every binding by name, whatever stands behind it; variables are not among them. */
function bindingNames(config: WranglerConfig): string[] {
  const names: string[] = [
    ...(config.ai === undefined ? [] : [config.ai.binding]),
    ...config.vectorize.map(({ binding }) => binding),
    ...config.services.map(({ binding }) => binding),
    ...config.d1_databases.map(({ binding }) => binding),
    ...config.durable_objects.bindings.map(({ name }) => name),
    ...config.queues.producers.map(({ binding }) => binding),
    ...config.kv_namespaces.map(({ binding }) => binding),
    ...config.r2_buckets.map(({ binding }) => binding),
  ];
  return names.toSorted();
}

describe("production and local", () => {
  test("bind the same names, each once", () => {
    expect(bindingNames(local)).toEqual(bindingNames(production));
    expect(new Set(bindingNames(local)).size).toBe(bindingNames(local).length);
    expect(bindingNames(production)).toContain("MARKET_ROOM");
  });

  test("have the same kind of thing behind a name, but for Workers AI and Vectorize", () => {
    expect(durableObjects(local)).toEqual(durableObjects(production));
    expect(producers(local)).toEqual(producers(production));
    expect(databases(local)).toEqual(databases(production));
  });

  test("reach Workers AI and Vectorize themselves, and never both themselves and an emulator", () => {
    expect(production.ai?.binding).toBe("AI");
    expect(production.vectorize.map(({ binding }) => binding)).toEqual(["VECTORIZE"]);
    expect(production.services).toEqual([]);
    expect(local.ai).toBeUndefined();
    expect(local.vectorize).toEqual([]);
    expect(local.services.map(({ binding, service }) => [binding, service])).toEqual([
      ["AI", "saleroom-emulators"],
      ["VECTORIZE", "saleroom-emulators"],
    ]);
  });

  // Without it, a request to a host of the deployment's own zone goes to that host's origin, past all that guards it:
  // a tenant's webhook could name one.
  test("reach the internet as anybody does", () => {
    for (const config of [production, local])
      expect(config.compatibility_flags).toContain("global_fetch_strictly_public");
  });

  test("consume every queue that they produce for, and that of dead letters", () => {
    for (const config of [production, local]) {
      const fed = [...Object.values(producers(config)), ...deadLetters(config).map(({ dead }) => dead)];
      expect(new Set(consumers(config))).toEqual(new Set(fed));
    }
  });

  test("bring work as often, and its dead letters to one queue", () => {
    expect(deadLetters(local)).toEqual(deadLetters(production));
    expect(deadLetters(production)).toEqual([
      { queue: "saleroom-work", dead: "saleroom-dead", deliveries: WORK_DELIVERIES },
    ]);
  });

  test("store Durable Objects alike and wake them as often", () => {
    expect(local.migrations).toEqual(production.migrations);
    expect(local.triggers).toEqual(production.triggers);
    const stored = production.migrations.flatMap((step) => step.new_sqlite_classes);
    expect(new Set(stored)).toEqual(new Set(Object.values(durableObjects(production))));
  });
});

describe("the tests' Worker", () => {
  test("is the same Worker on the same runtime", () => {
    expect(workerd.main).toBe(production.main);
    expect(workerd.compatibility_date).toBe(production.compatibility_date);
    expect(workerd.compatibility_flags).toEqual(production.compatibility_flags);
  });

  test("has the same Durable Objects, queues and database", () => {
    expect(durableObjects(workerd)).toEqual(durableObjects(production));
    expect(workerd.migrations).toEqual(production.migrations);
    expect(producers(workerd)).toEqual(producers(production));
    expect(databases(workerd)).toEqual(databases(production));
  });

  test("reaches no model, and consumes no queue behind a test's back", () => {
    expect(workerd.ai).toBeUndefined();
    expect(workerd.vectorize).toEqual([]);
    expect(workerd.services).toEqual([]);
    expect(consumers(workerd)).toEqual([]);
  });
});
