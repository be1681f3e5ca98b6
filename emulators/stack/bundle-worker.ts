/**
 * A Worker's bundle, made by wrangler as it would be deployed, and kept by the content that went into it.
 *
 * A wrangler process costs seconds; an unchanged source costs a hash.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { PROJECT_ROOT } from "./project-root.ts";
import { StackError } from "./stack-error.ts";

export interface WorkerSource {
  /** Names the bundle in the cache. */
  readonly name: string;
  /** The wrangler configuration, from the project's root. */
  readonly configPath: string;
  readonly environment?: string;
  /** Another entry than the configuration's, from the project's root. */
  readonly entry?: string;
  /** Files and folders whose content decides the bundle, from the project's root. */
  readonly inputs: readonly string[];
}

/** As Miniflare takes them. */
export interface BundledModule {
  readonly type: "ESModule" | "CompiledWasm" | "Text" | "Data";
  readonly path: string;
  readonly contents: string | Uint8Array<ArrayBuffer>;
}

const CACHE = join(PROJECT_ROOT, ".saleroom", "bundles");
const WRANGLER = join(PROJECT_ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
/** An older bundle of the same Worker is removed after this time: something may still be starting from it. */
const STALE_MS = 60 * 60 * 1_000;

/** @throws StackError `bundle_failed` with what wrangler said */
export async function bundleWorker(source: WorkerSource): Promise<readonly BundledModule[]> {
  for (;;) {
    const hash = contentHash(source);
    const directory = join(CACHE, `${source.name}-${hash}`);
    if (existsSync(directory)) return readModules(directory);
    const built = await build(source, directory);
    // A source that changed meanwhile must not be kept under the hash of what it was.
    if (contentHash(source) === hash) keep(built, directory);
    else rmSync(built, { recursive: true, force: true });
  }
}

/** Whoever finishes first wins; both built the same. */
function keep(built: string, directory: string): void {
  try {
    renameSync(built, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error;
    rmSync(built, { recursive: true, force: true });
  }
}

/** Where the bundle lies until it is kept. */
async function build(source: WorkerSource, directory: string): Promise<string> {
  const unfinished = `${directory}.${process.pid}`;
  mkdirSync(CACHE, { recursive: true });
  removeStale(source.name);
  const environment = source.environment === undefined ? [] : ["--env", source.environment];
  const entry = source.entry === undefined ? [] : [source.entry];
  try {
    await promisify(execFile)(
      process.execPath,
      [
        WRANGLER,
        "deploy",
        ...entry,
        "--dry-run",
        "-c",
        source.configPath,
        ...environment,
        "--outdir",
        unfinished,
      ],
      {
        cwd: PROJECT_ROOT,
        env: { ...process.env, WRANGLER_SEND_METRICS: "false", CI: "1", NO_COLOR: "1", FORCE_COLOR: "0" },
      },
    );
    return unfinished;
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    const said = error as { stdout?: string; stderr?: string; message: string };
    const text = [said.stdout, said.stderr].filter(Boolean).join("\n").trim();
    throw new StackError(
      "bundle_failed",
      `wrangler could not bundle ${source.configPath}:\n${text || said.message}`,
    );
  }
}

function removeStale(name: string): void {
  for (const entry of readdirSync(CACHE)) {
    const path = join(CACHE, entry);
    if (entry.startsWith(`${name}-`) && Date.now() - statSync(path).mtimeMs > STALE_MS) {
      rmSync(path, { recursive: true, force: true });
    }
  }
}

function contentHash({ inputs, configPath, environment, entry }: WorkerSource): string {
  const hash = createHash("sha256").update(`${environment ?? ""} ${entry ?? ""}`);
  for (const input of [...inputs, configPath, "package-lock.json"]) {
    for (const file of filesIn(join(PROJECT_ROOT, input))) {
      hash.update(`\0${relative(PROJECT_ROOT, file)}\0`).update(readFileSync(file));
    }
  }
  return hash.digest("hex").slice(0, 16);
}

function filesIn(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.name.startsWith("."))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => filesIn(join(path, entry.name)));
}

function readModules(directory: string): BundledModule[] {
  const files = filesIn(directory).filter((file) => !/(?:README\.md|\.map|bundle-meta\.json)$/.test(file));
  const modules = files.map((file) => readModule(directory, file));
  // Miniflare starts the first one: the bundle, the only script there is.
  return modules.toSorted((a, b) => Number(b.type === "ESModule") - Number(a.type === "ESModule"));
}

function readModule(directory: string, file: string): BundledModule {
  const path = relative(directory, file);
  const type = moduleType(path);
  const contents =
    type === "ESModule" || type === "Text" ? readFileSync(file, "utf8") : new Uint8Array(readFileSync(file));
  return { type, path, contents };
}

/** As wrangler's default module rules have it. */
function moduleType(path: string): BundledModule["type"] {
  if (/\.m?js$/.test(path)) return "ESModule";
  if (/\.wasm(?:\?module)?$/.test(path)) return "CompiledWasm";
  if (/\.(?:txt|html|sql)$/.test(path)) return "Text";
  return "Data";
}
