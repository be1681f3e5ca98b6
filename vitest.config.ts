/**
 * Four projects: pure rooms and providers in Node, rooms in workerd, emulators against real clients, the whole stack. And
 * `chaos`, which `npm test` leaves out for its minutes: `npm run test:chaos`.
 */
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

/** Every file in workerd loads the Worker anew: of these packages one module each, not hundreds. */
const BUNDLED = [
  "@ai-sdk/anthropic",
  "@ai-sdk/google",
  "@ai-sdk/openai-compatible",
  "@cfworker/json-schema",
  "@mdream/js/core",
  "@mdream/js/plugins",
  "@modelcontextprotocol/client",
  "ai",
  "csv-stringify/sync",
  "drizzle-orm",
  "drizzle-orm/d1",
  "drizzle-orm/sqlite-core",
  "hono",
  "hono/body-limit",
  "hono/streaming",
  "ipaddr.js",
  "quickjs-emscripten-core",
  "standardwebhooks",
  "ulidx",
  "workers-ai-provider",
  "zod",
];

const nodeProject = (name: string, options: { slow: boolean; groupOrder: number }) => ({
  test: {
    name,
    // One project after the other: two cores, and tests of what happens in time, do not bear a crowd.
    sequence: { groupOrder: options.groupOrder },
    include: [`test/${name}/**/*.test.ts`],
    environment: "node" as const,
    // Stacks are real processes on two cores: one file at a time.
    fileParallelism: !options.slow,
    ...(options.slow ? { testTimeout: 240_000, hookTimeout: 120_000 } : { testTimeout: 60_000 }),
  },
});

export default defineConfig({
  test: {
    // Every task logs its calls and steps: of a test that passes nobody reads them.
    silent: "passed-only",
    projects: [
      nodeProject("unit", { slow: false, groupOrder: 0 }),
      nodeProject("contract", { slow: true, groupOrder: 1 }),
      nodeProject("e2e", { slow: true, groupOrder: 2 }),
      nodeProject("chaos", { slow: true, groupOrder: 4 }),
      {
        plugins: [
          cloudflareTest(async () => ({
            wrangler: { configPath: "./test/workerd/wrangler.toml" },
            remoteBindings: false,
            miniflare: { bindings: { TEST_MIGRATIONS: await readD1Migrations("./migrations") } },
          })),
        ],
        test: {
          name: "workerd",
          sequence: { groupOrder: 3 },
          // Most of a file's time goes into waiting for its modules.
          maxWorkers: 2,
          include: ["test/workerd/**/*.test.ts"],
          setupFiles: ["./test/workerd/setup.ts"],
          deps: { optimizer: { ssr: { enabled: true, include: BUNDLED } } },
          testTimeout: 60_000,
        },
      },
    ],
  },
});
