/**
 * The two Workers as Miniflare takes them: bindings from their own wrangler configurations, code from their bundles.
 *
 * Nothing is listed here that stands in a wrangler.toml; only what depends on this machine is put over it.
 */
import type { V4WorkerOptions } from "miniflare";
import { bundleWorker, type WorkerSource } from "./bundle-worker.ts";
import { LOOPBACK } from "./ports.ts";
import { PROJECT_ROOT } from "./project-root.ts";

export const MAIN_WORKER: WorkerSource = {
  name: "saleroom",
  configPath: "wrangler.toml",
  environment: "local",
  inputs: ["src"],
};
export const EMULATORS_WORKER: WorkerSource = {
  name: "emulators",
  configPath: "emulators/wrangler.toml",
  inputs: ["emulators", "src"],
};

export type Variables = Readonly<Record<string, string>>;

/** What one Worker of the stack is given beyond its configuration. */
export interface Placement {
  readonly source: WorkerSource;
  readonly port: number;
  /** Variables of the configuration are passed in; what comes back is what the Worker gets. */
  readonly variables: (configured: Variables) => Variables;
}

export interface PlacedWorker {
  readonly options: V4WorkerOptions & { readonly name: string };
  readonly variables: Variables;
}

export async function placeWorker({ source, port, variables }: Placement): Promise<PlacedWorker> {
  const [modules, { workerOptions, name }] = await Promise.all([
    bundleWorker(source),
    readWranglerConfig(source),
  ]);
  const bindings = variables((workerOptions.bindings ?? {}) as Variables);
  const { modulesRules: _, ...configured } = workerOptions;
  const options = {
    ...configured,
    name,
    rootPath: PROJECT_ROOT,
    modules: modules.map((module) => ({ ...module })),
    bindings: { ...bindings },
    // Straight to the Worker: requests do not pass Miniflare's own proxy, which is several times slower.
    unsafeDirectSockets: [{ host: LOOPBACK, port }],
  } as unknown as V4WorkerOptions & { readonly name: string };
  return { options, variables: bindings };
}

async function readWranglerConfig({ configPath, environment }: WorkerSource) {
  // Wrangler reports what it thinks of a configuration while reading it; the bundler has said it already.
  process.env["WRANGLER_LOG"] ??= "none";
  process.env["WRANGLER_SEND_METRICS"] ??= "false";
  const wrangler = await import("wrangler");
  const config = wrangler.unstable_readConfig({ config: `${PROJECT_ROOT}/${configPath}`, env: environment });
  const { workerOptions } = wrangler.unstable_getMiniflareWorkerOptions(config, environment);
  if (config.name === undefined) throw new Error(`${configPath} names no Worker`);
  return { workerOptions, name: config.name };
}
