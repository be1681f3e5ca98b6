/** Every test file starts with an empty, migrated database. */
import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

await applyD1Migrations(env.DB, (env as unknown as { TEST_MIGRATIONS: D1Migration[] }).TEST_MIGRATIONS);
type D1Migration = Parameters<typeof applyD1Migrations>[1][number];
