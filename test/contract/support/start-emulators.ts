/**
 * Starts the emulators' Worker, and a Worker that calls it, in one Miniflare for a test file.
 *
 * Real HTTP on a free port, so that real clients speak to it. The echo stands in for the house unless a test asks for it.
 */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import type { V4WorkerOptions } from "miniflare";
import { bundle, echoHouse } from "./bundle.ts";

export interface Emulators {
  /** Origin of the emulators' own HTTP, such as `http://127.0.0.1:41234`. */
  readonly origin: string;
  /** Asks an admin path; the body of the answer, parsed. */
  admin<T>(method: "GET" | "PUT" | "POST" | "DELETE", path: string, body?: unknown): Promise<T>;
  /** Has the calling Worker make a call; what came back, or the error that was thrown there. */
  caller<T>(path: string, body: unknown): Promise<T>;
  dispose(): Promise<void>;
}

export interface EmulatorVars {
  readonly LATENCY_SCALE?: string;
  readonly VECTORIZE_DELAY_MS?: string;
  readonly VECTORIZE_DIMENSIONS?: string;
  readonly NATIVE_SHAPE_MODELS?: string;
}

export interface StartOptions {
  /** Directory that Durable Objects are kept in; without one they are forgotten. */
  readonly persist?: string;
  /** Keep the real house agents and documents instead of the echo. */
  readonly realHouse?: boolean;
}

const COMMON = { compatibilityDate: "2026-10-01", compatibilityFlags: ["nodejs_compat"], modules: true };

const OBJECTS = {
  CALL_LOG: { className: "CallLogObject", useSQLite: true },
  RECORDINGS: { className: "RecordingsObject", useSQLite: true },
  VECTOR_INDEX: { className: "VectorIndexObject", useSQLite: true },
};

/** @param vars instead of those in `emulators/wrangler.toml`; latency and visibility delay are off unless named */
export async function startEmulators(
  vars: EmulatorVars = {},
  options: StartOptions = {},
): Promise<Emulators> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      ...(options.persist === undefined ? {} : { resourcePersistencePath: options.persist }),
      workers: await Promise.all([callerWorker(), emulatorsWorker(vars, options)]),
    }),
  );
  await miniflare.ready;
  const { origin } = await miniflare.unsafeGetDirectURL("saleroom-emulators");
  return {
    origin,
    admin: async (method, path, body) => {
      const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
      const text = await (await fetch(`${origin}${path}`, init)).text();
      return text === "" ? null : JSON.parse(text);
    },
    caller: async <T>(path: string, body: unknown) => {
      const init = { method: "POST", body: JSON.stringify(body) };
      const response = await miniflare.dispatchFetch(`http://caller${path}`, init);
      return (await response.json()) as T;
    },
    dispose: async () => {
      await miniflare.dispose();
    },
  };
}

async function callerWorker(): Promise<V4WorkerOptions> {
  return {
    ...COMMON,
    name: "caller",
    script: await bundle("./caller-worker.ts"),
    serviceBindings: {
      AI: { name: "saleroom-emulators", entrypoint: "AiEmulator" },
      VECTORIZE: { name: "saleroom-emulators", entrypoint: "VectorizeEmulator" },
    },
  };
}

async function emulatorsWorker(vars: EmulatorVars, options: StartOptions): Promise<V4WorkerOptions> {
  return {
    ...COMMON,
    name: "saleroom-emulators",
    script: await bundle("../../../emulators/index.ts", options.realHouse === true ? [] : [echoHouse]),
    bindings: { LATENCY_SCALE: "0", VECTORIZE_DELAY_MS: "0", ...vars },
    durableObjects: OBJECTS,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
  };
}
