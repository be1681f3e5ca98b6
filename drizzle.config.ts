/** `npx drizzle-kit generate` writes ./migrations from the schema; wrangler and the local stack apply them. */
import { defineConfig } from "drizzle-kit";

export default defineConfig({
  dialect: "sqlite",
  schema: ["./src/history/schema.ts", "./src/history/sums-schema.ts"],
  out: "./migrations",
});
