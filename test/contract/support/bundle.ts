/** Bundles a Worker for Miniflare with esbuild, under the conditions that wrangler uses. */
import { join } from "node:path";
import { build } from "esbuild";
import type { Plugin } from "esbuild";

const here = (path: string) => join(import.meta.dirname, path);

/** Replaces the house agents by `echo-house.ts` and their documents by one: contract tests hold wires, not behaviour. */
export const echoHouse: Plugin = {
  name: "echo-house",
  setup(plugin) {
    plugin.onResolve({ filter: /house\/index\.ts$/ }, () => ({ path: here("./echo-house.ts") }));
    plugin.onResolve({ filter: /\/workload\/index\.ts$/ }, () => ({ path: here("./one-document.ts") }));
  },
};

/** @param entry path from this directory */
export async function bundle(entry: string, plugins: Plugin[] = []): Promise<string> {
  const result = await build({
    entryPoints: [here(entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    plugins,
    logLevel: "error",
  });
  return result.outputFiles[0]?.text ?? "";
}
